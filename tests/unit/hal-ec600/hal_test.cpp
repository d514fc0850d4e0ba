// The HAL as the host sees it. The names that begin with A4 to A15 are rows of field troubles of modems.
#include <dtu/sdk/json.hpp>

#include <gmock/gmock.h>

#include <regex>

#include "fixture.hpp"
#include "schema.json.hpp"

namespace hal_ec600::test {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kPoll = "AT+CSQ;+CREG?;+CGREG?;+CEREG?;+COPS?;+QCSQ;+CBC;+CPIN?";

TEST_F(HalTest, EveryPointHasATrueAnswer) {
  use_ready();
  EXPECT_EQ(read("device.imei"), "\"861234567890123\"");
  EXPECT_EQ(read("device.version"), "\"EC600UCNLBR03A01M08\"");
  EXPECT_EQ(read("sim.iccid"), "\"8986012345678901234\"");
  EXPECT_EQ(read("sim.imsi"), "\"460001234567890\"");
  EXPECT_EQ(read("sim.number"), "\"+8613800000000\"");
  EXPECT_EQ(read("sim.state"), "\"ready\"");
  EXPECT_EQ(read("radio.csq"), "20");
  EXPECT_EQ(read("radio.rsrp"), "-88");
  EXPECT_EQ(read("radio.rsrq"), "-9");
  EXPECT_EQ(read("radio.sinr"), "2.2");
  EXPECT_EQ(read("radio.operator"), "\"CHINA MOBILE\"");
  EXPECT_EQ(read("radio.technology"), "\"LTE\"");
  EXPECT_EQ(read("network.voice_state"), "1");
  EXPECT_EQ(read("network.data_state"), "1");
  EXPECT_EQ(read("network.cells"), "[[0,113568007,460,0,198,29192,38950,-88]]");
  EXPECT_EQ(read("battery.mv"), "3890");
  EXPECT_EQ(read("battery.percent"), "75");
  EXPECT_EQ(read("adc.0"), "0.632");
  EXPECT_EQ(read("adc.1"), "! adc.1: the modem could not measure it");
  EXPECT_EQ(read("sensor.temperature"), "! sensor.temperature: EC600U has no QTEMP");
  EXPECT_THAT(read("location.cell"), StartsWith("! location.cell needs a QuecLocator token"));
  EXPECT_THAT(read("location.gnss"), StartsWith("! location.gnss: GNSS is off"));
  EXPECT_EQ(read("modem.state"), R"({"state":"ready","model":"EC600U","resets_today":0})");
  EXPECT_EQ(read("nothing"), "! nothing is not a point of the EC600 modem");
}

TEST_F(HalTest, AnIdleModemCostsOneExchangePerInterval) {
  use_ready();
  const size_t before = modem().commands.size();
  pass(seconds(601));
  EXPECT_EQ(modem().commands.size() - before, 10U);
  EXPECT_EQ(modem().commands.back(), kPoll);
}

TEST_F(HalTest, AReadCostsNothingWhileTheValueIsYoung) {
  use_ready();
  const size_t before = modem().commands.size();
  pass(seconds(30));
  EXPECT_EQ(read("radio.csq"), "20");
  EXPECT_EQ(age_ms_, 30'000U);
  EXPECT_EQ(modem().commands.size(), before);
  EXPECT_EQ(read("adc.0"), "0.632");
  EXPECT_EQ(read("adc.0"), "0.632");
  EXPECT_EQ(modem().count("AT+QADC=0"), 1U);
}

TEST_F(HalTest, WhatIsReadWhenSomebodyAsksIsReadAnew) {
  use_ready();
  EXPECT_EQ(read("adc.0"), "0.632");
  pass(seconds(1));
  modem().answers["+QADC=0"] = {"+QADC: 1,700"};
  EXPECT_EQ(read("adc.0"), "0.632");
  EXPECT_EQ(age_ms_, 1'000U);
  pass(seconds(1));
  EXPECT_EQ(read("adc.0"), "0.7");
  EXPECT_EQ(age_ms_, 0U);
  EXPECT_EQ(modem().count("AT+QADC=0"), 2U);
  for (const char* who : {"device.imei", "sim.iccid"}) (void)read(who);
  pass(seconds(30));
  const size_t before = modem().commands.size();
  for (const char* who : {"device.imei", "device.version", "sim.iccid", "sim.imsi"}) (void)read(who);
  EXPECT_EQ(modem().commands.size(), before) << "who they are does not change";
}

TEST_F(HalTest, AFailureIsNotRemembered) {
  use_ready(R"({"at_device": "/dev/ttyUSB2"})", [](ScriptedModem& m) {
    m.answers["+QADC=0"] = {"+CME ERROR: 3"};
    m.answers["+CNUM"] = {"+CME ERROR: 14"};
    m.answers["+COPS?"] = {"+CME ERROR: 30"};
  });
  pass(seconds(31));
  EXPECT_THAT(read("adc.0"), StartsWith("! adc.0: AT+QADC"));
  EXPECT_THAT(read("radio.operator"), StartsWith("! "));
  modem().answers["+QADC=0"] = {"+QADC: 1,632"};
  modem().answers["+CNUM"] = {"+CNUM: \"\",\"+8613800000000\",145"};
  modem().answers["+COPS?"] = {"+COPS: 0,0,\"CHINA MOBILE\",7"};
  pass(seconds(2));
  EXPECT_EQ(read("adc.0"), "0.632");
  EXPECT_EQ(read("sim.number"), "\"+8613800000000\"");
  EXPECT_EQ(read("radio.operator"), "\"CHINA MOBILE\"");
}

TEST_F(HalTest, AFailureByARestartEndsWithIt) {
  use_ready();
  modem().silent = true;
  EXPECT_EQ(read("adc.0"), "nothing yet");
  modem().say("\r\nRDY\r\n");
  settle();
  EXPECT_THAT(reply(last_call_), StartsWith("! adc.0: "));
  modem().silent = false;
  modem().say("\r\nRDY\r\n");
  pass(seconds(1));
  EXPECT_EQ(read("adc.0"), "0.632");
}

TEST_F(HalTest, AChangedRegistrationIsLookedAtSoonAndOnce) {
  use_ready(R"({"at_device": "/dev/ttyUSB2"})", [](ScriptedModem& m) {
    m.answers["+CREG?"] = {"+CREG: 2,2"};
    m.answers["+CEREG?"] = {"+CEREG: 2,2"};
    m.answers["+COPS?"] = {"+COPS: 0"};
  });
  EXPECT_EQ(read("radio.operator"), "null");
  EXPECT_EQ(read("radio.technology"), "null");
  modem().answers["+CREG?"] = {"+CREG: 2,1,\"07D0\",\"009D4564\",7"};
  modem().answers["+CEREG?"] = {"+CEREG: 2,1,\"07D0\",\"009D4564\",7"};
  modem().answers["+COPS?"] = {"+COPS: 0,0,\"CHINA MOBILE\",7"};
  const size_t before = modem().count(kPoll);
  modem().say("\r\n+CREG: 1,\"07D0\",\"009D4564\",7\r\n\r\n+CEREG: 1,\"07D0\",\"009D4564\",7\r\n");
  settle();
  EXPECT_EQ(read("radio.technology"), "\"LTE\"") << "the line itself has it";
  pass(seconds(2));
  EXPECT_EQ(read("radio.operator"), "\"CHINA MOBILE\"");
  EXPECT_EQ(modem().count(kPoll), before + 1);
  modem().say("\r\n+CEREG: 1,\"07D0\",\"009D4565\",7\r\n");
  pass(seconds(10));
  EXPECT_EQ(modem().count(kPoll), before + 1) << "another cell is no other registration";
}

TEST_F(HalTest, AnOperatorWhoseNameComesLateIsAskedForAFewTimes) {
  use_ready(R"({"at_device": "/dev/ttyUSB2"})", [](ScriptedModem& m) { m.answers["+COPS?"] = {"+COPS: 0"}; });
  EXPECT_EQ(read("radio.technology"), "\"LTE\"") << "the registration names it";
  pass(seconds(50));
  EXPECT_EQ(modem().count(kPoll), 6U);
  modem().say("\r\nRDY\r\n");
  pass(seconds(3));
  EXPECT_EQ(read("radio.operator"), "null");
  modem().answers["+COPS?"] = {"+COPS: 0,0,\"CHINA MOBILE\",7"};
  pass(seconds(2));
  EXPECT_EQ(read("radio.operator"), "\"CHINA MOBILE\"");
}

TEST_F(HalTest, AStaleValueSaysSo) {
  use_ready();
  modem().unplug();
  settle();
  EXPECT_EQ(read("radio.csq"), "stale 20");
  EXPECT_EQ(read("adc.0"), "! adc.0: /dev/ttyUSB2 went away (hung up)");
  modem().answers["+CSQ"] = {"+CSQ: 7,99"};
  modem().plug();
  ASSERT_TRUE(becomes_ready());
  EXPECT_EQ(read("radio.csq"), "7");
}

TEST_F(HalTest, A1ALineByItselfChangesAPointAtOnce) {
  use_ready();
  modem().say("\r\n+CEREG: 5,\"07D0\",\"009D4564\",7\r\n");
  settle();
  EXPECT_EQ(read("network.data_state"), "5");
  EXPECT_THAT(told("radio.changed").back(), HasSubstr("\"data_state\":5"));
}

TEST_F(HalTest, StatesAreToldOnlyWhenTheyChanged) {
  use_ready();
  EXPECT_THAT(told("radio.changed"), ElementsAre(HasSubstr("\"operator\":\"CHINA MOBILE\"")));
  EXPECT_THAT(told("sim.changed"), ElementsAre("{\"state\":\"ready\"}"));
  for (int csq = 10; csq < 20; ++csq) {
    modem().answers["+CSQ"] = {"+CSQ: " + std::to_string(csq) + ",99"};
    pass(seconds(60));
  }
  EXPECT_EQ(told("radio.changed").size(), 1U) << "the signal drifts";
  modem().say("\r\n+CPIN: NOT INSERTED\r\n");
  settle();
  EXPECT_EQ(told("sim.changed").back(), "{\"state\":\"none\"}");
  EXPECT_EQ(read("sim.iccid"), "! sim.iccid: there is no SIM");
  modem().say("\r\n+CPIN: READY\r\n");
  settle();
  EXPECT_EQ(read("sim.iccid"), "\"8986012345678901234\"");
}

TEST_F(HalTest, UnknownLinesAreEventsWithinABudget) {
  use_ready();
  modem().say("\r\n+QNEW: 1\r\n\r\n\xff\r\n");
  settle();
  EXPECT_THAT(told("modem.urc"), ElementsAre("{\"line\":\"+QNEW: 1\"}", "{\"hex\":\"ff\"}"));
  std::string storm;
  for (int i = 0; i < 10'000; ++i) storm += "\r\n+QSTORM: " + std::to_string(i) + "\r\n";
  modem().say(storm);
  settle();
  EXPECT_EQ(told("modem.urc").size(), 50U);
  EXPECT_THAT(hal_->health(), HasSubstr("\"urc_events_left_out\":9952"));
  EXPECT_EQ(read("adc.0"), "0.632");
}

TEST_F(HalTest, NoSimIsSaidAndTheRestIsKnown) {
  use_ready(R"({"at_device": "/dev/ttyUSB2"})", [](ScriptedModem& m) {
    m.answers["+CPIN?"] = {"+CME ERROR: 10"};
    m.answers["+QCCID"] = m.answers["+CIMI"] = {"+CME ERROR: 10"};
    m.answers["+CSQ"] = {"+CSQ: 99,99"};
    m.answers["+COPS?"] = {"+COPS: 0"};
  });
  EXPECT_EQ(read("sim.state"), "\"none\"");
  EXPECT_EQ(read("sim.iccid"), "! sim.iccid: there is no SIM");
  EXPECT_EQ(read("radio.csq"), "null");
  EXPECT_EQ(read("radio.operator"), "null");
  EXPECT_EQ(read("battery.mv"), "3890");
}

TEST_F(HalTest, WhatIsRefusedInTheMiddleCostsOnlyItself) {
  use_ready(R"({"at_device": "/dev/ttyUSB2"})", [](ScriptedModem& m) { m.answers["+COPS?"] = {"+CME ERROR: 30"}; });
  EXPECT_EQ(read("radio.csq"), "20");
  EXPECT_EQ(read("radio.operator"), "! radio.operator: +COPS: no network service");
  EXPECT_EQ(read("battery.mv"), "3890");
  EXPECT_EQ(read("sim.state"), "\"ready\"");
}

void tells_another_port(ScriptedModem& m) {
  m.answers["+QURCCFG=?"] = {"+QURCCFG: \"urcport\",(\"usbat\",\"usbmodem\",\"uart1\")"};
  m.answers["+QURCCFG=\"urcport\""] = {"+QURCCFG: \"urcport\",\"usbmodem\""};
  m.answers["+QURCCFG=\"urcport\",\"usbat\""] = {};
}

TEST_F(HalTest, A4WhereUnsolicitedLinesGoIsReadAndSaidAndValuesArePolled) {
  use_ready(R"({"at_device": "/dev/ttyUSB2"})", tells_another_port);
  EXPECT_THAT(hal_->health(), HasSubstr("\"unsolicited_lines_go_to\":\"usbmodem\""));
  EXPECT_EQ(modem().count_part("usbat"), 0U);
  modem().answers["+CEREG?"] = {"+CEREG: 2,5"};
  pass(seconds(61));
  EXPECT_EQ(read("network.data_state"), "5");
}

TEST_F(HalTest, A4UnsolicitedLinesAreSentToThePortThatIsNamed) {
  use_ready(R"({"at_device": "/dev/ttyUSB2", "urc_port": "usbat"})", tells_another_port);
  EXPECT_THAT(hal_->health(), HasSubstr("\"unsolicited_lines_go_to\":\"usbat\""));
}

TEST_F(HalTest, A5APortIsTheAtPortOnlyWhenItAnswersTwice) {
  use(R"({"at_device": "/dev/ttyUSB2"})", [](ScriptedModem& m) { m.silent = true; });
  settle();
  for (int i = 0; i < 3; ++i) modem().say("%DBG 01 02\r\nOK\r\n");  // a debug port
  pass(seconds(4));
  EXPECT_EQ(modem().count("ATE0"), 0U);
  EXPECT_THAT(hal_->health(), Not(HasSubstr("\"state\":\"ready\"")));
}

TEST_F(HalTest, A9SettingsAreSentAgainAfterARestart) {
  use_ready();
  modem().answers["+CGMR"] = {"EC600UCNLBR03A02M09"};
  modem().say("\r\nRDY\r\n");
  settle();
  for (const char* setting : {"ATE0", "AT+CMEE=1", "AT+CREG=2", "AT+CEREG=2"})
    EXPECT_EQ(modem().count(setting), 2U) << setting;
  EXPECT_EQ(modem().count("AT+QADC=?"), 1U) << "the variant is the same";
  EXPECT_EQ(read("device.version"), "\"EC600UCNLBR03A02M09\"");
  modem().unplug();
  modem().plug();
  settle();
  EXPECT_EQ(modem().count("ATE0"), 3U) << "and after a re-plug";
}

TEST_F(HalTest, A9AModemThatEchoesAgainHasLostItsSettings) {
  use_ready();
  modem().say("AT+CSQ\r\r\n+CSQ: 1,99\r\n");
  settle();
  EXPECT_EQ(modem().count("ATE0"), 2U);
  EXPECT_EQ(read("radio.csq"), "20");
}

TEST_F(HalTest, AModemThatAlwaysEchoesIsNoModemThatRestarts) {
  use_ready(R"({"at_device": "/dev/ttyUSB2"})", [](ScriptedModem& m) { m.echoes = true; });
  pass(seconds(300));
  EXPECT_EQ(read("radio.csq"), "20");
  EXPECT_EQ(modem().count("ATE0"), 1U);
}

TEST_F(HalTest, A9ASimThatIsBusyIsLookedAtSoonAgain) {
  use_ready(R"({"at_device": "/dev/ttyUSB2"})", [](ScriptedModem& m) { m.answers["+CPIN?"] = {"+CME ERROR: 14"}; });
  EXPECT_EQ(read("sim.iccid"), "! sim.iccid: the SIM is not ready yet");
  modem().answers["+CPIN?"] = {"+CPIN: READY"};
  pass(seconds(3));
  EXPECT_EQ(read("sim.iccid"), "\"8986012345678901234\"");
  modem().answers["+CPIN?"] = {"+CME ERROR: 14"};
  const size_t before = modem().count(kPoll);
  pass(seconds(600));
  EXPECT_LE(modem().count(kPoll), before + 15 + 10);
}

TEST_F(HalTest, ACommandThatWantsASimIsNotLacking) {
  use_ready(R"({"at_device": "/dev/ttyUSB2"})", [](ScriptedModem& m) {
    m.answers["+QTEMP=?"] = {"+CME ERROR: 10"};
    m.answers["+QTEMP"] = {"+QTEMP: 31,31,30"};
  });
  EXPECT_EQ(read("sensor.temperature"), "null");
  modem().answers["+QTEMP=?"] = {};
  modem().say("\r\nRDY\r\n");
  settle();
  EXPECT_EQ(read("sensor.temperature"), "31");
}

TEST_F(HalTest, A9AReadDuringTheStartWaitsForIt) {
  use(R"({"at_device": "/dev/ttyUSB2"})", [](ScriptedModem& m) { m.silent = true; });
  host_.advance(std::chrono::milliseconds(0));
  EXPECT_EQ(read("device.imei"), "nothing yet");
  modem().silent = false;
  pass(seconds(2));
  EXPECT_EQ(reply(last_call_), "\"861234567890123\"");
}

TEST_F(HalTest, A14NothingIsWrittenThatCanBrick) {
  use_ready();
  modem().say("\r\nRDY\r\n");
  pass(seconds(120));
  for (const char* bad : {"usbnet", "usbcfg", "+IPR", "&W", "&F", "ATZ"}) EXPECT_EQ(modem().count_part(bad), 0U) << bad;
}

TEST_F(HalTest, A15AnotherProgramOnThePortIsNamed) {
  use_ready();
  modem().holder = "pid 812 (ModemManager)";
  modem().silent = true;
  (void)read("adc.0");
  pass(seconds(14));
  EXPECT_THAT(hal_->health(), HasSubstr("held by pid 812 (ModemManager) as well: stop it"));
}

// ---- a command that has the line

TEST_F(HalTest, WhileAPromptDoesNotComePointsAreAnsweredInTime) {
  use_ready();
  modem().answers["+CMGF=0"] = {};
  EXPECT_EQ(read("radio.csq"), "20");
  pass(seconds(59));
  modem().mute = "AT+CMGS=";
  EXPECT_EQ(invoke("sms.send", R"({"number": "10086", "text": "a"})"), "nothing yet");
  const uint64_t sms = last_call_;
  EXPECT_EQ(read("adc.0"), "nothing yet") << "it may answer at once";
  const uint64_t early = last_call_;
  pass(seconds(2));
  EXPECT_EQ(read("radio.csq"), "20") << "what is known, with its age";
  EXPECT_GE(age_ms_, 60'000U);
  EXPECT_EQ(read("network.cells"), "! network.cells: the modem is busy with AT+CMGS");
  pass(seconds(2));
  EXPECT_EQ(reply(early), "! adc.0: the modem is busy with AT+CMGS");
  pass(seconds(10));
  EXPECT_THAT(reply(sms), HasSubstr("so nothing was sent"));
  EXPECT_EQ(read("adc.0"), "0.632");
  EXPECT_EQ(read("radio.csq"), "20");
  EXPECT_LT(age_ms_, 60'000U);
}

// ---- SIM PIN

// ---- commands

TEST_F(HalTest, ModemAtRunsItsStepsWithoutAnotherInBetween) {
  use_ready();
  modem().answers["+ONE"] = {"+ONE: 1", "\xff"};
  modem().answers["+TWO"] = {"+CME ERROR: 3"};
  EXPECT_EQ(invoke("modem.at", R"({"steps": [{"send": "AT+ONE"}, {"send": "AT+TWO"}, {"send": "AT"}]})"),
            R"j({"ok":false,"steps":[{"lines":[{"line":"+ONE: 1"},{"hex":"ff"}],"final":"OK"},)j"
            R"j({"lines":[],"final":"+CME ERROR: 3","error":"AT+TWO: operation not allowed (3)"}]})j");
  EXPECT_EQ(invoke("modem.at", R"({"steps": [{"send": "AT+ONE", "expect": "+THREE:"}]})"),
            R"j({"ok":false,"steps":[{"lines":[{"line":"+ONE: 1"},{"hex":"ff"}],"final":"OK",)j"
            R"j("error":"no line begins with +THREE:"}]})j");
}

TEST_F(HalTest, ModemAtIsForPlugins) {
  use_ready();
  EXPECT_THAT(invoke("modem.at", R"({"steps": [{"send": "AT"}]})", DTU_CALLER_CONSOLE), HasSubstr("for plugins only"));
}

TEST_F(HalTest, ModemAtIsForTheConsoleIfTheBoardSaysSo) {
  use_ready(R"({"at_device": "/dev/ttyUSB2", "at_commands": true})");
  EXPECT_THAT(invoke("modem.at", R"({"steps": [{"send": "AT"}]})", DTU_CALLER_CONSOLE), StartsWith("{\"ok\":true"));
}

TEST_F(HalTest, ABusyLineIsSaidAtOnce) {
  use_ready();
  modem().silent = true;
  EXPECT_EQ(invoke("modem.at", R"({"steps": [{"send": "AT+COPS=?"}]})"), "nothing yet");
  EXPECT_EQ(invoke("modem.at", R"({"steps": [{"send": "AT"}]})"), "! the AT port is busy with another modem.at");
}

TEST_F(HalTest, TheModemIsResetWithinTheBudget) {
  use_ready();
  EXPECT_EQ(invoke("modem.reset", "{}"), "");
  EXPECT_EQ(modem().count("AT+CFUN=1,1"), 1U);
  modem().say("\r\nRDY\r\n");
  settle();
  EXPECT_THAT(read("modem.state"), HasSubstr("\"resets_today\":1"));
  for (int i = 1; i < 30; ++i) {
    EXPECT_EQ(invoke("modem.reset", "{}"), "") << i;
    modem().say("\r\nRDY\r\n");
    settle();
  }
  EXPECT_THAT(invoke("modem.reset", "{}"), HasSubstr("30 times today"));
}

TEST_F(HalTest, AnAccessPointIsSetWhereItIsAnotherAndTheContextIsDown) {
  use_ready();
  EXPECT_EQ(invoke("network.configure", R"({"apn": "", "user": "", "password": ""})"), "");
  EXPECT_EQ(modem().count_part("CGDCONT"), 0U) << "the operator's own is not touched";
  modem().answers["+QIACT?"] = {"+QIACT: 1,1,1,\"10.0.0.2\""};
  for (const char* c :
       {"+QIDEACT=1", "+QIACT=1", "+CGDCONT=1,\"IP\",\"cmnet\"", "+QICSGP=1,1,\"cmnet\",\"me\",\"hush\",1"})
    modem().answers[c] = {};
  const size_t before = modem().commands.size();
  EXPECT_EQ(invoke("network.configure", R"({"apn": "cmnet", "user": "me", "password": "hush"})"), "");
  EXPECT_THAT(
      std::vector<std::string>(modem().commands.begin() + static_cast<std::ptrdiff_t>(before), modem().commands.end()),
      ElementsAre("AT+CGDCONT?;+QICSGP=1;+QIACT?", "AT+QIDEACT=1", "AT+CGDCONT=1,\"IP\",\"cmnet\"",
                  "AT+QICSGP=1,1,\"cmnet\",\"me\",\"hush\",1", "AT+QIACT=1"));
  EXPECT_EQ(read("network.apn"), "\"cmnet\"");
  EXPECT_EQ(read("network.apn_user"), "\"me\"");
  EXPECT_EQ(read("network.configured"), "2");
  EXPECT_THAT(hal_->health(), Not(HasSubstr("hush")));
  modem().answers["+CGDCONT?"] = {"+CGDCONT: 1,\"IP\",\"cmnet\""};
  modem().answers["+QICSGP=1"] = {"+QICSGP: 1,\"cmnet\",\"me\",\"hush\",1"};
  modem().say("\r\nRDY\r\n");
  settle();
  EXPECT_EQ(modem().count("AT+QIDEACT=1"), 1U) << "what is there is not written again";
  EXPECT_THAT(invoke("network.configure", R"({"apn": "a\"b", "user": "", "password": ""})"), StartsWith("! apn, user"));
}

TEST_F(HalTest, AttachedAndDetached) {
  use_ready();
  modem().answers["+CGATT=1"] = modem().answers["+CGATT=0"] = modem().answers["+QIACT=1"] = {};
  EXPECT_EQ(invoke("network.attach", "{}"), "");
  EXPECT_EQ(invoke("network.detach", "{}"), "");
  modem().answers["+QIACT=1"] = {"+CME ERROR: 561"};
  EXPECT_EQ(invoke("network.attach", "{}"), "! AT+QIACT: PDP context open failed (561)");
}

TEST_F(HalTest, TheLocatorIsAskedOnADataConnectionAndSeldom) {
  use_ready(R"({"at_device": "/dev/ttyUSB2", "lbs_token": "abcdefgh12345678"})", [](ScriptedModem& m) {
    for (const char* c : {"+QLBSCFG=\"token\",\"abcdefgh12345678\"", "+QLBSCFG=\"latorder\",1", "+QIACT=1"})
      m.answers[c] = {};
    m.answers["+QLBS"] = {"+QLBS: 0,31.822790,117.113800,550"};
  });
  EXPECT_EQ(read("location.cell"), "[117.1138,31.82279,550]");
  pass(seconds(120));
  EXPECT_EQ(read("location.cell"), "[117.1138,31.82279,550]");
  EXPECT_EQ(modem().count("AT+QLBS"), 1U);
  modem().answers["+QLBS"] = {"+QLBS: 10002", "ERROR"};
  pass(seconds(600));
  EXPECT_EQ(read("location.cell"), "! location.cell: the locator does not know lbs_token");
}

TEST_F(HalTest, ThePlaceIsToldWhenItMoved) {
  use_ready(R"({"at_device": "/dev/ttyUSB2", "gnss": true})", [](ScriptedModem& m) {
    m.answers["+QGPS=?"] = {"+QGPS: (1-4)"};
    m.answers["+QGPS=1"] = {"+CME ERROR: 504"};
    m.answers["+QGPSLOC=2"] = {"+CME ERROR: 516"};
  });
  EXPECT_EQ(read("location.gnss"), "! location.gnss: +QGPSLOC: no position fix yet");
  const auto at = [this](const std::string& lat) {
    modem().answers["+QGPSLOC=2"] = {"+QGPSLOC: 024158.0," + lat + ",111.78228,1.5,1125.0,2,307.37,0.0,0.0,271226,04"};
    pass(seconds(60));
  };
  at("40.90340");
  at("40.90341");
  at("40.90440");
  EXPECT_THAT(told("location.changed"), ElementsAre(HasSubstr("40.9034,"), HasSubstr("40.9044,")));
}

TEST(Ec600Config, LeftOutItIsAsTheSchemaSays) {
  const Config config = read_config(R"({"at_device": "/dev/x"})");
  EXPECT_FALSE(config.usb);
  EXPECT_EQ(config.baud, 115'200U);
}

TEST(Ec600Config, ByUsbThePathsAreTheUsualOnes) {
  const Config config = read_config(R"({"usb": {"id": "2C7C:0901", "interface": 2}})");
  EXPECT_EQ(config.at_device, "");
  EXPECT_EQ(config.usb->id, "2c7c:0901");
  EXPECT_EQ(config.usb->sysfs + config.usb->dev, "/sys/dev");
}

bool takes(const dtu::Json& schema, const std::string& text) {
  return std::regex_search(text, std::regex(schema["pattern"].text())) &&
         text.size() <= static_cast<size_t>(schema["maxLength"].integer(1'000));
}

TEST(Ec600Schema, AResetPointIsANameOfSeveralParts) {
  const dtu::Json schema = dtu::Json(schema_json)["properties"]["reset_point"];
  for (const char* good : {"", "gpio.5", "outputs.relay-1", "a.b.c"}) EXPECT_TRUE(takes(schema, good)) << good;
  for (const char* bad : {"gpio", "5", ".5", "gpio.", "gpio..5", "Gpio.5", "gpio.5 ", "/dev/gpiochip0"})
    EXPECT_FALSE(takes(schema, bad)) << bad;
  EXPECT_FALSE(takes(schema, "gpio." + std::string(60, '5')));
}

TEST(Ec600Schema, ATokenHasSixteenCharacters) {
  const dtu::Json schema = dtu::Json(schema_json)["properties"]["lbs_token"];
  for (const char* good : {"", "abcdefgh12345678"}) EXPECT_TRUE(takes(schema, good)) << good;
  for (const char* bad : {"a", "abcdefgh1234567", "abcdefgh123456789"}) EXPECT_FALSE(takes(schema, bad)) << bad;
}

// dtud says the description of a text that a pattern refuses, and the pattern itself only where there is none.
void expect_words_for_patterns(const dtu::Json& schema, const std::string& where) {
  if (schema["pattern"].exists()) {
    EXPECT_NE(schema["description"].text(), "") << where;
  }
  schema["properties"].each([&](std::string_view key, const dtu::Json& inner) {
    expect_words_for_patterns(inner, where + "/" + std::string(key));
  });
  if (schema["items"].exists()) expect_words_for_patterns(schema["items"], where + "[]");
}

TEST(Ec600Schema, EveryPatternIsSaidInWords) {
  expect_words_for_patterns(dtu::Json(schema_json), "");
  const dtu::Json numbers = dtu::Json(schema_json)["properties"]["sms"]["properties"]["commands_from"];
  EXPECT_THAT(numbers["items"]["description"].text(), HasSubstr("3 to 20 digits"));
}

TEST(Ec600Check, OnePortIsNamed) {
  const auto& hal = *hal_on_scripted_modem;
  EXPECT_THAT(dtu::test::check(hal, "{}"), HasSubstr("the AT port is missing"));
  EXPECT_THAT(dtu::test::check(hal, R"({"at_device": "/dev/x", "usb": {"id": "2C7C:0901", "interface": 2}})"),
              HasSubstr("error /at_device: at_device and usb both name the AT port"));
  EXPECT_THAT(dtu::test::check(hal, R"({"at_device": "/dev/x"})"), HasSubstr("claim /at_device: device:/dev/x"));
}

}  // namespace
}  // namespace hal_ec600::test
