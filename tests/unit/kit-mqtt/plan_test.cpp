#include <gtest/gtest.h>

#include <dtu/kit/mqtt/plan.hpp>
#include <dtu/sdk/text.hpp>

namespace mqtt {
namespace {

TEST(Expand, PutsTheNamesOfACloudIn) {
  EXPECT_EQ(expand("acme/{product}/{device}/up", {{"product", "p"}, {"device", "d{product}"}}), "acme/p/d{product}/up")
      << "a value is not looked through again";
  EXPECT_EQ(expand("{product}{product}", {{"product", "x"}}), "xx");
}

TEST(Expand, LeavesOtherBracesAlone) {
  for (const char* text : {"", "plain", "{imei}", R"({"id": {"a": 1}})", "{", "}", "{{product", "a{"})
    EXPECT_EQ(expand(text, {{"product", "p"}}), text);
  EXPECT_EQ(expand("{{product}}", {{"product", "p"}}), "{p}");
}

TEST(Plan, EveryTextOfItMayHavePlaceholders) {
  Plan plan;
  plan.options.client_id = "{imei}";
  plan.options.birth = {"a/{iccid}", "{csq}", 0, false};
  plan.options.will = {"w/{ver}", "{ver}", 0, false};
  plan.options.subscriptions.push_back({"0", "down/{imei}", 0, false});
  plan.targets.push_back({"0", "up/{imei}", 0, false});
  const dtu::PlaceholderSet used = used_in(plan);
  for (const auto which :
       {dtu::Placeholder::imei, dtu::Placeholder::iccid, dtu::Placeholder::csq, dtu::Placeholder::ver})
    EXPECT_TRUE(used.has(which));
  dtu::PlaceholderValues values;
  values[dtu::Placeholder::imei] = "86";
  values[dtu::Placeholder::iccid] = "89";
  values[dtu::Placeholder::csq] = "17";
  values[dtu::Placeholder::ver] = "2";
  fill(plan, values);
  EXPECT_EQ(plan.options.client_id, "86");
  EXPECT_EQ(plan.options.birth.topic + " " + plan.options.birth.payload, "a/89 17");
  EXPECT_EQ(plan.options.will.topic + " " + plan.options.will.payload, "w/2 2");
  EXPECT_EQ(plan.options.subscriptions[0].filter + " " + plan.targets[0].topic, "down/86 up/86");
}

TEST(Plan, AValueThatMakesATopicWrongIsNamed) {
  Plan plan;
  plan.targets.push_back({"0", "{imei}", 0, false});
  dtu::PlaceholderValues none;
  try {
    fill(plan, none);
    FAIL();
  } catch (const dtu::Failure& f) {
    EXPECT_STREQ(f.what(), "publish.0 is \"\" with the values of its placeholders: it must not be empty");
  }
}

}  // namespace
}  // namespace mqtt
