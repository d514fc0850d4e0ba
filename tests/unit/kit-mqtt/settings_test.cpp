#include <gtest/gtest.h>

#include <dtu/kit/mqtt/settings.hpp>

namespace mqtt {
namespace {

Options broker(const char* json, Options options = {}) {
  read_broker(dtu::Json(json), options);
  return options;
}

TEST(Settings, AKeyThatIsAbsentLeavesTheDefaultOfThePlugin) {
  Options ours;
  ours.keep_alive_s = 120;
  ours.reconnect_min_ms = 5000;
  const Options read = broker(R"({"url": "a"})", ours);
  EXPECT_EQ(read.keep_alive_s, 120U);
  EXPECT_EQ(read.reconnect_min_ms, 5000U);
  EXPECT_EQ(read.port, 1883);
}

TEST(Settings, TheLongestWaitIsNeverLessThanTheFirst) {
  const Options read = broker(R"({"url": "a", "reconnect": {"min_ms": 500, "max_ms": 100}})");
  EXPECT_EQ(read.reconnect_min_ms, 500U);
  EXPECT_EQ(read.reconnect_max_ms, 500U);
}

TEST(Settings, AWrongAddressIsFoundAtItsKey) {
  for (const auto& [json, path] :
       {std::pair("{\"url\": \"http://a\"}", "/url"), {R"({"url": "a:1", "port": 2})", "/port"}})
    try {
      broker(json);
      ADD_FAILURE() << json;
    } catch (const dtu::Failure& f) {
      EXPECT_EQ(f.path(), path) << f.what();
    }
}

}  // namespace
}  // namespace mqtt
