// JSON objects that streams deliver in pieces.
#include "pieces.hpp"

#include <random>

#include "message_parts.hpp"
#include "rig.hpp"

namespace command_dtu::test {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* ask_csq = R"({"msg_id":"a","cmd_code":3,"data":{"x":[1,true,null,"\"}{"]}})";

struct PieceRig : Rig {
  explicit PieceRig(const LinkSetup& setup = {}) : Rig(setup) { host.set_point("radio.csq", "17"); }
};

TEST(Pieces, ACommandMayBeCutAnywhere) {
  const std::string text = ask_csq;
  for (size_t cut = 1; cut < text.size(); ++cut) {
    PieceRig rig;
    rig.channel(1, text.substr(0, cut), "", 7);
    EXPECT_THAT(rig.to_channel(1), IsEmpty());
    rig.channel(1, text.substr(cut), "", 7);
    ASSERT_THAT(rig.to_channel(1), SizeIs(1)) << "cut at " << cut;
    EXPECT_THAT(rig.to_channel(1)[0], HasSubstr("CSQ17"));
    EXPECT_EQ(rig.host.link_writes()[0].source, 7U);
    EXPECT_THAT(rig.to_port(), IsEmpty());
  }
}

TEST(Pieces, ByteByByteAndGluedTogether) {
  const std::string text = std::string(ask_csq) + ask_csq + R"({"data":"ijklmn"})";
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    PieceRig rig;
    for (size_t at = 0; at < text.size();) {
      const size_t step = round == 0 ? 1 : 1 + random() % 40;
      rig.channel(1, text.substr(at, step));
      at += step;
    }
    EXPECT_THAT(rig.to_channel(1), SizeIs(2));
    EXPECT_THAT(rig.to_port(), ElementsAre("1,6,2584251182,ijklmn"));
  }
}

TEST(Pieces, WhatIsNoJsonIsNotDelayed) {
  for (const char* data : {"plain words", "{plain", "{\x01\x02", "{\"a\" x", "[1,", "\"text", "}", "{\"a\":1}x{"}) {
    PieceRig rig;
    rig.channel(1, data);
    EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked(data))) << data;
  }
  PieceRig rig;  // the second piece shows it
  rig.channel(1, "{");
  EXPECT_THAT(rig.to_port(), IsEmpty());
  rig.channel(1, "hello");
  EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked("{"), "1," + checked("hello")));
  rig.clear();
  rig.channel(1, "{");
  rig.channel(1, R"({"cmd_code":3})");
  EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked("{"))) << "the second is a command of its own";
  EXPECT_THAT(rig.to_channel(1), SizeIs(1));
}

TEST(Pieces, WhatIsNeverCompletedIsDataAfterTwoSeconds) {
  PieceRig rig;
  const std::string begun = R"({"msg_id":3,"data":{)";
  rig.channel(1, begun);
  rig.host.advance(milliseconds(1999));
  EXPECT_THAT(rig.to_port(), IsEmpty());
  rig.host.advance(milliseconds(10));
  EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked(begun)));
  rig.clear();
  rig.channel(1, ask_csq);
  EXPECT_THAT(rig.to_channel(1), SizeIs(1)) << "nothing is left of it";
}

TEST(Pieces, ACommandThatIsNeverCompletedIsAnsweredAndNeverData) {
  for (const char* begun : {R"({"cmd_code":3,"data":{)", R"({"cmd_code":tru e, "password": "012345")",
                            R"({"password": "012345, "cmd_code": 4})"}) {
    PieceRig rig;
    rig.channel(1, begun, "", 7);
    rig.host.advance(milliseconds(1999));
    EXPECT_THAT(rig.host.link_writes(), IsEmpty());
    rig.host.advance(milliseconds(10));
    ASSERT_THAT(rig.to_channel(1), SizeIs(1)) << begun;
    EXPECT_THAT(rig.to_channel(1)[0], HasSubstr("6001"));
    EXPECT_EQ(rig.host.link_writes()[0].source, 7U);
    EXPECT_THAT(rig.to_port(), IsEmpty());
  }
}

// D20: what was answered with 6001 is dropped to its end, also when the end comes late. Then it is data again.
TEST(Pieces, TheLateRestOfACommandIsNoData) {
  const std::string text = R"({"cmd_code":3,"data":{"x":"}"},"password":"012345"})";
  for (size_t cut = 14; cut < text.size(); ++cut) {
    PieceRig rig;
    rig.channel(1, text.substr(0, cut), "", 7);
    rig.host.advance(milliseconds(2010));
    ASSERT_THAT(rig.to_channel(1), SizeIs(1)) << "cut at " << cut;
    rig.channel(1, text.substr(cut, 1), "", 7);
    rig.channel(1, "words", "", 8);
    rig.host.advance(milliseconds(5000));
    rig.channel(1, text.substr(cut + 1) + "more", "", 7);
    EXPECT_THAT(rig.to_channel(1), SizeIs(1)) << "cut at " << cut;
    EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked("words"), "1," + checked("more"))) << "cut at " << cut;
    EXPECT_EQ(rig.dropped("late"), text.size() - cut);
  }
}

TEST(Pieces, TheLateRestIsBoundedInTimeAndBytes) {
  const std::string begun = R"({"cmd_code":3,"data":{)";
  PieceRig slow;
  slow.channel(1, begun);
  slow.host.advance(milliseconds(2010));
  slow.channel(1, "\"late");
  EXPECT_EQ(slow.dropped("late"), 5U) << "counted at once";
  slow.host.advance(milliseconds(29'980));
  slow.channel(1, "more");
  EXPECT_EQ(slow.dropped("late"), 9U);
  slow.host.advance(milliseconds(100));
  slow.channel(1, "words");
  EXPECT_THAT(slow.to_port(), ElementsAre("1," + checked("words")));

  PieceRig longest;
  longest.channel(1, begun);
  longest.host.advance(milliseconds(2010));
  longest.channel(1, "\"" + std::string(999, 'x'));
  for (int i = 1; i < 64; ++i) longest.channel(1, std::string(1000, 'x'));
  EXPECT_THAT(longest.to_port(), IsEmpty());
  longest.channel(1, std::string(Pieces::bytes_max - 64'000, 'x') + "words");
  EXPECT_THAT(longest.to_port(), ElementsAre("1," + checked("words")));

  PieceRig lost;
  lost.channel(1, begun);
  lost.host.advance(milliseconds(2010));
  lost.channel(1, "\"late");
  lost.state(1, DTU_STATE_DOWN);
  lost.state(1, DTU_STATE_UP);
  lost.channel(1, "words");
  EXPECT_THAT(lost.to_port(), ElementsAre("1," + checked("words")));
}

TEST(Pieces, ACommandBehindTheLateRestIsCarriedOut) {
  for (const char* begun : {R"({"cmd_code": 4, "password": "012345")", R"({"cmd_code": 4, "password": "012345)"}) {
    const std::string command = ask_csq;
    for (size_t cut = 0; cut < command.size(); ++cut) {
      PieceRig rig;
      rig.channel(1, begun);
      rig.host.advance(milliseconds(2010));
      rig.channel(1, " \"late\" " + command.substr(0, cut));
      rig.channel(1, command.substr(cut) + "words");
      ASSERT_THAT(rig.to_channel(1), SizeIs(2)) << begun << " cut at " << cut;
      EXPECT_THAT(rig.to_channel(1)[1], HasSubstr("CSQ17"));
      EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked("words"))) << begun << " cut at " << cut;
    }
  }
}

TEST(Pieces, EachBrokenCommandIsAnsweredThoughNoneEnds) {
  PieceRig rig;
  const std::string broken = R"({"cmd_code": 4, "password": "012345" "data": {"a": 1})";
  for (size_t i = 1; i <= 3; ++i) {
    rig.channel(1, broken.substr(0, 5));
    rig.channel(1, broken.substr(5));
    rig.host.advance(milliseconds(2010));
    EXPECT_THAT(rig.to_channel(1), SizeIs(i));
  }
  EXPECT_THAT(rig.to_port(), IsEmpty());
}

TEST(Pieces, ABrokenStringHidesNoCommandBehindIt) {
  for (const char* between : {"", " ", "\n", "}", "\0"}) {
    const std::string broken = std::string(R"({"cmd_code": "0})") + between;
    const std::string text = broken + ask_csq + "words";
    for (size_t cut = 1; cut < text.size(); ++cut) {
      PieceRig rig;
      rig.channel(1, text.substr(0, cut));
      rig.channel(1, text.substr(cut));
      ASSERT_THAT(rig.to_channel(1), SizeIs(2)) << text << " cut at " << cut;
      EXPECT_THAT(rig.to_channel(1)[0], HasSubstr("6001"));
      EXPECT_THAT(rig.to_channel(1)[1], HasSubstr("CSQ17"));
    }
  }
}

TEST(Pieces, AMistakeIsTakenToTheEndOfItsCommand) {
  const std::string bad = R"({ Password: "012345", "cmd_code": 4,, "data": {"a": ["}"]}})";
  for (size_t cut = 1; cut < bad.size(); ++cut) {
    PieceRig rig;
    rig.channel(1, bad.substr(0, cut));
    rig.channel(1, bad.substr(cut) + ask_csq + "words");
    ASSERT_THAT(rig.to_channel(1), SizeIs(2)) << "cut at " << cut;
    EXPECT_THAT(rig.to_channel(1)[0], HasSubstr("6001"));
    EXPECT_THAT(rig.to_channel(1)[1], HasSubstr("CSQ17"));
    EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked("words")));
  }
}

TEST(Pieces, ACommandBehindAnUnclosedOneNeedsNotWait) {
  PieceRig rig;
  rig.channel(1, R"({"cmd_code": 4, "password": "012345")");
  rig.channel(1, std::string(ask_csq).substr(0, 9));
  rig.channel(1, std::string(ask_csq).substr(9) + "words");
  ASSERT_THAT(rig.to_channel(1), SizeIs(2));
  EXPECT_THAT(rig.to_channel(1)[0], HasSubstr("6001"));
  EXPECT_THAT(rig.to_channel(1)[1], HasSubstr("CSQ17"));
  EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked("words")));
}

TEST(Pieces, ACommandThatIsTooLongIsTakenToItsEnd) {
  PieceRig rig;
  rig.channel(1, R"({"cmd_code": 50, "data": ")");
  for (int i = 0; i < 70; ++i) rig.channel(1, std::string(1000, 'x'));
  rig.channel(1, "\"}words");
  ASSERT_THAT(rig.to_channel(1), SizeIs(1));
  EXPECT_THAT(rig.to_channel(1)[0], HasSubstr("6004"));
  EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked("words")));
}

TEST(Pieces, ASlowSenderHasHalfAMinuteInAll) {
  PieceRig rig;
  rig.channel(1, "{");
  for (int i = 0; i < 29; ++i) {
    rig.host.advance(milliseconds(1000));
    rig.channel(1, " ");
  }
  EXPECT_THAT(rig.to_port(), IsEmpty());
  rig.host.advance(milliseconds(1100));
  EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked("{" + std::string(29, ' '))));
}

TEST(Pieces, LongestObject) {
  const std::string head = R"({"cmd_code":3,"data":{"x":")";
  const std::string longest = head + std::string(Pieces::bytes_max - head.size() - 3, 'x') + "\"}}";
  PieceRig rig;
  for (size_t at = 0; at < longest.size(); at += 1000) rig.channel(1, longest.substr(at, 1000));
  EXPECT_THAT(rig.to_channel(1), SizeIs(1));
  EXPECT_THAT(rig.to_port(), IsEmpty());
  rig.clear();
  size_t out = 0;
  for (int i = 0; i < 70; ++i) rig.channel(1, (i == 0 ? "{\"a\":\"" : "") + std::string(1000, 'x'));
  for (const std::string& frame : rig.to_port()) out += frame.size();
  EXPECT_GE(out, 65000U) << "given up and passed on as data, not lost";
  EXPECT_THAT(rig.to_channel(1), IsEmpty());
}

TEST(Pieces, EachPeerHasItsOwn) {
  PieceRig rig;
  const std::string text = ask_csq;
  rig.channel(1, text.substr(0, 20), "", 1);
  rig.channel(1, text.substr(0, 30), "", 2);
  rig.channel(1, "words", "", 3);
  rig.channel(1, text.substr(30), "", 2);
  rig.channel(1, text.substr(20), "", 1);
  EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked("words")));
  const auto& sent = rig.host.link_writes();
  ASSERT_THAT(sent, SizeIs(3));
  EXPECT_EQ(sent[1].source, 2U);
  EXPECT_EQ(sent[2].source, 1U);
}

TEST(Pieces, PeersAreBounded) {
  PieceRig rig;
  for (uint64_t peer = 1; peer <= Pieces::peers_max + 5; ++peer) rig.channel(1, "{\"a\":", "", peer);
  EXPECT_THAT(rig.to_port(), SizeIs(5)) << "the oldest are data";
}

TEST(Pieces, OnlyOfStreams) {
  LinkSetup setup;
  setup.channels = {{1, "udp", false, "{}", DTU_CAP_CONNECTIONLESS},
                    {2, "mqtt", true},
                    {3, "http", false, "{}", DTU_CAP_REQUESTS},
                    {4, "tcp", false}};
  for (uint32_t id = 1; id <= 3; ++id) {
    PieceRig rig(setup);
    rig.channel(id, "{\"a\":");
    EXPECT_THAT(rig.to_port(), SizeIs(1)) << id;
    rig.clear();
    rig.channel(id, "{\"cmd_code\":");
    EXPECT_THAT(rig.to_port(), IsEmpty()) << id;
    ASSERT_THAT(rig.to_channel(id), SizeIs(1)) << id;
    EXPECT_THAT(rig.to_channel(id)[0], HasSubstr("6001")) << id;
  }
  PieceRig stream(setup);
  stream.channel(4, "{\"cmd_code\":");
  EXPECT_THAT(stream.to_port(), IsEmpty());
  setup.dialect = "through";
  setup.channels = {{4, "tcp", false}};
  PieceRig through(setup);
  through.channel(4, "{\"cmd_code\":");
  EXPECT_THAT(through.to_port(), SizeIs(1));
}

TEST(Pieces, ALostConnectionCompletesNothing) {
  PieceRig rig;
  rig.channel(1, "{\"a\":");
  rig.state(1, DTU_STATE_DOWN);
  EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked("{\"a\":")));
  rig.state(1, DTU_STATE_UP);
  rig.clear();
  rig.channel(1, "3}");
  EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked("3}")));
}

TEST(Pieces, WhatIsHeldWhenTheLinkEndsIsCounted) {
  PieceRig rig;
  rig.channel(1, "{\"cmd_code\":");
  rig.close();
  EXPECT_EQ(rig.dropped("unfinished"), 12U);
}

// The scan ends where the object ends, however it is cut, and the reader wants more until then.
TEST(ObjectScan, AgreesWithTheReaderOnEveryObject) {
  for (const std::string text :
       {"{}", "{ }", R"({"a":1})", R"({"a":-1.5e+3,"b":[true,false,null,{}],"c":"\\\"}"})", R"({"a":{"b":{}}})",
        "{\"a\" :\t[ ] }", "{Password:0X1F,-- } \"\n\"a\":[1,],// {\r\n}"}) {
    for (size_t cut = 1; cut <= text.size(); ++cut) {
      ObjectScan scan;
      const auto first = scan.feed(text.substr(0, cut));
      EXPECT_THAT(scan.doubts(), IsEmpty()) << text;
      if (cut == text.size()) {
        EXPECT_EQ(first, text.size()) << text;
        break;
      }
      EXPECT_EQ(first, std::nullopt) << text << " cut at " << cut;
      EXPECT_TRUE(may_become_object(text.substr(0, cut))) << text << " cut at " << cut;
      EXPECT_EQ(scan.feed(text.substr(cut) + "}}"), text.size() - cut);
    }
  }
  ObjectScan deep;
  EXPECT_EQ(deep.feed("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}"), 206U);
  ObjectScan broken;
  EXPECT_EQ(broken.feed("{\"a\":\"b}{ \""), std::nullopt);
  EXPECT_THAT(broken.doubts(), ElementsAre(8));
  ObjectScan whole;
  EXPECT_EQ(whole.feed(R"({"a":"{\"", "b":"{y", "c":"z{x"})"), 32U);
  EXPECT_THAT(whole.doubts(), IsEmpty());
  ObjectScan doubtful;
  EXPECT_EQ(doubtful.feed(R"({"a":1{"b":{},{}]})"), std::nullopt);
  EXPECT_THAT(doubtful.doubts(), ElementsAre(6, 14));
}

}  // namespace
}  // namespace command_dtu::test
