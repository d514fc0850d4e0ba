#include "upgrade/order.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "config/json_text.hpp"
#include "temp_dir.hpp"
#include "upgrade/record.hpp"

namespace dtud::upgrade {
namespace {

using testing::HasSubstr;

const std::string kDigest(64, 'A');

std::string wrong(const std::string& json, const config::UpgradeConfig& rules = {}, Order* out = nullptr) {
  const config::Json args = config::parse_trusted(json);
  Order order;
  std::string why = read_order(*config::as_object(args), rules, order);
  if (out != nullptr) *out = order;
  return why;
}

TEST(Order, WhatMakesItSafe) {
  config::UpgradeConfig lax, with_key;
  lax.allow_http = true;
  with_key.keys = {"k"};
  const std::string md5 = R"("md5": ")" + std::string(32, 'b') + "\"}", sha = R"("sha256": ")" + kDigest + "\"}";
  EXPECT_EQ(wrong(R"({"url": "https://h/f", )" + sha), "");
  EXPECT_EQ(wrong(R"({"url": "http://h/f", )" + sha), "");
  EXPECT_EQ(wrong(R"({"url": "HTTPS://h/f", )" + md5), "");
  EXPECT_THAT(wrong(R"({"url": "http://h/f", )" + md5), HasSubstr("url has http://"));
  EXPECT_EQ(wrong(R"({"url": "http://h/f", )" + md5, lax), "");
  EXPECT_EQ(wrong(R"({"url": "http://h/f"})", with_key), "");
  EXPECT_THAT(wrong(R"({"url": "https://h/f"})"), HasSubstr("has no checksum"));
  EXPECT_THAT(wrong(R"({"url": "https://h/f"})", lax), HasSubstr("has no checksum"));
  for (const char* url : {"ftp://h/f", "file:///f", "h/f.....", "httpx://h", "//h/f....."})
    EXPECT_THAT(wrong(std::string(R"({"url": ")") + url + "\", " + sha), HasSubstr("must begin with")) << url;
}

TEST(Order, ComesBackFromItsFileAsItWas) {
  const TempDir dir;
  Record record;
  const std::string json = R"({"url": "https://h/f?k=1#x", "size": 4294967295, "sha256": ")" + kDigest +
                           R"(", "md5": "0123456789abcdef0123456789ABCDEF", "version": "2 \"x\"", "kind": "package",
      "force": true, "tag": {"a": [1, "b"]}, "conditions": {"min_battery_mv": 0, "min_csq": 7, "free_bytes": 9}})";
  config::UpgradeConfig rules;
  rules.max_bytes = UINT64_MAX;
  ASSERT_EQ(wrong(json, rules, &record.order), "");
  record.order.source = "channel 3";
  record.id = 7;
  record.step = Step::installing;
  record.previous_slot = "A";
  record.synced = 1U << 30U;
  record.resumed = true;
  record.spent_s = 99;
  std::string error;
  config::StateFile file(dir.path("order.json"), kMostRecord);
  ASSERT_TRUE(save(file, record, error)) << error;
  Record read;
  ASSERT_EQ(load(file, read), "");
  EXPECT_TRUE(same(read.order, record.order));
  EXPECT_EQ(config::to_json(config::Json(to_json(read.order))), config::to_json(config::Json(to_json(record.order))));
  EXPECT_EQ(read.order.sha256, std::string(64, 'a'));
  EXPECT_EQ(read.order.source, "channel 3");
  EXPECT_EQ(*read.order.conditions.min_battery_mv, 0);
  EXPECT_FALSE(read.order.conditions.min_battery_percent);
  EXPECT_EQ(read.step, Step::installing);
  EXPECT_EQ(read.previous_slot, "A");
  EXPECT_EQ(read.synced, 1U << 30U);
  EXPECT_TRUE(read.resumed);
  EXPECT_EQ(read.spent_s, 99);
}

// Each member with each kind of wrong value: the file is named and kept, and nothing is taken from it.
TEST(Order, ARecordWithAWrongMemberIsSetAside) {
  TempDir dir;
  const std::string name = dir.path("order.json");
  const std::vector<std::string> texts{"error", "note", "previous_version", "previous_slot", "checked_by",
                                       "then",  "boot", "validator",        "synced_boot",   "step"};
  const std::vector<std::string> flags{"whole", "resumed", "confirmed", "told"};
  const std::vector<std::string> numbers{"id", "total", "synced", "starts_anew", "installs", "restarts", "spent_s"};
  const auto rejected = [&](const std::string& member, const std::string& value) {
    std::ofstream(name) << R"({"step":"installing","order":{"url":"http://h/f"})"
                        << (member == "step" ? "" : ",\"" + member + "\":" + value) << "}";
    if (member == "step") std::ofstream(name) << R"({"order":{"url":"http://h/f"},"step":)" << value << "}";
    config::StateFile file(name, kMostRecord);
    Record record;
    record.id = 99;
    const std::string wrong = load(file, record);
    EXPECT_NE(wrong.find(name + " is not what dtud wrote"), std::string::npos)
        << member << " " << value << ": " << wrong;
    EXPECT_EQ(record.id, 99U) << member << " " << value;
  };
  for (const std::string& member : texts)
    for (const char* value : {"5", "true", "[]", "{}"}) rejected(member, value);
  for (const std::string& member : flags)
    for (const char* value : {"5", "\"x\"", "[]"}) rejected(member, value);
  for (const std::string& member : numbers)
    for (const char* value : {"\"x\"", "true", "-1", "1.5", "9223372036854775808", "18446744073709551616", "1e999"})
      rejected(member, value);
  for (const char* value : {"5", "[]", "{}", R"({"url": 5})", R"({"url": "http://h/f", "tag": 5})"}) {
    std::ofstream(name) << R"({"step":"installing","order":)" << value << "}";
    config::StateFile file(name, kMostRecord);
    Record record;
    EXPECT_NE(load(file, record), "") << value;
  }
}

TEST(Order, EveryStepHasANameOfItsOwn) {
  std::set<std::string> names;
  for (int step = 0; step <= static_cast<int>(Step::cancelled); ++step) names.insert(name_of(static_cast<Step>(step)));
  EXPECT_EQ(names.size(), static_cast<size_t>(Step::cancelled) + 1);
  EXPECT_EQ(names.count(""), 0U);
}

TEST(Order, AddressesForPeopleAndForSignatures) {
  Order order;
  order.url = "https://h/f.bin?key=secret";
  order.version = "2";
  EXPECT_EQ(signature_url(order), "https://h/f.bin.sig?key=secret");
  EXPECT_EQ(describe(order), "firmware 2 from https://h/f.bin?***");
  order.url = "https://h/f.bin";
  EXPECT_EQ(signature_url(order), "https://h/f.bin.sig");
}

}  // namespace
}  // namespace dtud::upgrade
