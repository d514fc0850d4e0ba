#include "log/scrubber.hpp"

#include <gtest/gtest.h>

#include "log/log.hpp"

namespace dtud {
namespace {

TEST(Scrubber, TakesOutWhatItWasTold) {
  Scrubber s;
  s.add("sesame");
  EXPECT_EQ(s.clean("open sesame, sesame!"), "open ***, ***!");
  EXPECT_EQ(s.clean("nothing"), "nothing");
  s.add("sesame street");
  EXPECT_EQ(s.clean("sesame street"), "***") << "the longer one first";
}

TEST(Scrubber, LeavesShortOnesAlone) {
  Scrubber s;
  s.add("");
  s.add("123");
  EXPECT_EQ(s.clean("port 1234"), "port 1234");
}

TEST(Scrubber, ForgetsTheOldestOfVeryMany) {
  Scrubber scrubber;
  for (int i = 0; i < 600; ++i) scrubber.add("secret-" + std::to_string(1000 + i));
  EXPECT_EQ(scrubber.clean("it is secret-1599"), "it is ***");
  EXPECT_EQ(scrubber.clean("it was secret-1000"), "it was secret-1000");
}

TEST(Scrubber, TakesUsersOutOfUrls) {
  const Scrubber s;
  EXPECT_EQ(s.clean("mqtt://plant:pw@broker:1883 is gone"), "mqtt://***@broker:1883 is gone");
  EXPECT_EQ(s.clean("\"http://key@h/x\" and (https://a:b@c)"), "\"http://***@h/x\" and (https://***@c)");
  EXPECT_EQ(s.clean("http://h/a@b, mail@example.org"), "http://h/a@b, mail@example.org");
  EXPECT_EQ(s.clean("x://"), "x://");
}

TEST(Scrubber, KnowsThePasswordOfAUrl) {
  Scrubber s;
  s.add("mqtt://plant:sesame@broker");
  EXPECT_EQ(s.clean("plant logs in with sesame"), "plant logs in with ***");
}

TEST(Scrubber, KeepsJsonWhole) {
  Scrubber s;
  s.add("1234");
  s.add("a\"b\\c");
  EXPECT_EQ(s.clean_json(R"({"n": 1234, "t": "1234", "q": "a\"b\\c", "e": "\""})"),
            R"({"n": 1234, "t": "***", "q": "***", "e": "\""})");
  EXPECT_EQ(s.clean_json("\"half"), "\"half");
}

TEST(Scrubber, BlotsWithoutChangingLengths) {
  Scrubber s;
  s.add("sesame");
  EXPECT_EQ(s.blot("99,6,1,sesame"), "99,6,1,******");
  EXPECT_EQ(s.blot(R"({"Password" : "ab\"c", "new_password":"x", "pass": "y", "password": 5})"),
            R"({"Password" : "*****", "new_password":"*", "pass": "y", "password": 5})");
  EXPECT_EQ(s.blot("\"password\":\"open"), "\"password\":\"****");
}

TEST(Scrubber, IsAtTheDoorOfTheLog) {
  Log log(Level::info, false);
  log.scrubber().add("sesame");
  log.info("channel 1", "connects to mqtt://u:p@h with sesame");
  EXPECT_EQ(log.newest(1).at(0).text, "connects to mqtt://***@h with ***");
}

}  // namespace
}  // namespace dtud
