// D20: no byte of a password reaches the line, however its command is spelled, cut or broken.
#include "secret_words.hpp"

#include <random>

#include "pieces.hpp"
#include "rig.hpp"

namespace command_dtu::test {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::string nul(1, '\0');
const std::string secret = "Tr0ub4dor";

// Each is no right command, and has the secret for a password. Whole: as it is; they are cut below.
const std::vector<std::string>& bad_commands() {
  static const std::vector<std::string> all{R"({"cmd\u005fcode":4,"password":"Tr0ub4dor","x":})",
                                            R"({"code":3,"password":"Tr0ub4dor")",
                                            R"({"password":"Tr0ub4dor","x":1)",
                                            R"({"password":"Tr0ub4dor","cmdcode":4})",
                                            R"({"PASSWORD":"Tr0ub4dor","code":4})",
                                            R"({" password ":"Tr0ub4dor"})",
                                            R"({"p\u0061ssword":"Tr0ub4dor","code":4,,})",
                                            R"({"p\\u0061ssword":"Tr0ub4dor","code":4,,})",
                                            R"({'password':'Tr0ub4dor','code':4})",
                                            R"({password:"Tr0ub4dor",code:4,,})",
                                            R"({password=Tr0ub4dor, code=4})",
                                            "{“password”:“Tr0ub4dor”,“code”:4}",
                                            R"({"password"："Tr0ub4dor","code":4})",
                                            R"({"code":4 "password" "Tr0ub4dor"})",
                                            R"({"code":4,"password"// the password
:"Tr0ub4dor",,})",
                                            R"({/* c */"code":4,"password":"Tr0ub4dor"})",
                                            R"([{"code":4,"password":"Tr0ub4dor"}])",
                                            R"([{"cmd_code":4,"password":"Tr0ub4dor"},{"cmd_code":3}])",
                                            R"({"params":{"cmd_code":4,"password":"Tr0ub4dor"}})",
                                            R"({"params":[1,[{"cmd_code":4,"data":{"password":"Tr0ub4dor"}}]]})",
                                            R"({"data":{"cmd_code":4,"password":"Tr0ub4dor"}})",
                                            R"({"password":"Tr0ub4dor","data_b64":"@"})",
                                            R"({"password":"Tr0ub4dor","data":1,})",
                                            R"("cmd_code": 4, "password": "Tr0ub4dor"})",
                                            R"("password":"Tr0ub4dor","code":4})",
                                            "\xEF\xBB\xBF{\"code\":4,\"password\":\"Tr0ub4dor\"",
                                            "\x01\x02\xff{\"code\":4,\"password\":\"Tr0ub4dor\",,}",
                                            "OK\r\n{\"code\":4,\"password\":\"Tr0ub4dor\",,}",
                                            R"({"code":51,"new_password":"Tr0ub4dor"})",
                                            R"({"cmd_code"}:4,"password":"Tr0ub4dor"})",
                                            R"({"x":4},"password":"Tr0ub4dor"})",
                                            R"({"cmd_code":4password":"Tr0ub4dor"})",
                                            R"({"cmd_code":"password":"Tr0ub4dor"})",
                                            R"({"cmd_code":4 "data":{"password":"Tr0ub4dor"})"};
  return all;
}

std::string wide(const std::string& text) {  // UTF-16
  std::string out;
  for (const char c : text) out += c + nul;
  return out;
}

struct SecretRig : Rig {
  static LinkSetup setup() {
    LinkSetup setup;
    setup.port_config = "{}";
    return setup;
  }
  SecretRig() : Rig(setup()) { host.set_point("radio.csq", "17"); }
  // Everything that is on the line, without the heads of its frames.
  std::string line() {
    std::string all;
    for (const std::string& frame : to_port()) {
      size_t at = 0;
      for (int commas = 0; commas < 3 && at != std::string::npos; ++commas) at = frame.find(',', at) + 1;
      all += frame.substr(at);
    }
    return all;
  }
};

TEST(SecretWords, AreFoundInAnySpelling) {
  for (const std::string text :
       {"cmd_code", "x\"cmd_code\"", "CMD_Code", "cmd\\u005fcode", "cmd\\\\u005Fcode", "\\u0063md_code"})
    EXPECT_TRUE(names_command(text)) << text;
  EXPECT_TRUE(names_command(wide("{\"cmd_code\"")));
  for (const std::string text : {"", "cmd", "cmd_cod", "cmd_\\u00", "code", "cmd code"})
    EXPECT_FALSE(names_command(text)) << text;
  for (const std::string text : {"{\"password\"", "{Password:", "{ pass\\word =", "{'password'",
                                 "{\"new_password\":", "\"password\" : 1", "x'Password':", "{\"a\":1 password: 1"})
    EXPECT_TRUE(names_password(text)) << text;
  for (const std::string text : {"a password and a code", "password: 1", "{ enter the password please", "{\"password",
                                 "{\"pass\"", "\"password\" is wrong"})
    EXPECT_FALSE(names_password(text)) << text;
  EXPECT_TRUE(names_password("sword\\u0022, password: 1", true));
}

TEST(SecretWords, OfNoBadCommandReachTheLine) {
  for (const std::string& text : bad_commands())
    for (const uint32_t channel : {1U, 2U}) {
      SecretRig rig;
      rig.channel(channel, text, channel == 2 ? "0" : "");
      rig.host.advance(milliseconds(2100));
      EXPECT_THAT(rig.line(), Not(HasSubstr(secret))) << text;
      ASSERT_THAT(rig.to_channel(channel), SizeIs(testing::Ge(1U))) << text;
      EXPECT_THAT(rig.to_channel(channel)[0], HasSubstr("\"status\":0")) << text;
      EXPECT_THAT(rig.to_channel(channel)[0], Not(HasSubstr(secret))) << text;
    }
}

// Longest run of the secret's bytes on the line, 3 at least: a digit alone tells nothing.
bool leaked(const std::string& line) {
  for (size_t at = 0; at + 3 <= secret.size(); ++at)
    if (line.find(secret.substr(at, 3)) != std::string::npos) return true;
  return false;
}

TEST(SecretWords, OfNoBadCommandReachTheLineHoweverItIsCut) {
  for (const std::string& text : bad_commands())
    for (size_t cut = 1; cut < text.size(); ++cut)
      for (const int pause : {0, 2100, 4000}) {
        SecretRig rig;
        rig.channel(1, text.substr(0, cut));
        rig.host.advance(milliseconds(pause));
        rig.channel(1, text.substr(cut));
        rig.host.advance(milliseconds(2100));
        EXPECT_FALSE(leaked(rig.line())) << text << " cut at " << cut << ", " << pause << ": " << rig.line();
      }
}

TEST(SecretWords, OfNoBadCommandReachTheLineInManyPieces) {
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    const std::string& text = bad_commands()[random() % bad_commands().size()];
    SecretRig rig;
    std::string cuts;
    int pauses = 0;
    for (size_t at = 0; at < text.size();) {
      const size_t step = 1 + random() % 12;
      rig.channel(1, text.substr(at, step));
      cuts += text.substr(at, step) + "|";
      at += step;
      if (pauses < 2 && random() % 4 == 0) {
        ++pauses;
        rig.host.advance(milliseconds(2100));
        cuts += "...";
      }
    }
    rig.host.advance(milliseconds(2100));
    ASSERT_FALSE(leaked(rig.line())) << cuts << ": " << rig.line();
  }
}

// The next command comes in the same piece as the end of the bad one.
TEST(SecretWords, OfABadCommandReachTheLineWithNoGoodOneBehindIt) {
  for (const std::string& text : bad_commands())
    for (const std::string between : {"", "\n", " words "})
      for (size_t cut = 1; cut < text.size(); ++cut)
        for (const int pause : {0, 2100}) {
          SecretRig rig;
          rig.channel(1, text.substr(0, cut));
          rig.host.advance(milliseconds(pause));
          rig.channel(1, text.substr(cut) + between + R"({"cmd_code":3})");
          rig.host.advance(milliseconds(2100));
          EXPECT_FALSE(leaked(rig.line())) << text << " cut at " << cut << ", " << pause << ": " << rig.line();
        }
}

TEST(SecretWords, FarBehindTheBeginning) {
  for (const size_t length : {65'000U, 70'000U, 200'000U})
    for (const std::string end : {R"(","cmd_code":4,"password":"Tr0ub4dor"})", R"(","password":"Tr0ub4dor","code":4})"})
      for (size_t cut = 1; cut < end.size(); ++cut) {
        SecretRig rig;
        for (size_t at = 0; at < length; at += 5000)
          rig.channel(1, (at == 0 ? "{\"a\":\"" : "") + std::string(5000, 'x'));
        rig.channel(1, end.substr(0, cut));
        rig.channel(1, end.substr(cut) + "words");
        rig.host.advance(milliseconds(2100));
        ASSERT_FALSE(leaked(rig.line())) << length << " cut at " << cut;
      }
}

TEST(SecretWords, OfTheManiestSenders) {
  SecretRig rig;
  constexpr uint64_t peers = Pieces::peers_max + 20;
  for (uint64_t peer = 1; peer <= peers; ++peer) rig.channel(1, "{\"msg_id\":1,\"pass", "", peer);
  for (uint64_t peer = 1; peer <= peers; ++peer) rig.channel(1, "word\":\"Tr0ub4dor\",", "", peer);
  for (uint64_t peer = 1; peer <= peers; ++peer) rig.channel(1, "\"cmd_code\":3}", "", peer);
  EXPECT_THAT(rig.line(), Not(HasSubstr("Tr0")));
  EXPECT_THAT(rig.to_channel(1), SizeIs(peers)) << "each is answered";
}

TEST(SecretWords, DataPassesAtOnceAndUnchanged) {
  for (const std::string data : {R"({"temp":1})",
                                 R"({"temp":1})"
                                 "\n",
                                 R"({"wifi":{"ssid":"a","password":"b"}})"
                                 "\r\n",
                                 "a password and a code", R"([{"temp":1},{"temp":2}])", R"({"note":"the password"})",
                                 "password: 1", "{plain} text", "\"password\""}) {
    SecretRig rig;
    rig.channel(1, data);
    EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked(data)));
    EXPECT_THAT(rig.to_channel(1), IsEmpty());
  }
  SecretRig rig;
  rig.channel(1, R"({"data":{"ssid":"a","password":"b"}})");
  rig.channel(1, R"({"password":"gone","data":"kept"})");
  rig.channel(1, R"({"data":"{\"cmd_code\":4,\"password\":\"b\"}"})");
  EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked(R"({"ssid":"a","password":"b"})"), "1," + checked("kept"),
                                         "1," + checked(R"({"cmd_code":4,"password":"b"})")));
}

// A device's own protocol: nothing of it is lost, and its order is kept, however it is cut and whatever its pauses.
TEST(SecretWords, DataInPiecesIsKeptInOrder) {
  const std::string text = R"({"temp":1,"list":[{"a":"}{"},-2.5e3]}OK{"temp":{"b":"\"x"}}{no json,{"c":3})";
  std::mt19937 random(12);
  for (int round = 0; round < 1000; ++round) {
    SecretRig rig;
    for (size_t at = 0; at < text.size();) {
      const size_t step = 1 + random() % 30;
      rig.channel(1, text.substr(at, step));
      at += step;
      if (random() % 3 == 0) rig.host.advance(milliseconds(random() % 4000));
    }
    rig.host.advance(milliseconds(2100));
    ASSERT_EQ(rig.line(), text);
    ASSERT_THAT(rig.host.drops(), IsEmpty());
  }
}

// What cannot be the rest of an unfinished command is data at once.
TEST(SecretWords, DataBehindAnUnfinishedCommandPasses) {
  const std::string begun[] = {R"({"cmd_code":4,"password":"Tr0ub4dor")", R"({"cmd_code":4,"password":"Tr0ub4dor",)",
                               R"({"cmd_code":4,"data":{"a":"1")", R"({"code":3,"password":"Tr0ub4dor")"};
  for (const std::string& text : begun)
    for (const std::string data : {R"({"temp":1})", "hello", "hello\r\n", "\x01\x03\x02\x0a", "[1,2]", "AT+CSQ\r\n",
                                   "+CSQ: 1", ":010300", "/path", "\xff\xfe"}) {
      SecretRig rig;
      rig.channel(1, text);
      rig.host.advance(milliseconds(2100));
      EXPECT_THAT(rig.to_channel(1), SizeIs(1)) << text;
      rig.channel(1, data);
      EXPECT_EQ(rig.line(), data) << text;
      EXPECT_THAT(rig.host.drops(), IsEmpty()) << text << data;
      rig.channel(1, "more");
      EXPECT_EQ(rig.line(), data + "more");
    }
}

TEST(SecretWords, EachDroppedPieceIsCountedAtOnce) {
  SecretRig rig;
  rig.channel(1, R"({"cmd_code":4,"password":"Tr)");
  rig.host.advance(milliseconds(2100));
  rig.channel(1, "0ub");
  ASSERT_THAT(rig.host.drops(), SizeIs(1));
  EXPECT_EQ(rig.dropped("late"), 3U);
  rig.channel(1, "4dor");
  EXPECT_THAT(rig.host.drops(), SizeIs(2));
  rig.channel(1, "\"}hello");
  EXPECT_THAT(rig.host.drops(), SizeIs(3));
  EXPECT_EQ(rig.dropped("late"), 9U);
  EXPECT_EQ(rig.line(), "hello");
}

TEST(SecretWords, OfARetainedMessageReachNoLine) {
  for (const std::string& text : bad_commands()) {
    SecretRig rig;
    rig.channel(2, text, "0", 0, DTU_MSG_RETAINED);
    EXPECT_THAT(rig.line(), Not(HasSubstr(secret))) << text;
    EXPECT_THAT(rig.host.drops(), SizeIs(1)) << text;
  }
}

}  // namespace
}  // namespace command_dtu::test
