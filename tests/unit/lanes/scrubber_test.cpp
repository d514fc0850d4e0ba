#include "log/scrubber.hpp"

#include <gtest/gtest.h>

#include "log/log.hpp"
#include "log/secret_stream.hpp"

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
            R"({"Password" : "*****", "new_password":"*", "pass": "y", "password": *})");
  EXPECT_EQ(s.blot("\"password\":\"open"), "\"password\":\"****");
}

// As lenient readers of commands take it (D20), and what documents hold.
TEST(Scrubber, BlotsSecretsOfCommands) {
  const Scrubber s;
  const SecretNames names{{"headers", 0}, {"apn", 2}, {"psk", 0}};
  struct Case {
    const char *text, *shown;
  };
  for (const auto& [text, shown] : {
           Case{R"({ Password:"qzX","cmd_code":7,})", R"({ Password:"***","cmd_code":7,})"},
           {R"({password: 0X12,"a":1})", R"({password: ****,"a":1})"},
           {"{\"password\" // the one\n -- x\n: // y\r\n \"qzX\"}",
            "{\"password\" // the one\n -- x\n: // y\r\n \"***\"}"},
           {R"({"pass\u0077ord":"q\"zX"})", R"({"pass\u0077ord":"*****"})"},
           {R"({" password ":"qzX"})", R"({" password ":"***"})"},
           {R"({"password":["qzX",1],"a":1})", R"({"password":[*******],"a":1})"},
           {R"({"password":{"a":"]qzX}"},"a":1})", R"({"password":{***********},"a":1})"},
           {R"({"data":{"apn":["a,b","u","qzX"]},"a":1})", R"({"data":{"apn":["a,b","u",*****]},"a":1})"},
           {R"({"apn":"a,u,qzX"})", R"({"apn":"*******"})"},
           {R"({"conf":{"1":{"headers":{"A":"qzX"},"psk":"qzX"}}})",
            R"({"conf":{"1":{"headers":{*********},"psk":"***"}}})"},
           {R"({"data":"{\"password\":\"q\\\"zX\",\"a\":1}"})", R"({"data":"{\"password\":\"*******\",\"a\":1}"})"},
           {R"({"data":"{\u0022psk\u0022:\u0022qzX\u0022}"})", R"({"data":"{\u0022psk\u0022:\u0022***\u0022}"})"},
           {R"({"data":"{\"d\":\"{\\\"psk\\\":\\\"qzX\\\"}\"}"})",
            R"({"data":"{\"d\":\"{\\\"psk\\\":\\\"***\\\"}\"}"})"},
           {R"({"url":"http://u:p@h/p?k=qzX&id=7&q"})", R"({"url":"http://***@h/p?k=***&id=*&*"})"},
           {R"({"url":"https:\/\/u:p@h\/?k=q\u0026zX"})", R"({"url":"https:\/\/***@h\/?k=*********"})"},
           {R"({"url":"u:p@h?qzX","a":1})", R"({"url":"***@h?***","a":1})"},
           {R"(lo","password":"qzX"})", R"(lo","password":"***"})"},
           {R"({"password":"qzX)", R"({"password":"***)"},
           {R"({"password":[["qzX")", R"({"password":[******)"},
           {"99,5,1,Password: qzX zz\r\nnext: 1", "99,5,1,Password: ******\r\nnext: 1"},
           {R"({"cmd_code":2,"passing":"y","topic":"a?b=c"})", R"({"cmd_code":2,"passing":"y","topic":"a?b=c"})"},
       })
    EXPECT_EQ(s.blot(text, names), shown);
}

TEST(Scrubber, BlotsAlsoWhenASecretIsAPartOfAName) {
  Scrubber s;
  s.add("word");
  EXPECT_EQ(s.blot(R"({"password":"qzX"})"), R"({"pass****":"***"})");
}

// A text made so that looking through it takes long: it ends soon, and what was not looked at is not shown.
TEST(Scrubber, BlotsWhatCostsTooMuch) {
  std::string text;
  while (text.size() < (1U << 20U)) text += "password//";
  EXPECT_EQ(Scrubber().blot(text).back(), '*');
  std::string lists;
  while (lists.size() < (1U << 20U)) lists += "apn:[";
  EXPECT_EQ(Scrubber().blot(lists, {{"apn", 2}}).back(), '*');
}

// A line delivers a command in pieces, cut anywhere.
TEST(Scrubber, BlotsSecretsThatComeInPieces) {
  Scrubber s;
  s.add("sesame");
  const std::string text =
      R"({"cmd_code":60,"password":"qzX-1","data":{"apn":["a","b","qzX-2"]},"x":"sesame","y":"z"})";
  for (size_t size = 1; size < 20; ++size) {
    SecretStreams streams({{"apn", 2}});
    std::string shown;
    for (size_t at = 0; at < text.size(); at += size) {
      EXPECT_EQ(streams.shown(s, "other", "\"password\":").size(), 11U);
      shown += streams.shown(s, "port 1", text.substr(at, size));
    }
    EXPECT_EQ(shown.size(), text.size());
    EXPECT_EQ(shown.find("qzX"), std::string::npos) << shown;
    EXPECT_EQ(shown.substr(0, 27), text.substr(0, 27));
    EXPECT_EQ(shown.substr(shown.size() - 9), text.substr(text.size() - 9)) << "what follows is shown again";
  }
}

TEST(Scrubber, IsAtTheDoorOfTheLog) {
  Log log(Level::info, false);
  log.scrubber().add("sesame");
  log.info("channel 1", "connects to mqtt://u:p@h with sesame");
  EXPECT_EQ(log.newest(1).at(0).text, "connects to mqtt://***@h with ***");
}

}  // namespace
}  // namespace dtud
