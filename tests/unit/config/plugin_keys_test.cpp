// Keys of the device document that belong to plugins: checked by the schema of their owner, and given to it.
#include "config/plugin_keys.hpp"

#include <gmock/gmock.h>

#include "config/secret_names.hpp"
#include "fixture.hpp"

namespace dtud::config {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kCloud[] = R"({"type": "object", "additionalProperties": false, "required": ["user"], "properties": {
  "user": {"type": "string", "minLength": 1, "maxLength": 8}, "token": {"$ref": "#/definitions/secret"},
  "level": {"type": "integer", "maximum": 9, "default": 3}},
  "definitions": {"secret": {"type": "string", "x-secret": true}}})";

KeyOwner owner(const std::string& type, bool used = true, uint32_t kind = DTU_KIND_COMMAND) {
  return {kind, type, kCloud, "/p/" + type + ".so", false, used};
}

// Beside the keys of "dtu".
Installed with(const std::vector<KeyOwner>& owners, const std::string& key = "cloud") {
  Installed out;
  for (const KeyOwner& one : owners) out.keys.emplace(key, one);
  return out;
}

const OwnedKey* find(const Device& d, const std::string& key) {
  for (const OwnedKey& one : d.config->owned.list)
    if (one.name == key) return &one;
  return nullptr;
}

std::string value(const Device& d, const std::string& key) {
  const OwnedKey* found = d.config ? find(d, key) : nullptr;
  return found != nullptr ? found->json : "none";
}

TEST(PluginKeys, AreCheckedAsOthersAre) {
  const Installed installed = with({owner("cloudy")});
  EXPECT_EQ(device(R"({"cloud": {"user": "", "token": "sesame-1", "level": 10, "tokn": "sesame-2"}})", installed).said,
            "d.json:1:20: error: /cloud/user: empty: give a text of 1 to 8 characters\n"
            "d.json:1:54: error: /cloud/level: 10 is not allowed: give a whole number of at most 9\n"
            "d.json:1:58: error: /cloud/tokn: unknown key: did you mean \"token\"?\n");
  EXPECT_EQ(device(R"({"cloud": 7})", installed).said,
            "d.json:1:11: error: /cloud: *** is not allowed: give an object { ... }\n")
      << "it would hold a secret";
  EXPECT_EQ(device(R"({"clod": {"user": "x", "token": "sesame-1"}})", installed).said,
            "d.json:1:2: error: /clod: unknown key: did you mean \"cloud\"?\n");
  EXPECT_EQ(device(R"({"ploud": 1, "plat": 1})", installed).said,
            "d.json:1:2: error: /ploud: unknown key: did you mean \"cloud\"?\n"
            "d.json:1:14: error: /plat: unknown key: did you mean \"plate\"?\n");
}

TEST(PluginKeys, GoToTheirOwnerInNormalFormWithTheirSecrets) {
  const auto d = device(R"({"cloud": {"user": "me", "token": "sesame", "level": "5"}})", with({owner("cloudy")}));
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(d.said, "");
  EXPECT_EQ(value(d, "cloud"), R"({"level":5,"token":"sesame","user":"me"})");
  EXPECT_EQ(find(d, "cloud")->type, "cloudy");
  EXPECT_EQ(with_document(R"({"a":1})", DTU_KIND_COMMAND, "cloudy", d.config->owned),
            R"({"a":1,"document":{"cloud":{"level":5,"token":"sesame","user":"me"}}})");
  EXPECT_EQ(with_document(R"({"a":1,"document":{"cloud":{}}})", DTU_KIND_COMMAND, "other", d.config->owned),
            R"({"a":1})");
}

TEST(PluginKeys, TheirSecretsAreMasked) {
  const auto d = device(R"({"cloud": {"user": "me", "token": "sesame"}})", with({owner("cloudy")}));
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(masked(*d.config), R"({"cloud":{"user":"me","token":"***"}})");
  EXPECT_THAT(d.config->scalars_json, HasSubstr(R"("cloud":{"level":3,"token":"***","user":"me"})"));
  EXPECT_THAT(secret_values(*d.config), testing::ElementsAre("sesame"));
  Findings findings;
  EXPECT_THAT(unmask(R"({"cloud": {"user": "you", "token": "***"}})", *d.config, findings), HasSubstr("sesame"));
  const auto names = secret_names(with({owner("cloudy")}).schemas());
  EXPECT_EQ(names.count("token"), 1U);
  // Whose key this was meant to be can be guessed, what is secret in it not.
  EXPECT_EQ(
      masked(*device(R"({"clod": {"user": "me", "token": "sesame"}, "plat": 1})", with({owner("cloudy")})).config),
      R"({"clod":"***","plat":1})");
}

TEST(PluginKeys, AWrongValueCostsOnlyThatKey) {
  const auto d =
      device(R"({"plate": 7, "reply": "compact", "cloud": {"level": 3}, "conf": {"1": {"protocol": "mqtt"}}})",
             with({owner("cloudy")}));
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_TRUE(has_errors(d.findings)) << "who sets it is refused";
  EXPECT_EQ(value(d, "plate"), "0") << "its default";
  EXPECT_EQ(value(d, "reply"), "\"compact\"");
  EXPECT_EQ(value(d, "cloud"), "none") << "it has no default";
  EXPECT_EQ(d.config->channels.size(), 1U);
}

TEST(PluginKeys, HaveDefaultsAsAWhole) {
  const auto d = device(R"({"reply": "", "events": null})");
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(value(d, "plate") + value(d, "convert") + value(d, "reply") + value(d, "events"), "00\"full\"[]");
  EXPECT_EQ(value(device("{}", with({owner("cloudy", false)})), "cloud"), "none");
}

TEST(PluginKeys, OfAComponentThatTheBoardLacksAreAWarning) {
  auto d = device(R"({"cloud": {"user": "", "token": "sesame"}})", with({owner("cloudy", false)}));
  ASSERT_TRUE(d.config);
  EXPECT_EQ(d.said,
            "d.json:1:2: warning: /cloud: belongs to command cloudy (/p/cloudy.so), which is not in \"commands\" of "
            "board.json: it has no effect; add {\"type\": \"cloudy\"} there\n");
  EXPECT_EQ(value(d, "cloud"), "none");
  EXPECT_THAT(masked(*d.config), Not(HasSubstr("sesame")));
  EXPECT_THAT(d.config->scalars_json, Not(HasSubstr("cloud")));
  d = device(R"({"cloud": {"user": "x"}})", with({owner("gsm", false, DTU_KIND_HAL)}));
  EXPECT_THAT(d.said,
              HasSubstr("warning: /cloud: belongs to hal gsm (/p/gsm.so), which is not in \"hal\" of board.json"));
}

TEST(PluginKeys, OfAChannelComponentBelongToItsChannels) {
  const Installed installed = with({owner("aliyun", false, DTU_KIND_CHANNEL)});
  auto d = device(R"({"cloud": {"user": "me"}})", installed);
  EXPECT_THAT(d.said, HasSubstr("warning: /cloud: belongs to channel aliyun (/p/aliyun.so), which no channel of this "
                                "document is: it has no effect without a channel of protocol aliyun"));
  d = device(R"({"cloud": {"user": "me"}, "conf": {"1": {"protocol": "Aliyun"}, "2": {"protocol": "mqtt"}}})",
             installed);
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(d.said, "");
  EXPECT_THAT(d.config->channels.at(0).json, HasSubstr(R"("document":{"cloud":{"level":3,"user":"me"}})"));
  EXPECT_THAT(d.config->channels.at(0).plugin_json, HasSubstr(R"("document")")) << "a change of it makes it anew";
  EXPECT_THAT(d.config->channels.at(1).json, Not(HasSubstr("document")));
}

TEST(PluginKeys, OfTwoOwnersBelongToNobody) {
  const auto d = device(R"({"cloud": {"user": "me", "token": "sesame"}})", with({owner("one"), owner("two")}));
  ASSERT_TRUE(d.config);
  EXPECT_EQ(d.said,
            "d.json:1:2: warning: /cloud: belongs to command one (/p/one.so) and command two (/p/two.so): neither gets "
            "it; leave one of them out of the product\n");
  EXPECT_EQ(value(d, "cloud"), "none");
  EXPECT_THAT(masked(*d.config), Not(HasSubstr("sesame")));
  // The board has chosen.
  EXPECT_EQ(value(device(R"({"cloud": {"user": "me"}})", with({owner("one", false), owner("two")})), "cloud"),
            R"({"level":3,"user":"me"})");
}

// Devices in the field have documents with these, and a product need not have the plugin.
TEST(PluginKeys, OfTheVendorsDocumentAreAWarningWithoutTheirPlugin) {
  Installed installed;
  installed.keys.clear();
  const auto d = device(R"({"plate": 1, "convert": 0, "reply": "compact", "events": ["sms."], "plait": 1})", installed);
  ASSERT_TRUE(d.config);
  EXPECT_THAT(d.said, AllOf(HasSubstr("d.json:1:2: warning: /plate: no plugin that is installed has this key: it has "
                                      "no effect\n"),
                            HasSubstr("warning: /convert: "), HasSubstr("warning: /reply: "),
                            HasSubstr("warning: /events: "), HasSubstr("error: /plait: unknown key")));
}

TEST(PluginKeys, ASchemaThatFailsInUseCostsOnlyItsKey) {
  KeyOwner bad = owner("bad");
  bad.schema = R"({"type": "object", "properties": {"a": {"pattern": "("}}})";
  const auto d = device(R"({"cloud": {"a": "sesame"}, "plate": 1})", with({bad}));
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_THAT(d.said, HasSubstr("error: /cloud"));
  EXPECT_EQ(value(d, "cloud"), "none");
  EXPECT_EQ(value(d, "plate"), "1");
}

TEST(PluginKeys, SchemasAreTriedWhenAFileIsOpened) {
  EXPECT_EQ(wrong_with_schema("cloud", kCloud), "");
  EXPECT_EQ(wrong_with_schema("cloud", "{"), "it is not JSON");
  EXPECT_EQ(wrong_with_schema("cloud", "[]"), "it is not an object");
  EXPECT_NE(wrong_with_schema("cloud", R"({"type": 7})"), "");
  EXPECT_NE(
      wrong_with_schema("cloud", R"({"$ref": "#/definitions/a", "definitions": {"a": {"$ref": "#/definitions/a"}}})"),
      "");
  EXPECT_TRUE(is_kernel_key("conf"));
  EXPECT_FALSE(is_kernel_key("plate"));
}

// What an owner finds in its keys stands where the document has them, and quotes no secret.
TEST(PluginKeys, WhatTheirOwnerFindsIsAFindingOfTheDocument) {
  const Installed installed = with({owner("cloudy")});
  Schemas schemas = installed.schemas();
  schemas.board = [](const OwnedKeys& owned) {
    Product product;
    Findings ignored;
    Report of_board("{}", "board.json");
    Checkup checkup;
    checkup.errors.push_back({"/document/cloud/user", "nobody is called so, and not with sesame"});
    checkup.warnings.push_back({"/other", "is of the board"});
    checkup.hide(owned.secrets);
    product.add("command cloudy", "/commands/0", checkup, of_board);
    return product;
  };
  Findings findings;
  (void)read_device("{\"cloud\": {\"user\": \"me\", \"token\": \"sesame\"}}", "d.json", schemas, findings);
  EXPECT_EQ(all(findings), "d.json:1:20: error: /cloud/user: command cloudy: nobody is called so, and not with ***\n");
}

}  // namespace
}  // namespace dtud::config
