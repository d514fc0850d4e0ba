// D9: what others may see, and what a set with "***" keeps.
#include "config/secrets.hpp"

#include <gmock/gmock.h>

#include "config/secret_names.hpp"
#include "fixture.hpp"

namespace dtud::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kWithSecrets[] = R"({
  "password": "pw-1",
  "apn": ["internet", "user", "pw-2"],
  "conf": {
    "1": {"protocol": "mqtt", "password": "pw-3", "url": "broker"},
    "2": {"protocol": "aliyun", "DeviceSecret": "pw-4", "ProductSecret": "", "ProductKey": "PK"},
    "3": {"protocol": "tcp", "url": "a", "port": 1, "psk": "pw-5 \"\\ \u6e29"},
    "4": {"protocol": "gone", "authToken": "pw-6", "tls": {"private_key": "pw-7"}},
    "5": {"protocol": "mqtt", "will": {"password": "pw-8"}, "secret": 12345}
  }
})";

TEST(Secrets, AreMaskedEverywhere) {
  const auto d = device(kWithSecrets);
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(masked(*d.config), R"({"password":"***","apn":["internet","user","***"],"conf":{)"
                               R"("1":{"protocol":"mqtt","password":"***","url":"broker"},)"
                               R"("2":{"protocol":"aliyun","DeviceSecret":"***","ProductSecret":"","ProductKey":"PK"},)"
                               R"("3":{"protocol":"tcp","url":"a","port":1,"psk":"***"},)"
                               R"("4":{"protocol":"gone","authToken":"***","tls":{"private_key":"***"}},)"
                               R"("5":{"protocol":"mqtt","will":{"password":"***"},"secret":"***"}}})");
  EXPECT_THAT(d.config->secrets,
              ElementsAre("/apn/2", "/conf/1/password", "/conf/2/DeviceSecret", "/conf/3/psk", "/conf/4/authToken",
                          "/conf/4/tls/private_key", "/conf/5/secret", "/conf/5/will/password", "/password"));
  EXPECT_THAT(d.config->scalars_json, Not(HasSubstr("pw-")));
  for (const auto& channel : d.config->channels) {
    EXPECT_THAT(channel.masked_json, Not(HasSubstr("pw-")));
    EXPECT_THAT(channel.masked_json, Not(HasSubstr("12345")));
  }
  EXPECT_THAT(d.config->channels[0].json, HasSubstr("pw-3"));
}

TEST(Secrets, GetEditSetKeepsThem) {
  const auto d = device(kWithSecrets);
  Findings findings;
  auto text = masked(*d.config);
  text.replace(text.find("internet"), 8, "cmnet");
  const auto back = unmask(text, *d.config, findings);
  EXPECT_EQ(all(findings), "");
  const auto again = device(back);
  ASSERT_TRUE(again.config) << again.said;
  EXPECT_EQ(again.config->password, "pw-1");
  EXPECT_THAT(again.config->channels[2].json, HasSubstr(R"(pw-5 \"\\ )"
                                                        "\xE6\xB8\xA9"));
  EXPECT_THAT(back, HasSubstr("cmnet"));
  EXPECT_EQ(again.config->secrets, d.config->secrets);
  auto original = to_json(Json(d.config->document));
  original.replace(original.find("internet"), 8, "cmnet");
  EXPECT_EQ(to_json(Json(again.config->document)), original);
}

TEST(Secrets, UnmaskTouchesNothingElse) {
  const auto d = device(kWithSecrets);
  Findings findings;
  EXPECT_EQ(unmask("{\n  \"password\" : \"***\",\n\t\"conf\": {\"9\": {\"ping\": \"***\"}} }", *d.config, findings),
            "{\n  \"password\" : \"pw-1\",\n\t\"conf\": {\"9\": {\"ping\": \"***\"}} }");
  EXPECT_EQ(unmask(R"({"password": "new"})", *d.config, findings), R"({"password": "new"})");
  EXPECT_EQ(all(findings), "");
}

TEST(Secrets, UnmaskOfBrokenJsonSaysSo) {
  const auto d = device(kWithSecrets);
  Findings findings;
  EXPECT_EQ(unmask("{\"password\": \"***\",}", *d.config, findings), "");
  EXPECT_EQ(all(findings), "1:19: error: a comma before }: remove it\n");
}

TEST(Secrets, AMaskWithNothingBehindItIsRefused) {
  const auto d = device(R"({"conf": {"1": {"protocol": "mqtt", "password": "***"}, "2": {"protocol": "tcp", "url": "a",
  "port": 1, "psk": "***"}, "3": {"protocol": "mqtt", "ping": "***"}}})");
  EXPECT_EQ(d.said,
            "d.json:1:49: error: /conf/1/password: *** stands for a stored secret, and none is stored here: give the "
            "secret itself\n"
            "d.json:2:21: error: /conf/2/psk: *** stands for a stored secret, and none is stored here: give the secret "
            "itself\n");
  EXPECT_THAT(skipped(*d.config), ElementsAre(1, 2));
  EXPECT_FALSE(device(R"({"password": "***"})").config);
  EXPECT_FALSE(device(R"({"apn": ["a", "b", "***"]})").config);
}

TEST(Secrets, AreNotInFindings) {
  const auto d = device(R"({"password": ["hunter2"], "apn": ["", "", {"x": "hunter2"}], "conf": {
    "1": {"protocol": "tcp", "url": "a", "port": 1, "psk": {"a": "hunter2"}},
    "2": {"protocol": "gone", "password": ["hunter2"]}}})");
  EXPECT_TRUE(has_errors(d.findings));
  EXPECT_THAT(d.said, Not(HasSubstr("hunter2")));
  EXPECT_THAT(d.said, HasSubstr("/password: a list is not allowed: give a text of at most 128 characters"));
  EXPECT_THAT(device(R"({"password": ")" + std::string(129, 'x') + "\"}").said, Not(HasSubstr("xxx")));
}

TEST(Secrets, WriteOnlyIsFoundThroughReferencesAndBranches) {
  Installed installed;
  installed.channels["cloud"] = R"({"type": "object", "properties": {
      "auth": {"$ref": "#/definitions/auth"}, "keys": {"type": "array", "items": {"type": "string", "writeOnly": true}}},
    "allOf": [{"if": {"required": ["x"]}, "then": {"properties": {"x": {"writeOnly": true}}}}],
    "definitions": {"auth": {"type": "object", "additionalProperties": {"type": "string", "writeOnly": true}}}})";
  const auto d =
      device(R"({"conf":{"1":{"protocol":"cloud","auth":{"a":"s1"},"keys":["s2","s3"],"x":"s4"}}})", installed);
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(masked(*d.config),
            R"({"conf":{"1":{"protocol":"cloud","auth":{"a":"***"},"keys":["***","***"],"x":"***"}}})");
}

// Documents with a mistake: the secret is in no message, and not in what others see of the document.
TEST(Secrets, InSlightlyWrongDocumentsAreNotShown) {
  Installed installed;
  installed.channels["web"] = R"({"type": "object", "additionalProperties": false, "properties": {
      "url": {"type": "string", "maxLength": 60, "pattern": "^https?://"}, "key": {"type": "string", "writeOnly": true},
      "headers": {"type": "object", "additionalProperties": {"type": "string", "writeOnly": true}},
      "n": {"type": "integer"}}})";
  const auto web = [](const std::string& members) { return R"("conf": {"1": {"protocol": "web", )" + members + "}}"; };
  const std::string documents[] = {R"("acquire_url": "htp://h/?k=qzX")",
                                   R"("acquire_url": "ftp://h/?t=qzX")",
                                   R"("acquire_url": "htp://h/?k=abc#qzX")",
                                   R"("acquire_url": "http:/h/?k=qzX")",
                                   R"("acquire_url": "http//u:qzX@h")",
                                   R"("acquire_url": "htp://u:qzX@h")",
                                   R"("pasword": "qzX")",
                                   R"("Pasword": ["qzX"])",
                                   R"("pass": "qzX")",
                                   R"("apnn": ["a", "b", "qzX"])",
                                   R"("apn": ["a", "b", "c", "qzX"])",
                                   R"("apn": {"a": "qzX"})",
                                   R"("ota": ["a", "b", "qzX"])",
                                   R"("ota": ["a", "b", ["qzX"]])",
                                   R"("ota": ["a", "b", "c", "qzX"])",
                                   R"("ota": "a,b,qzX")",
                                   R"("conff": {"1": {"protocol": "web", "key": "qzX"}})",
                                   R"("conf": {"1": ["qzX"]})",
                                   R"("conf": {"1": "qzX"})",
                                   R"("conf": ["qzX"])",
                                   R"("conf": {"100": {"protocol": "web", "authToken": "qzX"}})",
                                   web(R"("headers": ["qzX"])"),
                                   web(R"("headers": "qzX")"),
                                   web(R"("headers": {"A": ["qzX"]})"),
                                   web(R"("header": {"A": "qzX"})"),
                                   web(R"("kee": "qzX")"),
                                   web(R"("key": ["qzX"])"),
                                   web(R"("pasword": "qzX")"),
                                   web(R"("passwd": "qzX")"),
                                   web(R"("url": "ftp://h/?t=qzX")"),
                                   web(R"("url": "h/?t=qzX")"),
                                   web(R"("url": ["http://h/?t=qzX"])"),
                                   web(R"("n": "http://h/?t=qzX")"),
                                   web(R"("n": "http://u:qzX@h/")"),
                                   web(R"("url": "http://u:qzXh/")"),
                                   web(R"("serialID": "http://h?k=qzX")"),
                                   R"("work_mode": "http://h?k=qzX")",
                                   R"("conf": {"1": {"protocol": "http://h?qzX"}})"};
  for (const std::string& members : documents) {
    SCOPED_TRACE(members);
    const auto d = device("{" + members + "}", installed);
    EXPECT_THAT(d.said, Not(HasSubstr("qzX")));
    if (!d.config) continue;
    EXPECT_THAT(masked(*d.config), Not(HasSubstr("qzX")));
    for (const auto& channel : d.config->skipped)
      EXPECT_THAT(channel.type + channel.port + channel.reason, Not(HasSubstr("qzX")));
  }
}

TEST(Secrets, WhatIsNoneIsShown) {
  Installed installed;
  installed.channels["web"] = R"({"type": "object", "properties": {
      "token_topic": {"type": "string"}, "topics": {"type": "object", "additionalProperties": {"type": "string"}}}})";
  const std::string document =
      R"({"conf":{"1":{"protocol":"web","token_topic":"a","topics":{"secrets":"b"},"Devicename":"d","ProductKey":"PK",)"
      R"("secure":true,"url":"http://h/p"}}})";
  const auto d = device(document, installed);
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(masked(*d.config), document);
}

TEST(Secrets, NamesOfThemComeFromTheSchemas) {
  Installed installed;
  installed.channels = {{"web", R"({"type": "object", "properties": {"A": {"$ref": "#/definitions/a"},
      "B": {"type": "object", "additionalProperties": {"writeOnly": true}}, "C": {"items": [{}, {"writeOnly": true}]},
      "D": {"anyOf": [{"type": "string"}, {"items": {"writeOnly": true}}]}, "E": {"properties": {"F": {"writeOnly": true}}}},
      "definitions": {"a": {"writeOnly": true}}})"}};
  EXPECT_EQ(secret_names(installed.schemas()),
            (SecretNames{{"a", 0}, {"apn", 2}, {"b", 0}, {"c", 1}, {"d", 0}, {"f", 0}, {"ota", 2}, {"password", 0}}));
}

TEST(Secrets, NamesCountInAnyLetters) {
  EXPECT_TRUE(is_secret_name("devicesecret"));
  EXPECT_TRUE(is_secret_name("Password"));
  EXPECT_FALSE(is_secret_name("ProductKey"));
}

}  // namespace
}  // namespace dtud::config
