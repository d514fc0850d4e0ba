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
  for (const std::string part : {R"({"cmd_code":)", "{a:[", "password pass ", "\"password\"   ", "99,", "/*",
                                 "{\"a\":{", "{//", "password\"//", "password ='", "}"}) {
    std::string many = "cmd_code password";
    while (many.size() < (1U << 20U)) many += part;
    EXPECT_EQ(Scrubber().blot(many + "!").size(), many.size() + 1);
  }
}

// Nobody can read these as a command, but people write them.
TEST(Scrubber, BlotsSecretsOfCommandsWithMistakes) {
  const Scrubber s;
  struct Case {
    const char *text, *shown;
  };
  for (const auto& [text, shown] : {
           Case{R"({"password"="qzX","a":1})", R"({"password"="***","a":1})"},
           {"{\"password\"：\"qzX\",\"a\":1}", "{\"password\"：\"***\",\"a\":1}"},
           {"{\"password\" ＝ \"qzX\",\"a\":1}", "{\"password\" ＝ \"***\",\"a\":1}"},
           {R"({"password":="qzX","a":1})", R"({"password":*"***","a":1})"},
           {R"({"password"/* c */:/* d */"qzX","a":1})", R"({"password"/* c */:/* d */"***","a":1})"},
           {"{\"password\": // d\n\"qzX\",\"a\":1}", "{\"password\": // d\n\"***\",\"a\":1}"},
           {R"({"pass word":"qzX","a":1})", R"({"pass word":"***","a":1})"},
           {R"({"new pass  wrd":"qzX","a":1})", R"({"new pass  wrd":"***","a":1})"},
           {R"({"pass_word":"qzX","a":1})", R"({"pass_word":"***","a":1})"},
           {R"({"pasword":"qzX","Passcode":"qzX","a":1})", R"({"pasword":"***","Passcode":"***","a":1})"},
           {R"({"password","qzX","a":1})", R"({"password","***","a":1})"},
           {R"({"password" "qzX","a":1})", R"({"password" "***","a":1})"},
           {R"({'password':'q,zX','a':1})", R"({'password':'****','a':1})"},
           {R"(password "qzX")", R"(password "***")"},
           {"{“password”:“q,zX”,“a”:1}", "{“password”:“****”,“a”:1}"},
           {"password ‘qzX’ a", "password ‘***’ a"},
           {"«password» «qzX» a", "«password» «***» a"},
           {"password=qzX\r\nnext", "password=***\r\nnext"},
           // A text that names a command and is no JSON shows too little.
           {"cmd_code=4 password=qzX\r\nnext", "cmd_code=4 password****\r\nnext"},
           {"cmd_code 4 password qzX, zX\r\nnext", "cmd_code 4 password********\r\nnext"},
           {"CMD_CODE=4 password “qzX”", "CMD_CODE=4 password**********"},
           {R"({"cmd\u005fcode":4,"password":"q"zX","a":1})", R"({"cmd\u005fcode":4,"password**************})"},
           {R"({"cmd_code":4,"password":{"a":1},,"b":"password"zX}} )",
            R"({"cmd_code":4,"password******************************)"},
           {R"({"cmd_code":4password":"q}zX"})", R"({"cmd_code":4password********})"},
           {R"({"cmd_code"}:4,"password":"q,zX"}{"temp":1})", R"({"cmd_code"}:4,"password********}{"temp":1})"},
           {R"({/* c */"cmd_code":4,"password" is "qzX"})", R"({/* c */"cmd_code":4,"password**********})"},
           {R"({"cmd_code":4,"password" "qzX"}}99,14,1,{"cmd_code":3})",
            R"({"cmd_code":4,"password*******}}99,14,1,{"cmd_code":3})"},
           {"password: //qzX", "password: *****"},
           {"password=--qzX\r\nzX", "password=*********"},
       })
    EXPECT_EQ(s.blot(text), shown);
}

// Text of two bytes a letter.
TEST(Scrubber, BlotsSecretsWithNulsBetweenTheLetters) {
  const auto wide = [](std::string_view text, bool is_first) {
    std::string out;
    for (const char c : text) out += is_first ? std::string{'\0', c} : std::string{c, '\0'};
    return out;
  };
  for (const bool is_first : {false, true})
    for (const char* text : {R"({"password":"qzX","a":1})", R"({password: 0x12qzX,"a":1})", R"(password=qzX)",
                             R"({"cmd_code":4 "password" is "qzX"})"}) {
      const std::string bytes = wide(text, is_first), shown = Scrubber().blot(bytes);
      ASSERT_EQ(shown.size(), bytes.size());
      for (const char c : {'q', 'z', 'X'}) EXPECT_EQ(shown.find(c), std::string::npos) << text;
      EXPECT_EQ(shown.substr(0, 16), bytes.substr(0, 16)) << text;
    }
}

TEST(Scrubber, ShowsOrdinaryDataAsItIs) {
  std::string all_bytes;
  for (int i = 0; i < 512; ++i) all_bytes += static_cast<char>(i * 7);
  const std::string nested(64, '{');
  SecretStreams streams({{"apn", 2}, {"psk", 0}});
  for (const std::string& text :
       {std::string("\x01\x03\x00\x00\x00\x0a\xc5\xcd", 8), std::string("\x01\x10\x00p\0a\0s\0s\0:\x02", 14), all_bytes,
        nested, std::string("$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n"),
        std::string("$GPGSV,2,1,08,01,40,083,46,02,17,308,41,12,07,344,39,14,22,228,99,12,123456*75\r\n"),
        std::string("1,0,9,211577570,{\"temp\":1}"), std::string("99,19,211577570,{\"cmd_code\": 31   }"),
        std::string("20,211577570,{\"cmd_code\":4,\"status\":1}"),
        std::string("211577570,deadbeef,{\"temp\":[1234567,{\"a\":1}]}"),
        std::string(R"({"mode":"token","x":1,"list":["my token","b"],"note":"the password "})"),
        std::string(R"({"cmd_code":2,"note":"it has a password, and 12","next":"the password"})"),
        std::string(R"({"cmd_code":2,"message":"a","data":{"compass west":1,"bypass_window":"pass","passing":2},})"),
        std::string(R"({"cmd_code":0X40,"a":[1,-2.5e3,null,],"b":{} // c
})"),
        std::string("url://h/p url==5\r\ncmd_code 4 is unknown\r\nit needs a password\r\n"),
        std::string(R"({"cmd_code":4,,"data":"q"})")}) {
    EXPECT_EQ(Scrubber().blot(text, {{"apn", 2}, {"psk", 0}}), text);
    for (int again = 0; again < 3; ++again) EXPECT_EQ(streams.shown(Scrubber(), text.substr(0, 9), text), text);
  }
}

// Secrets of before, wherever the part of them that is remembered begins.
TEST(Scrubber, ShowsOrdinaryDataBehindSecrets) {
  const std::string data[] = {R"(99,14,211577570,{"cmd_code":3})",
                              R"(20,211577570,{"cmd_code":4,"ok":1})",
                              "1,0,5,211577570,hello",
                              "$GPRMC,123519,A,4807.038,N\r\n",
                              R"({"cmd_code":3})",
                              std::string("\x01\x03\x00\x00\x00\x0a\xc5\xcd", 8)};
  for (size_t more = 0; more < 60; ++more)
    for (const std::string& text : data) {
      SecretStreams streams({});
      const std::string padding(more, 'x');
      for (int i = 0; i < 20; ++i) {
        const std::string command = R"({"msg_id":")" + padding + R"(","cmd_code":4,"password":"qzX","data":{"a":1}})";
        const std::string frame = "99," + std::to_string(command.size()) + ",211577570," + command;
        ASSERT_EQ(streams.shown(Scrubber(), "1", frame).find("qzX"), std::string::npos);
        ASSERT_EQ(streams.shown(Scrubber(), "1", text), text) << more << ", " << i;
      }
    }
}

// A short secret is found from the checksum of its command by trying.
TEST(Scrubber, BlotsTheChecksumOfASecret) {
  Scrubber s;
  s.add("sesame");
  struct Case {
    const char *text, *shown;
  };
  for (const auto& [text, shown] : {
           Case{R"(99,34,211577570,{"cmd_code":4,"password":"640000"})",
                R"(99,34,*********,{"cmd_code":4,"password":"******"})"},
           {R"(99,34,0x0C9C65A2,{"cmd_code":4,"password":"640000"})",
            R"(99,34,0x********,{"cmd_code":4,"password":"******"})"},
           {R"(99,34,0Xc65a2,{"cmd_code":4,"password":"640000"})",
            R"(99,34,0X*****,{"cmd_code":4,"password":"******"})"},
           {R"(99,34,77570,{"cmd_code":4,"password":"640000"})", R"(99,34,*****,{"cmd_code":4,"password":"******"})"},
           {"1,0,6,211577570,sesame", "1,0,6,*********,******"},
           {"99,16,211577570,password: 640000\r\n20,211577570", "99,16,*********,password: ******\r\n20,211577570"},
           {R"(99,3,7,{"a":1}99,34,211577570,{"password":"640000"}99,20,211577571,{"cmd_code":31})",
            R"(99,3,*,{"a":1}99,34,*********,{"password":"******"}99,20,211577571,{"cmd_code":31})"},
           {R"({"a":1}1,0,6,211577570,sesame)", R"({"a":1}1,0,6,*********,******)"},
           {R"({"a":1}34,77570, {"password":"640000"})", R"({"a":1}34,*****, {"password":"******"})"},
           {R"({"a":[1,2,{"b":[123456]}],"password":"6"})", R"({"a":[1,*,{"b":[123456]}],"password":"*"})"},
           {R"({"msg_id":211577570,"password":"640000","time":1700000000})",
            R"({"msg_id":211577570,"password":"******","time":1700000000})"},
       })
    EXPECT_EQ(s.blot(text), shown);
}

// The checksum comes before it is known whether a secret follows.
TEST(Scrubber, BlotsTheChecksumOfASecretThatComesInPieces) {
  const std::string text = R"(99,34,211577570,{"cmd_code":4,"password":"640000"})";
  for (size_t cut = 7; cut < text.size(); ++cut) {
    SecretStreams streams({});
    const std::string first = streams.shown(Scrubber(), "port 1", text.substr(0, cut));
    EXPECT_EQ(first + streams.shown(Scrubber(), "port 1", text.substr(cut)),
              R"(99,34,*********,{"cmd_code":4,"password":"******"})");
    EXPECT_EQ(streams.shown(Scrubber(), "port 1", "99,14,211577571,{\"cmd_code\":3}"),
              "99,14,211577571,{\"cmd_code\":3}");
  }
}

// A stream is forgotten if many others were used since.
TEST(Scrubber, BlotsSecretsInPiecesOfManyStreams) {
  const Scrubber s;
  for (const size_t count : {80U, 1000U}) {
    SecretStreams streams({});
    for (size_t i = 0; i < count; ++i) (void)streams.shown(s, std::to_string(i), R"({"password":"qz)");
    for (size_t i = 0; i < count; ++i)
      ASSERT_EQ(streams.shown(s, std::to_string(i), R"(X","a":1})"), R"(*","a":1})") << i << " of " << count;
  }
}

TEST(Scrubber, ForgetsTheStreamsThatWereNotUsedForLongest) {
  const Scrubber s;
  // Limits of the number of streams, and of the bytes of all.
  for (const auto& [count, size] : {std::pair<size_t, size_t>(3000, 0), {200, 4000}}) {
    SecretStreams streams({});
    const std::string begun = "\"password\":\"" + std::string(size, 'q');
    (void)streams.shown(s, "in use", "\"password\":\"");
    for (size_t i = 0; i < count; ++i) {
      (void)streams.shown(s, std::to_string(i), begun);
      ASSERT_EQ(streams.shown(s, "in use", "q"), "*") << i;
    }
    EXPECT_EQ(streams.shown(s, std::to_string(count - 50), "q"), "*");
    EXPECT_EQ(streams.shown(s, "0", "q"), "q");
  }
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

// A key in PEM, say: longer than what is remembered.
TEST(Scrubber, BlotsALongSecretThatComesInPieces) {
  const std::string begin = R"({"cmd_code":60,"data":{"private_key":")", end = R"(","y":"z"}})";
  for (const std::string part : {"qzX", "q\\\"zX", "\\\\q\\n\\\\"}) {
    std::string key;
    while (key.size() < 15'000) key += part;
    key += "q";
    for (const size_t size : {100U, 777U, 4097U, 9000U, 15'100U}) {
      const std::string text = begin + key + end;
      SecretStreams streams({});
      std::string shown;
      for (size_t at = 0; at < text.size(); at += size)
        shown += streams.shown(Scrubber(), "port 1", text.substr(at, size));
      ASSERT_EQ(shown, begin + std::string(key.size(), '*') + end) << part << ", " << size;
    }
  }
}

TEST(Scrubber, ShowsDataBehindASecretThatNeverEnds) {
  SecretStreams streams({});
  (void)streams.shown(Scrubber(), "port 1", R"({"password":"qzX)");
  const std::string data = "$GPRMC,123519,A,4807.038,N\r\n";
  size_t hidden = 0;
  while (hidden < 1000 && streams.shown(Scrubber(), "port 1", data) != data) ++hidden;
  EXPECT_GT(hidden, 500U);
  EXPECT_LT(hidden, 700U);
  EXPECT_EQ(streams.shown(Scrubber(), "port 1", data), data);
}

TEST(Scrubber, IsAtTheDoorOfTheLog) {
  Log log(Level::info, false);
  log.scrubber().add("sesame");
  log.info("channel 1", "connects to mqtt://u:p@h with sesame");
  EXPECT_EQ(log.newest(1).at(0).text, "connects to mqtt://***@h with ***");
}

}  // namespace
}  // namespace dtud
