#include <dtu/events.h>
#include <random>

#include "rig.hpp"

namespace command_dtu::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

LinkSetup with_device(const std::string& json) {
  LinkSetup setup;
  setup.device_config = json;
  return setup;
}
LinkSetup through(bool topics) {
  LinkSetup setup;
  setup.dialect = "through";
  if (topics) setup.channels.erase(setup.channels.begin());
  return setup;
}

TEST(Session, UplinkEnvelope) {
  Rig rig;
  rig.port("1,6,1398235801,abcedf2,1,5,907060870,hello1,0");
  ASSERT_THAT(rig.to_channel(1), SizeIs(2));
  EXPECT_THAT(rig.to_channel(1)[0], MatchesRegex(R"(\{"msg_id":[0-9]{16},"data":"abcedf"\})"));
  EXPECT_THAT(rig.to_channel(1)[1], MatchesRegex(R"(\{"msg_id":[0-9]{16},"data":""\})"));
  ASSERT_THAT(rig.to_channel(2), SizeIs(1));
  EXPECT_THAT(rig.to_channel(2)[0], HasSubstr(R"("data":"hello"})"));
  EXPECT_EQ(rig.host.link_writes()[1].route, "1");
  EXPECT_EQ(rig.host.link_writes()[1].flags, 0U);
  EXPECT_EQ(rig.host.link_writes()[0].link, 77U);
}

TEST(Session, UplinkOfBytes) {
  Rig plain;
  plain.port("1," + checked("\x01\xff"));
  EXPECT_THAT(plain.to_channel(1)[0], HasSubstr(R"("data":null,"data_b64":"Af8="})"));
  Rig convert(with_device(R"({"convert":"1"})"));
  convert.port("1," + checked("\x01\xff"));
  EXPECT_THAT(convert.to_channel(1)[0], HasSubstr(R"("data":"01FF"})"));
  LinkSetup raw;
  raw.channels[0].config = R"({"uplink":"raw"})";
  Rig bare(raw);
  bare.port("1," + checked("\x01\xff"));
  EXPECT_THAT(bare.to_channel(1), ElementsAre("\x01\xff"));
}

TEST(Session, OrderIsKept) {
  Rig rig;
  std::string stream;
  for (int i = 0; i < 500; ++i) stream += "1," + checked("n" + std::to_string(i) + ".");
  std::mt19937 random(1);
  for (size_t at = 0; at < stream.size();) {
    const size_t step = 1 + random() % 60;
    rig.port(stream.substr(at, step));
    at += step;
  }
  const auto sent = rig.to_channel(1);
  ASSERT_THAT(sent, SizeIs(500));
  std::string last_id;
  for (int i = 0; i < 500; ++i) {
    ASSERT_THAT(sent[i], HasSubstr("\"n" + std::to_string(i) + ".\""));
    const std::string id(member(sent[i], "msg_id")->text);
    ASSERT_LT(last_id, id);
    last_id = id;
  }
}

TEST(Session, DownlinkFramesOfCommandMode) {
  Rig rig;
  rig.channel(1, R"({"msg_id":1,"data":"ijklmn"})");
  rig.channel(1, "ijklmn");
  rig.channel(1, R"({"data":""})");
  rig.channel(2, "hello", "1");
  rig.channel(2, "hello");
  rig.channel(2, R"({"data":null})", "1");
  EXPECT_THAT(rig.to_port(), ElementsAre("1,6,2584251182,ijklmn", "1,6,2584251182,ijklmn", "1,0",
                                         "2,1,5,907060870,hello", "2,0,5,907060870,hello", "2,1,0,0,"));
}

TEST(Session, DownlinkFramesOfThroughMode) {
  Rig stream(through(false));
  stream.channel(1, R"({"msg_id":1,"data":"ijklmn"})");
  stream.channel(1, "");
  stream.channel(1, R"({"cmd_code":0})");  // D8: data, like anything else
  stream.channel(2, "not the first");
  EXPECT_THAT(stream.to_port(), ElementsAre("6,2584251182,ijklmn", "0", checked(R"({"cmd_code":0})")));
  EXPECT_THAT(stream.host.requests(), IsEmpty());
  EXPECT_EQ(stream.dropped("unknown_channel"), 13U);
  Rig topics(through(true));
  topics.channel(2, "hello", "1");
  topics.port("0,5,907060870,hello");
  EXPECT_THAT(topics.to_port(), ElementsAre("1,5,907060870,hello"));
  EXPECT_EQ(topics.host.link_writes()[1].route, "0");
}

TEST(Session, RequestIdsAreInFramesOnlyWhenRequestIsThere) {
  LinkSetup setup;
  setup.channels = {{1, "http", true, R"({"url":"http://a/"})", DTU_CAP_REQUESTS},
                    {2, "http", true, R"({"request":{"7":{"method":"get"},"go":{"method":"put"}}})", DTU_CAP_REQUESTS}};
  Rig rig(setup);
  rig.port("1,5,907060870,hello");
  rig.port("2,go,5,907060870,hello");
  rig.port("2,8,5,907060870,hello");
  rig.channel(1, "hello", "");
  rig.channel(1, "", "");
  rig.channel(2, "hello", "go");
  rig.channel(2, "", "7");
  rig.channel(2, "hello", "");
  ASSERT_EQ(rig.to_channel(1).size(), 1U);
  ASSERT_EQ(rig.to_channel(2).size(), 1U);
  EXPECT_EQ(rig.host.link_writes()[1].route, "go");
  EXPECT_THAT(rig.to_port(),
              ElementsAre("1,5,907060870,hello", "1,0", "2,go,5,907060870,hello", "2,7,0,0,", "2,7,5,907060870,hello"));
  EXPECT_GT(rig.dropped("unknown_topic"), 0U);
}

TEST(Session, FirmwareOf2021) {
  LinkSetup setup = through(true);
  setup.port_config = R"({"crc":"mpeg2"})";
  Rig rig(setup);
  rig.port("0,4,0xcc743053,test");
  EXPECT_THAT(rig.to_channel(2), SizeIs(1));
  rig.channel(2, "1234", "1");
  rig.channel(2, "1\x81", "1");
  EXPECT_EQ(rig.to_port()[0], "1,4,0xa695c4aa,1234");
}

TEST(Session, DataLongerThanAFrameIsDroppedAndCounted) {
  Rig rig;
  rig.channel(1, std::string(frame_payload_max, 'x'));
  rig.channel(1, std::string(frame_payload_max + 1, 'x'));
  EXPECT_THAT(rig.to_port(), SizeIs(1));
  EXPECT_EQ(rig.dropped("too_long"), frame_payload_max + 1);
}

TEST(Session, DropsAreCounted) {
  Rig rig;
  rig.port("9,6,1398235801,abcedf2,7,6,1398235801,abcedf#1,6,17,abcedf1,70000,1,x");
  EXPECT_GT(rig.dropped("bad_header"), 0U);
  EXPECT_GT(rig.dropped("bad_crc"), 0U);
  EXPECT_GT(rig.dropped("too_long"), 0U);
  EXPECT_EQ(rig.dropped("unknown_channel"), 21U);
  EXPECT_EQ(rig.dropped("unknown_topic"), 23U);
  EXPECT_THAT(rig.to_channel(1), IsEmpty());
}

TEST(Session, WhatAServerKeptFromBeforeIsNoCommand) {
  Rig rig;
  rig.channel(1, R"({"cmd_code": 0, "data": {}})", "", 0, DTU_MSG_RETAINED);
  EXPECT_THAT(rig.to_channel(1), IsEmpty());
  EXPECT_THAT(rig.to_port(), IsEmpty()) << "nor does it go to the line";
  ASSERT_THAT(rig.host.drops(), SizeIs(1));
  EXPECT_EQ(rig.host.drops()[0].reason, "retained_command");
  for (const char* other : {R"({"code": 255, "Password": "012345"})", R"({"cmd_code": 255, "password": "012345")"}) {
    rig.channel(1, other, "", 0, DTU_MSG_RETAINED);
    EXPECT_EQ(rig.host.drops().back().reason, "retained_command") << other;
  }
  EXPECT_THAT(rig.host.drops(), SizeIs(3));
  EXPECT_THAT(rig.to_channel(1), IsEmpty());
  rig.channel(1, "data", "", 0, DTU_MSG_RETAINED);
  EXPECT_THAT(rig.to_port(), SizeIs(1));
}

TEST(Session, ChannelsThatTakeNothing) {
  Rig rig;
  rig.host.on_link_write(
      [](const dtu::test::LinkWrite& w) { return w.channel == 1 ? DTU_E_NOT_FOUND : DTU_E_INVALID; });
  rig.port("1,6,1398235801,abcedf2,1,5,907060870,hello");
  rig.channel(1, "x");
  EXPECT_EQ(rig.dropped("unknown_channel"), 6U);
  EXPECT_EQ(rig.dropped("too_long"), 5U + 1);
}

TEST(Session, APartialFrameIsDroppedAfterTheIdleLimit) {
  Rig rig;
  rig.port("1,6,1398235801,abc");
  rig.host.advance(std::chrono::milliseconds(19));
  rig.port("edf");
  EXPECT_THAT(rig.to_channel(1), SizeIs(1));
  rig.port("1,6,1398235801,abc");
  rig.host.advance(std::chrono::milliseconds(25));
  EXPECT_EQ(rig.dropped("stale") + rig.dropped("bad_header") + rig.dropped("too_long"), 18U);
  rig.port("edf1,0");
  EXPECT_THAT(rig.to_channel(1), SizeIs(1)) << "the line is out of step until it was idle";
  rig.host.advance(std::chrono::milliseconds(25));
  rig.port("1,0");
  EXPECT_THAT(rig.to_channel(1), SizeIs(2));
}

TEST(Session, TheIdleLimitFollowsTheConfiguration) {
  LinkSetup setup;
  setup.port_config = R"({"frame_idle_ms":"200"})";
  Rig rig(setup);
  rig.port("1,6,1398235801,abc");
  rig.host.advance(std::chrono::milliseconds(199));
  EXPECT_THAT(rig.host.drops(), IsEmpty());
  rig.host.advance(std::chrono::milliseconds(5));
  EXPECT_FALSE(rig.host.drops().empty());
}

// The kernel fills in what the document leaves out; 0 asks for the default.
TEST(Session, TheIdleLimitByDefault) {
  for (const char* config : {"{}", R"({"frame_idle_ms":0})", R"({"frame_idle_ms":"0"})"}) {
    LinkSetup setup;
    setup.port_config = config;
    Rig rig(setup);
    rig.port("1,6,1398235801,abc");
    rig.host.advance(std::chrono::milliseconds(19));
    EXPECT_THAT(rig.host.drops(), IsEmpty()) << config;
    rig.host.advance(std::chrono::milliseconds(5));
    EXPECT_FALSE(rig.host.drops().empty()) << config;
    setup.baud = 1200;
    rig.close();
    rig.open(setup);
    rig.port("1,6,1398235801,abc");
    rig.host.advance(std::chrono::milliseconds(166));
    EXPECT_THAT(rig.host.drops(), IsEmpty()) << config << ": 20 characters";
    rig.host.advance(std::chrono::milliseconds(5));
    EXPECT_FALSE(rig.host.drops().empty()) << config;
  }
}

TEST(Session, BytesThatWaitInThePortAreNoSilence) {
  Rig rig;
  rig.port("1,6,1398235801,abc");
  rig.port("");
  rig.host.advance(std::chrono::seconds(60));
  EXPECT_THAT(rig.host.drops(), IsEmpty());
  rig.port("edf1,6,1398235801,abc");
  EXPECT_THAT(rig.to_channel(1), SizeIs(1)) << "it goes on";
  rig.host.advance(std::chrono::milliseconds(25));
  EXPECT_FALSE(rig.host.drops().empty()) << "and the line counts as silent again";
}

TEST(Session, LocalCommandWorkedExample) {
  Rig rig(with_device(R"({"reply":"compact"})"));
  rig.host.set_point("device.imei", "\"861681053233719\"");
  rig.port(R"(99,27,1468383890,{"cmd_code": 0, "data": {}})");
  EXPECT_THAT(rig.local_answer(),
              MatchesRegex(R"(\{"msg_id":[0-9]{16},"code":0,"data":"861681053233719","status":1\})"));
  EXPECT_EQ(rig.host.link_writes()[0].flags, DTU_MSG_COMMAND);
}

TEST(Session, LocalCommandsInEveryMode) {
  for (const LinkSetup& setup : {through(false), through(true), LinkSetup{}}) {
    Rig rig(setup);
    rig.host.set_point("radio.csq", "17");
    EXPECT_EQ(rig.ask(R"({"cmd_code":"0x03"})"), "\"CSQ17\"");
  }
  LinkSetup alone;
  alone.channels.clear();
  Rig rig(alone);
  rig.host.set_point("radio.csq", "17");
  EXPECT_EQ(rig.ask(R"({"cmd_code":3})"), "\"CSQ17\"");
}

TEST(Session, BrokenLocalCommands) {
  Rig rig;
  EXPECT_EQ(rig.ask("{\"cmd_code\":", "error_code"), "6001");
  EXPECT_EQ(rig.ask("[1]", "error_code"), "6001");
  EXPECT_EQ(rig.ask("", "error_code"), "6001");
  EXPECT_EQ(rig.ask("{}", "error_code"), "6002");
  EXPECT_EQ(rig.ask(R"({"cmd_code":1.5})", "error_code"), "5005");
  EXPECT_EQ(rig.ask(R"({"cmd_code":200})", "error_code"), "6005");
  EXPECT_EQ(rig.ask(std::string(40000, '['), "error_code"), "6001");
}

TEST(Session, SetsAreRefusedInThroughMode) {
  Rig rig(through(false));
  for (const char* code : {"58", "59", "60", "61", "63", "\"0x58\"", "\"0x63\""})
    EXPECT_THAT(rig.ask("{\"cmd_code\":" + std::string(code) + "}", "error"), HasSubstr("through mode")) << code;
  EXPECT_THAT(rig.host.requests(), IsEmpty());
  Rig command;
  EXPECT_EQ(command.ask(R"({"cmd_code":58})", "error_code"), "5001");
}

TEST(Session, CloudCommandsAreAnsweredToWhoAsked) {
  Rig rig;
  rig.host.set_point("radio.csq", "17");
  rig.channel(1, R"({"msg_id":"a1","cmd_code":3})", "", 42);
  rig.channel(2, R"({"msg_id":5,"cmd_code":3,"topic_id":1})", "0");
  rig.channel(2, R"({"msg_id":6,"cmd_code":3,"topic_id":"9"})", "0");
  const auto& sent = rig.host.link_writes();
  ASSERT_THAT(sent, SizeIs(3));
  EXPECT_EQ(sent[0].payload, R"({"msg_id":"a1","code":3,"cmd_code":3,"data":"CSQ17","status":1,"success":1})");
  EXPECT_EQ(sent[0].source, 42U);
  EXPECT_EQ(sent[0].channel, 1U);
  EXPECT_EQ(sent[0].flags, DTU_MSG_COMMAND);
  EXPECT_EQ(sent[1].route, "1");
  EXPECT_EQ(sent[2].route, "") << "an id that is not in publish: the channel's first";
  const auto& asked = rig.host.requests();
  for (const size_t i : {0, 2}) {
    EXPECT_EQ(asked[i].caller, DTU_CALLER_CHANNEL);
    EXPECT_EQ(asked[i].link, 77U);
  }
  EXPECT_EQ(asked[0].channel, 1U);
  EXPECT_EQ(asked[0].peer, 42U);
  EXPECT_EQ(asked[2].channel, 2U);
  EXPECT_THAT(rig.to_port(), IsEmpty());
}

TEST(Session, SeveralObjectsInOneMessage) {
  Rig rig;
  rig.host.set_point("radio.csq", "17");
  rig.channel(1, "{\"cmd_code\":3}\n{\"data\":\"ijklmn\"} {\"cmd_code\":200}");
  EXPECT_THAT(rig.to_channel(1), SizeIs(2));
  EXPECT_THAT(rig.to_port(), ElementsAre("1,6,2584251182,ijklmn"));
  rig.clear();
  rig.channel(1, "{\"cmd_code\":3} and text");
  EXPECT_THAT(rig.to_channel(1), SizeIs(1));
  EXPECT_THAT(rig.to_port(), ElementsAre("1," + checked(" and text")));
}

TEST(Session, CommandsOnly) {
  LinkSetup setup;
  setup.port = "";
  Rig rig(setup);
  rig.host.set_point("radio.csq", "17");
  rig.channel(1, R"({"cmd_code":3})");
  EXPECT_THAT(rig.to_channel(1), SizeIs(1));
  rig.channel(1, "data");
  EXPECT_EQ(rig.dropped("no_port"), 4U);
  EXPECT_THAT(rig.to_port(), IsEmpty());
}

TEST(Session, PlateNamesTheDevice) {
  Rig rig(with_device(R"({"plate":1})"));
  rig.host.set_point("radio.csq", "17");
  EXPECT_THAT(rig.ask(R"({"cmd_code":3})", "imei"), HasSubstr("no imei"));
  rig.host.set_point("device.imei", "\"861681053233719\"");
  EXPECT_EQ(rig.ask(R"({"cmd_code":3})", "imei"), "\"861681053233719\"");
  EXPECT_EQ(rig.ask(R"({"cmd_code":200})", "imei"), "\"861681053233719\"");
}

TEST(Session, EventsThatTheDocumentNamesGoToTheChannelsAsData) {
  Rig rig(with_device(R"({"events":["sms.", "sms.received", "wifi.link"]})"));
  rig.host.tell("wifi.link", R"({"up":true})", "hal x", DTU_EVENT_STATE);
  rig.host.tell("sms.received", R"({"text":"a \"b\""})", "hal sim");
  rig.host.tell("radio.csq", "{}", "hal sim");
  rig.host.tell("wifi.link", "{}", "hal x", DTU_EVENT_STATE | DTU_EVENT_GONE);
  rig.settle();
  for (const uint32_t id : {1U, 2U}) {
    const auto sent = rig.to_channel(id);
    ASSERT_THAT(sent, SizeIs(3)) << "each once, though two names select it";
    EXPECT_THAT(
        sent[0],
        MatchesRegex(
            R"(\{"msg_id":[0-9]+,"event":"wifi.link","source":"hal x","time_ns":[0-9]+,"data":\{"up":true\}\})"));
    EXPECT_THAT(sent[1], HasSubstr(R"("event":"sms.received","source":"hal sim")"));
    EXPECT_THAT(sent[1], HasSubstr(R"("data":{"text":"a \"b\""}})"));
    EXPECT_THAT(sent[2], HasSubstr(R"("gone":true,"data":{}})"));
  }
  EXPECT_THAT(rig.to_port(), IsEmpty());
  for (const auto& write : rig.host.link_writes()) EXPECT_EQ(write.flags & DTU_MSG_COMMAND, 0U) << "it is data";
}

TEST(Session, AStateFromBeforeTheSessionIsNotForwarded) {
  Rig rig(with_device(R"({"events":["wifi."]})"));
  rig.host.tell("wifi.link", "{}", "hal x", DTU_EVENT_STATE);
  rig.settle();
  ASSERT_THAT(rig.to_channel(1), SizeIs(1));
  rig.close();
  rig.open(with_device(R"({"events":["wifi."]})"));
  rig.settle();
  EXPECT_THAT(rig.to_channel(1), IsEmpty());
}

TEST(Session, WithoutTheKeyNoEventIsForwarded) {
  Rig rig;
  rig.host.tell("sms.received", "{}", "hal sim");
  rig.settle();
  EXPECT_THAT(rig.to_channel(1), IsEmpty());
}

TEST(Session, FloodsOfCommandsAreRefused) {
  Rig rig;
  rig.host.on_code(3, [](const dtu::test::Request&) { return std::optional<dtu::test::Answer>(); });
  for (int i = 0; i < 40; ++i) rig.channel(1, R"({"cmd_code":3})");
  EXPECT_THAT(rig.host.requests(), SizeIs(32));
  ASSERT_THAT(rig.to_channel(1), SizeIs(8));
  EXPECT_THAT(rig.to_channel(1)[0], HasSubstr("too many commands at once"));
  EXPECT_EQ(rig.dropped("too_many_commands"), 8 * 14U);
  rig.host.set_point("device.imei", "\"861681053233719\"");
  EXPECT_EQ(rig.ask(R"({"cmd_code":0})", "status"), "1") << "the line is not held up by a channel";
  EXPECT_EQ(rig.ask(R"({"cmd_code":5})"), R"([{"func_code":"","error_code":"5006","channel":1}])");
}

TEST(Session, ThePlateIsReadBeforeTheCommandSoThatItsAnswerGoesOutAtOnce) {
  Rig rig(with_device(R"({"plate":1})"));
  rig.host.set_point("device.imei", "\"861681053233719\"");
  rig.host.on_code(3, [&](const dtu::test::Request&) { return dtu::test::Answer{DTU_OK, "\"CSQ1\""}; });
  EXPECT_EQ(rig.ask(R"({"cmd_code":3})", "imei"), "\"861681053233719\"");
  ASSERT_EQ(rig.host.requests().size(), 2U);
  EXPECT_EQ(rig.host.requests()[0].name, "device.imei");
  EXPECT_EQ(rig.host.requests()[1].code, 3);
  EXPECT_EQ(rig.ask(R"({"cmd_code":3})", "imei"), "\"861681053233719\"");
  EXPECT_EQ(rig.host.requests().size(), 1U) << "asked once a link";
}

TEST(Session, AnswersAfterTheEndOfTheSessionGoNowhere) {
  Rig rig;
  std::vector<uint64_t> open;
  rig.host.on_code(3, [&](const dtu::test::Request& r) {
    open.push_back(r.id);
    return std::optional<dtu::test::Answer>();
  });
  rig.channel(1, R"({"cmd_code":3})");
  rig.port("1,6,1398235801,abc");
  rig.close();
  ASSERT_THAT(open, SizeIs(1));
  rig.host.answer(open[0], {DTU_OK, "1"});
  rig.host.advance(std::chrono::milliseconds(100));
  EXPECT_THAT(rig.host.link_writes(), IsEmpty());
}

TEST(Session, AHostThatRefusesToAsk) {
  Rig rig;
  rig.host.refuse_invoke(DTU_E_STOPPED);
  EXPECT_EQ(rig.ask(R"({"cmd_code":3})", "error_code"), "5006");
}

// Whatever comes from either side: no crash, no answer that is not JSON, no frame that does not parse.
TEST(Session, RandomTraffic) {
  std::mt19937 random(99);
  const char* pieces[] = {"{",
                          "}",
                          "\"cmd_code\":",
                          "3",
                          "\"0x10\"",
                          ",",
                          "\"data\":",
                          "\"x\"",
                          "null",
                          "\"password\":",
                          "\\u",
                          "\xff",
                          "99,",
                          "1,",
                          "0",
                          "[",
                          "]",
                          "\"msg_id\":",
                          "6,1398235801,abcedf"};
  Rig rig;
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (uint32_t n = random() % 9; n > 0; --n) text += pieces[random() % std::size(pieces)];
    switch (random() % 4) {
      case 0:
        rig.port(text);
        break;
      case 1:
        rig.port(local(text));
        break;
      default:
        rig.channel(1 + random() % 3, text);
    }
  }
  for (const auto& w : rig.host.link_writes()) {
    if (w.channel == 0) continue;
    ASSERT_TRUE(parse_json(w.payload)) << w.payload;
  }
}

}  // namespace
}  // namespace command_dtu::test
