#include "config/merge.hpp"

#include <gmock/gmock.h>

#include "config/json_text.hpp"

namespace dtud::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

JsonObject::Ptr object(const std::string& text) { return shared_object(parse_trusted(text)); }

TEST(Merge, PartsThatDiffer) {
  const auto parts = [](const char* a, const char* b) { return changed_parts(*object(a), *object(b)); };
  EXPECT_THAT(parts(R"({"a": 1, "b": {"x": 1, "y": 2}})", R"({"b": {"y": 2, "x": 1}, "a": 1})"), IsEmpty());
  EXPECT_THAT(parts(R"({"a": 1, "b": {"x": 1}})", R"({"a": "1", "c": null})"), ElementsAre("/a", "/b", "/c"));
  EXPECT_THAT(
      parts(R"({"conf": {"1": {"p": 1}, "2": {}}})", R"({"conf": {"1": {"p": 2}, "3": {}}, "uconf": {"1": {}}})"),
      ElementsAre("/conf/1", "/conf/2", "/conf/3", "/uconf/1"));
  EXPECT_THAT(parts(R"({"conf": {}})", "{}"), IsEmpty());
  EXPECT_THAT(parts(R"({"conf": {}})", R"({"conf": 1})"), ElementsAre("/conf"));
  EXPECT_THAT(parts(R"({"conf": {"a/b": 1}})", "{}"), ElementsAre("/conf/a~1b"));
  EXPECT_EQ(listed_parts({"/conf/1", "/plate"}), "conf.1, plate");
  EXPECT_TRUE(overlap({"/conf"}, {"/conf/1"}));
  EXPECT_TRUE(overlap({"/conf/1"}, {"/a", "/conf/1"}));
  EXPECT_FALSE(overlap({"/conf/1"}, {"/conf/10", "/uconf/1"}));
}

TEST(Merge, PartsAreTakenOver) {
  const auto from = object(R"({"a": 2, "conf": {"1": {"p": 2}, "a/b": 3}})");
  const auto made = with_parts(*object(R"({"z": 0, "conf": {"2": {}, "9": 1}, "gone": 1})"),
                               {"/a", "/conf/1", "/conf/9", "/conf/a~1b", "/gone", "/uconf/1"}, *from);
  EXPECT_EQ(to_json(Json(made)), R"({"z":0,"conf":{"2":{},"1":{"p":2},"a/b":3},"a":2,"uconf":{}})");
}

// The examples of RFC 7396, appendix A, that are of objects.
TEST(Merge, Patches) {
  const auto merged = [](const char* document, const char* patch) {
    return to_json(Json(merge_patch(*object(document), *object(patch))));
  };
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"b":"c"})"), R"({"a":"b","b":"c"})");
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":null})"), "{}");
  EXPECT_EQ(merged(R"({"a":"b","b":"c"})", R"({"a":null})"), R"({"b":"c"})");
  EXPECT_EQ(merged(R"({"a":["b"]})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merged(R"({"a":"c"})", R"({"a":["b"]})"), R"({"a":["b"]})");
  EXPECT_EQ(merged(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"), R"({"a":{"b":"d"}})");
  EXPECT_EQ(merged(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), R"({"a":[1]})");
  EXPECT_EQ(merged("{}", R"({"a":{"bb":{"ccc":null}}})"), R"({"a":{"bb":{}}})");
}

TEST(Merge, NullsLeaveATextAndEverythingElseStaysInItsPlace) {
  const auto cleared = [](const char* text) { return text_without_nulls(text); };
  EXPECT_EQ(cleared(R"({"a": 1})"), R"({"a": 1})");
  EXPECT_EQ(cleared(R"({"a": null})"), R"({         })");
  EXPECT_EQ(cleared(R"({"a": null, "b": 2})"), R"({           "b": 2})");
  EXPECT_EQ(cleared("{\"b\": 2,\n \"a\": null}"), "{\"b\": 2 \n          }");
  EXPECT_EQ(cleared(R"({"x":1,"a":null,"b":null})"), R"({"x":1                  })");
  EXPECT_EQ(cleared(R"({"a":null,"b":null,"x":[null,{"y":null}]})"), R"({                  "x":[null,{        }]})");
  std::string many = "{\"x\": 1";
  for (int i = 0; i < 100; ++i) many += ", \"k" + std::to_string(i) + "\": null";
  EXPECT_EQ(text_without_nulls(many + "}"), R"({"x":1})");
  EXPECT_EQ(text_without_nulls("no JSON"), "no JSON");
}

}  // namespace
}  // namespace dtud::config
