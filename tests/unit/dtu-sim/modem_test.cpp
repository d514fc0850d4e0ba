// What the simulated module answers.
#include <gmock/gmock.h>

#include "call.hpp"
#include "modem_bench.hpp"
#include "sms_pdu.hpp"
#include "table.hpp"

namespace sim::modem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ModemTest : public testing::Test {
 protected:
  void SetUp() override { bench_.ask("ATE0"); }
  Bench bench_;
};

TEST(ModemCall, ALineHasSeveralCommandsAndQuotesHideTheirSeparators) {
  const auto calls = parse_line(R"(ate0V1+csq;+QENG="a;b,c",,2;+cops=?;&D0+CPIN?)");
  ASSERT_TRUE(calls);
  std::vector<std::string> names;
  for (const Call& call : *calls) names.push_back(call.name);
  EXPECT_THAT(names, ElementsAre("E", "V", "+CSQ", "+QENG", "+COPS", "&D", "+CPIN"));
  EXPECT_THAT((*calls)[3].arguments, ElementsAre("a;b,c", "", "2"));
  EXPECT_EQ((*calls)[4].form, Form::test);
  EXPECT_EQ((*calls)[6].form, Form::read);
  EXPECT_EQ((*calls)[0].number(0, 0, 1), 0);
  EXPECT_EQ((*calls)[3].number(1, 0, 9, 7), 7);
  EXPECT_EQ((*calls)[3].number(2, 0, 1), std::nullopt);
  EXPECT_FALSE(parse_line("A"));
  EXPECT_FALSE(parse_line("AT%X"));
  EXPECT_FALSE(parse_line("AT&"));
}

TEST(ModemTable, EveryNameIsThereOnceAndHasAForm) {
  std::vector<std::string_view> names;
  for (const auto* table : {&general_commands(), &sim_commands(), &radio_commands(), &packet_commands(),
                            &socket_commands(), &sms_commands(), &location_commands(), &firmware_commands()})
    for (const AtCommand& each : *table) {
      EXPECT_TRUE(each.execute != nullptr || each.read != nullptr || each.set != nullptr) << each.name;
      EXPECT_NE(each.variants, 0U) << each.name;
      names.push_back(each.name);
    }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(ModemVariants, WhatAVariantLacksAnswersErrorAlsoToItsTestForm) {
  struct Row {
    const char* variant;
    const char* command;
    bool there;
  };
  for (const Row& row : {Row{"ec600n", "AT+QTEMP=?", true},
                         {"ec600u", "AT+QTEMP=?", false},
                         {"bare", "AT+QTEMP=?", false},
                         {"ec600n", "AT+QTEMP", true},
                         {"ec600u", "AT+QTEMP", false},
                         {"ec600u", "AT+QGPS=?", true},
                         {"bare", "AT+QGPS=?", false},
                         {"bare", "AT+QGPS=1", false},
                         {"bare", "AT+QGPSLOC=2", false},
                         {"bare", "AT+CSQ=?", true},
                         {"ec600n", "AT+QGPIO=?", false}}) {
    Bench bench(row.variant);
    bench.ask("ATE0");
    EXPECT_EQ(bench.ask(row.command) == kError, !row.there) << row.variant << " " << row.command;
  }
}

TEST(ModemEcho, TheCommandComesBackUntilItIsSwitchedOff) {
  Bench bench;
  EXPECT_EQ(bench.ask("AT"), "AT\r" + kOk);
  EXPECT_EQ(bench.ask("ATE0"), "ATE0\r" + kOk);
  EXPECT_EQ(bench.ask("AT"), kOk);
}

TEST_F(ModemTest, AnErrorComesInThreeForms) {
  bench_.act("sim none");
  bench_.wait(100);
  EXPECT_EQ(bench_.ask("AT+CIMI"), kError);
  bench_.ask("AT+CMEE=1");
  EXPECT_EQ(bench_.ask("AT+CIMI"), "\r\n+CME ERROR: 10\r\n");
  bench_.ask("AT+CMEE=2");
  EXPECT_EQ(bench_.ask("AT+CIMI"), "\r\n+CME ERROR: SIM not inserted\r\n");
  EXPECT_EQ(bench_.ask("AT+NONE"), kError);
  EXPECT_EQ(bench_.ask("AT+CSQ;+NONE;+CSQ"), lines({"+CSQ: 20,99"}) + kError);
}

TEST_F(ModemTest, ATooLongLineIsOneErrorAndTheNextOneIsUnderstood) {
  EXPECT_EQ(bench_.ask("AT" + std::string(65536, 'x')), kError);
  EXPECT_EQ(bench_.ask("AT"), kOk);
}

TEST_F(ModemTest, WhatItMeasures) {
  struct Row {
    const char* action;
    const char* command;
    const char* line;
  };
  for (const Row& row : {Row{"csq 17", "AT+CSQ", "+CSQ: 17,99"},
                         {"sinr -9", "AT+QCSQ", "+QCSQ: \"LTE\",-79,-88,55,-6"},
                         {"csq 99", "AT+QCSQ", "+QCSQ: \"NOSERVICE\""},
                         {"csq 99", "AT+CSQ", "+CSQ: 99,99"},
                         {"battery 40 3600 1", "AT+CBC", "+CBC: 1,40,3600"},
                         {"adc 0 700", "AT+QADC=0", "+QADC: 1,700"},
                         {"adc 1 failed", "AT+QADC=1", "+QADC: 0,0"},
                         {"temperature 32,0,18", "AT+QTEMP", "+QTEMP: 32,0,18"},
                         {"imei 123456789012345", "AT+CGSN", "123456789012345"},
                         {"iccid 8986001234567890123F", "AT+QCCID", "+QCCID: 8986001234567890123F"},
                         {"operator \"CHN-UNICOM\" 46001", "AT+COPS?", "+COPS: 0,0,\"CHN-UNICOM\",7"},
                         {"clock unset", "AT+CCLK?", "+CCLK: \"80/01/06,00:00:00+00\""},
                         {"clock set 1764500400", "AT+CCLK?", "+CCLK: \"25/11/30,19:00:00+32\""}}) {
    bench_.act(row.action);
    EXPECT_EQ(bench_.ask(row.command), answer({row.line})) << row.action;
  }
  bench_.act("number none");
  EXPECT_EQ(bench_.ask("AT+CNUM"), kOk);
}

TEST_F(ModemTest, RegistrationIsToldAsAsked) {
  EXPECT_EQ(bench_.ask("AT+CEREG?"), answer({"+CEREG: 0,1"}));
  bench_.act("reg 2");
  EXPECT_EQ(bench_.wait(10), "");
  EXPECT_EQ(bench_.ask("AT+CEREG=1;+CREG=2"), kOk);
  bench_.act("reg eps 5");
  EXPECT_EQ(bench_.wait(10), lines({"+CEREG: 5"}));
  bench_.act("reg voice 1");
  EXPECT_EQ(bench_.wait(10), lines({"+CREG: 1,\"1C28\",\"06C4E907\",7"}));
  EXPECT_EQ(bench_.ask("AT+CREG?"), answer({"+CREG: 2,1,\"1C28\",\"06C4E907\",7"}));
}

TEST_F(ModemTest, ThePinIsTriedThreeTimesThenThePuk) {
  bench_.ask("AT+CMEE=1");
  bench_.act("sim pin 4321");
  EXPECT_EQ(bench_.wait(10), lines({"+CPIN: SIM PIN"}));
  EXPECT_EQ(bench_.ask("AT+CPIN=1"), "\r\n+CME ERROR: 16\r\n");
  EXPECT_EQ(bench_.ask("AT+QPINC?"), answer({"+QPINC: \"SC\",2,10", "+QPINC: \"P2\",3,10"}));
  bench_.ask("AT+CPIN=1");
  EXPECT_THAT(bench_.ask("AT+CPIN=1"), HasSubstr("+CME ERROR: 12"));
  EXPECT_EQ(bench_.ask("AT+CPIN?"), answer({"+CPIN: SIM PUK"}));
  EXPECT_THAT(bench_.ask("AT+CPIN=12345678,1111"), HasSubstr("+CPIN: READY"));
  EXPECT_EQ(bench_.ask("AT+CIMI"), answer({"460001234567890"}));
}

TEST_F(ModemTest, ARemovedSimEndsTheNetwork) {
  bench_.ask("AT+CEREG=1");
  bench_.ask("AT+QIACT=1");
  bench_.act("sim removed");
  const std::string said = bench_.wait(50);
  EXPECT_THAT(said, HasSubstr("+CPIN: NOT READY"));
  EXPECT_THAT(said, HasSubstr("+CEREG: 0"));
  EXPECT_THAT(said, HasSubstr("+QIURC: \"pdpdeact\",1"));
  bench_.act("sim ready");
  EXPECT_THAT(bench_.wait(50), HasSubstr("+CEREG: 1"));
}

TEST_F(ModemTest, ARestartForgetsTheSettingsAndSaysItsLines) {
  bench_.ask("AT+CMEE=1;+CEREG=2;+CNMI=2,1");
  EXPECT_EQ(bench_.ask("AT+CFUN=1,1", 700), kOk + lines({"RDY"}) + lines({"+CFUN: 1"}) + lines({"+CPIN: READY"}) +
                                                lines({"+QUSIM: 1"}) + lines({"+QIND: SMS DONE"}) +
                                                lines({"+QIND: PB DONE"}));
  EXPECT_EQ(bench_.ask("AT+CMEE?"), "AT+CMEE?\r" + answer({"+CMEE: 0"}));
  bench_.ask("ATE0");
  EXPECT_EQ(bench_.ask("AT+CNMI?"), answer({"+CNMI: 0,0,0,0,0"}));
  EXPECT_EQ(bench_.ask("AT+CEREG?"), answer({"+CEREG: 0,1"}));
}

TEST_F(ModemTest, WithTheRadioOffNothingIsServed) {
  bench_.ask("AT+CMEE=1;+CEREG=1");
  EXPECT_EQ(bench_.ask("AT+CFUN=4"), kOk + lines({"+CEREG: 0"}));
  EXPECT_EQ(bench_.ask("AT+CSQ"), answer({"+CSQ: 99,99"}));
  EXPECT_THAT(bench_.ask("AT+CFUN=1"), HasSubstr("+CEREG: 1"));
  EXPECT_THAT(bench_.ask("AT+CFUN=0"), HasSubstr("+CPIN: NOT READY"));
  EXPECT_EQ(bench_.ask("AT+CIMI"), "\r\n+CME ERROR: 13\r\n");
  EXPECT_THAT(bench_.ask("AT+CFUN=1"), HasSubstr("+QIND: SMS DONE"));
}

TEST_F(ModemTest, OffItIsSilentUntilThePowerComes) {
  EXPECT_EQ(bench_.ask("AT+QPOWD"), kOk + lines({"POWERED DOWN"}));
  EXPECT_EQ(bench_.ask("AT"), "");
  bench_.act("power on");
  EXPECT_THAT(bench_.wait(600), StartsWith(lines({"RDY"})));
}

TEST_F(ModemTest, AMessageArrivesIsAnnouncedReadAndDeleted) {
  bench_.ask("AT+CNMI=2,1");
  bench_.act("sms from +8613800000000 hi");
  EXPECT_EQ(bench_.wait(10), lines({"+CMTI: \"SM\",0"}));
  const std::string pdu = deliver_pdus("+8613800000000", "hi", 1).front();
  EXPECT_EQ(bench_.ask("AT+CMGR=0"), answer({"+CMGR: 0,,22", pdu}));
  EXPECT_EQ(bench_.ask("AT+CMGL=1"), answer({"+CMGL: 0,1,,22", pdu}));
  EXPECT_EQ(bench_.ask("AT+CMGL"), kOk);
  EXPECT_EQ(bench_.ask("AT+CMGD=0"), kOk);
  EXPECT_EQ(bench_.ask("AT+CMGR=0"), "\r\n+CMS ERROR: 321\r\n");
  bench_.ask("AT+CNMI=2,2");
  bench_.act("sms pdu 0004");
  EXPECT_EQ(bench_.wait(10), lines({"+CMT: ,1", "0004"}));
}

TEST_F(ModemTest, AFullStorageKeepsMessagesInTheNetwork) {
  bench_.ask("AT+CNMI=2,1");
  bench_.act("sms capacity SM 1");
  bench_.act("sms from 10086 a");
  bench_.wait(10);
  bench_.act("sms from 10086 b");
  EXPECT_EQ(bench_.wait(10), lines({"+QIND: \"smsfull\",\"SM\""}));
  EXPECT_EQ(bench_.ask("AT+CPMS?"), answer({"+CPMS: \"SM\",1,1,\"SM\",1,1,\"SM\",1,1"}));
  EXPECT_EQ(bench_.ask("AT+CMGD=0"), kOk + lines({"+CMTI: \"SM\",0"}));
  EXPECT_EQ(bench_.ask("AT+CPMS=\"ME\",\"ME\",\"ME\""), answer({"+CPMS: 0,23,0,23,0,23"}));
}

TEST_F(ModemTest, TheLengthOfAMessageSentIsCheckedAndEscapeAborts) {
  EXPECT_EQ(bench_.ask("AT+CMGS=3"), "\r\n> ");
  EXPECT_EQ(bench_.send("00110203\x1a"), answer({"+CMGS: 1"}));
  EXPECT_THAT(bench_.notes, testing::Contains("sms sent 00110203"));
  bench_.ask("AT+CMGS=4");
  EXPECT_EQ(bench_.send("00110203\x1a"), "\r\n+CMS ERROR: 304\r\n");
  bench_.ask("AT+CMGS=3");
  EXPECT_EQ(bench_.send("0011\x1b"), kOk);
  bench_.act("sms fail 500");
  bench_.ask("AT+CMGS=3");
  EXPECT_EQ(bench_.send("00110203\x1a"), "\r\n+CMS ERROR: 500\r\n");
  bench_.act("reg 3");
  bench_.ask("AT+CMGS=3");
  EXPECT_EQ(bench_.send("00110203\x1a"), "\r\n+CMS ERROR: 331\r\n");
}

TEST(ModemPdu, TheAlphabetIsChosenAndNoCharacterIsDivided) {
  // "hellohello" is the example that every description of the format has.
  EXPECT_THAT(deliver_pdus("+1", "hellohello", 1).front(), testing::EndsWith("0AE8329BFD4697D9EC37"));
  EXPECT_THAT(deliver_pdus("10086", "你好", 1).front(), testing::EndsWith("044F60597D"));
  EXPECT_EQ(deliver_pdus("1", std::string(160, 'a'), 1).size(), 1U);
  EXPECT_EQ(deliver_pdus("1", std::string(161, 'a'), 1).size(), 2U);
  // 152 characters and an escape pair that does not fit any more.
  const auto parts = deliver_pdus("1", std::string(152, 'a') + "€" + std::string(20, 'a'), 7);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_THAT(parts[0], HasSubstr("9F050003070201C2"));  // 152 + 7 septets, not 154
  std::string smile;
  for (int i = 0; i < 40; ++i) smile += "😀";
  const auto pairs = deliver_pdus("1", smile, 7);
  ASSERT_EQ(pairs.size(), 2U);
  EXPECT_THAT(pairs[0], testing::EndsWith("D83DDE00"));
  EXPECT_THROW(static_cast<void>(deliver_pdus("x", "a", 1)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(deliver_pdus("1", "\xff", 1)), std::invalid_argument);
}

TEST_F(ModemTest, ASocketSaysOnceThatDataAreThereUntilAllWasRead) {
  EXPECT_EQ(bench_.ask("AT+QIOPEN=1,0,\"TCP\",\"192.0.2.1\",80,0,0"), kError);
  EXPECT_EQ(bench_.ask("AT+QIGETERROR"), answer({"+QIGETERROR: 561,open PDP context failed"}));
  bench_.ask("AT+QIACT=1");
  EXPECT_EQ(bench_.ask("AT+QIOPEN=1,0,\"TCP\",\"192.0.2.1\",80,0,0"), kOk + lines({"+QIOPEN: 0,0"}));
  EXPECT_EQ(bench_.ask("AT+QISEND=0,6"), "\r\n> ");
  EXPECT_EQ(bench_.send("OK\r\n> "), "\r\nSEND OK\r\n" + lines({"+QIURC: \"recv\",0"}));
  bench_.act("socket 0 data more");
  EXPECT_EQ(bench_.wait(10), "");
  EXPECT_EQ(bench_.ask("AT+QIRD=0,6"), answer({"+QIRD: 6", "OK\r\n> "}));
  EXPECT_EQ(bench_.ask("AT+QIRD=0"), answer({"+QIRD: 4", "more"}));
  EXPECT_EQ(bench_.ask("AT+QIRD=0"), answer({"+QIRD: 0"}));
  EXPECT_EQ(bench_.ask("AT+QISEND=0,0"), answer({"+QISEND: 6,6,0"}));
  bench_.act("socket 0 close");
  EXPECT_EQ(bench_.wait(10), lines({"+QIURC: \"closed\",0"}));
  EXPECT_EQ(bench_.ask("AT+QICLOSE=0"), kOk);
  bench_.ask("AT+QIOPEN=1,1,\"TCP\",\"192.0.2.1\",80,0,1");
  bench_.act("socket 1 data abc");
  EXPECT_EQ(bench_.wait(10), lines({"+QIURC: \"recv\",1,3", "abc"}));
}

TEST_F(ModemTest, ASocketToNobodyHereFails) {
  bench_.ask("AT+QIACT=1");
  EXPECT_EQ(bench_.ask("AT+QIOPEN=1,0,\"TCP\",\"127.0.0.1\",1,0,0"), kOk + lines({"+QIOPEN: 0,566"}));
}

TEST_F(ModemTest, TheApnIsChangedOnlyWhileTheContextIsDown) {
  EXPECT_EQ(bench_.ask("AT+QICSGP=1,1,\"NET\",\"u\",\"p\",2"), kOk);
  EXPECT_EQ(bench_.ask("AT+QICSGP=1"), answer({"+QICSGP: 1,\"NET\",\"u\",\"p\",2"}));
  bench_.ask("AT+QIACT=1");
  EXPECT_EQ(bench_.ask("AT+QICSGP=1,1,\"OTHER\""), kError);
  EXPECT_EQ(bench_.ask("AT+QIACT?"), answer({"+QIACT: 1,1,1,\"10.171.134.243\""}));
  bench_.ask("AT+QIDEACT=1");
  EXPECT_EQ(bench_.ask("AT+QICSGP=1,1,\"OTHER\""), kOk);
}

TEST_F(ModemTest, ThePlaceByCellsNeedsAContextAndAToken) {
  EXPECT_EQ(bench_.ask("AT+QLBS"), lines({"+QLBS: 702"}) + kError);
  bench_.ask("AT+QIACT=1");
  EXPECT_EQ(bench_.ask("AT+QLBS"), answer({"+QLBS: 10002"}));
  bench_.ask("AT+QLBSCFG=\"token\",\"0123456789abcdef\"");
  EXPECT_EQ(bench_.ask("AT+QLBSCFG=\"token\""), answer({"+QLBSCFG: \"token\",\"*\""}));
  bench_.act("location 31.5 117.25");
  EXPECT_EQ(bench_.ask("AT+QLBS"), answer({"+QLBS: 0,117.250000,31.500000,50"}));
  bench_.ask("AT+QLBSCFG=\"latorder\",1");
  EXPECT_EQ(bench_.ask("AT+QLBSCFG=\"LATORDER\""), answer({"+QLBSCFG: \"latOrder\",1"}));
  EXPECT_EQ(bench_.ask("AT+QLBS"), answer({"+QLBS: 0,31.500000,117.250000,50"}));
  bench_.act("lbs 10006");
  EXPECT_EQ(bench_.ask("AT+QLBS"), answer({"+QLBS: 10006"}));
}

TEST_F(ModemTest, TheFirstFixIsFalse) {
  bench_.ask("AT+CMEE=1");
  bench_.act("location -22.5 114.5");
  EXPECT_EQ(bench_.ask("AT+QGPSLOC=2"), "\r\n+CME ERROR: 505\r\n");
  EXPECT_EQ(bench_.ask("AT+QGPS=1"), kOk);
  EXPECT_EQ(bench_.ask("AT+QGPS=1"), "\r\n+CME ERROR: 504\r\n");
  EXPECT_EQ(bench_.ask("AT+QGPSLOC=2"), "\r\n+CME ERROR: 516\r\n");
  bench_.wait(500);
  EXPECT_EQ(bench_.ask("AT+QGPSLOC=2"),
            answer({"+QGPSLOC: 024157.00,-22.50000,114.50000,0.00,0.0,1,,3.464,1.898,301126,00"}));
  EXPECT_EQ(bench_.ask("AT+QGPSLOC=0"),
            answer({"+QGPSLOC: 024158.000,2230.0000S,11430.0000E,1.5,1125.0,2,307.37,0.0,0.0,301126,04"}));
  EXPECT_EQ(bench_.ask("AT+QGPSEND"), kOk);
}

TEST(ModemFirmware, AnUpdateSaysItsProgressRestartsAndChangesTheVersion) {
  Bench bench("ec600u");
  bench.ask("ATE0");
  bench.act("fota step 0.001");
  const std::string said = bench.ask("AT+QFOTADL=\"http://h/p\",1,50", 2000);
  size_t at = 0;
  for (const char* part : {"OK", "HTTPSTART", "\"DOWNLOADING\",100", "\"HTTPEND\",0", "\"START\"", "\"UPDATING\",96",
                           "\"END\",0", "RDY"}) {
    at = said.find(part, at);
    ASSERT_NE(at, std::string::npos) << part << " in " << said;
  }
  bench.ask("ATE0");
  EXPECT_EQ(bench.ask("AT+CGMR"), answer({"EC600UCNLBR03A02M08"}));
  EXPECT_EQ(bench.ask("AT+QFOTADL=\"nonsense\""), kError);
}

TEST(ModemFirmware, AnUpdateThatWaitsForTheHostsRestart) {
  Bench bench;
  bench.act("fota step 0.001");
  EXPECT_THAT(bench.ask("AT+QFOTADL=\"http://h/p\",0", 1000), Not(HasSubstr("RDY")));
  EXPECT_THAT(bench.ask("AT+CFUN=1,1", 2000), HasSubstr("\"END\",0"));
}

TEST(ModemFirmware, FailuresAndCutPower) {
  struct Row {
    const char* action;
    const char* said;
    bool updated;
  };
  for (const Row& row : {Row{"fota http-fail 404", "\"HTTPEND\",404", false},
                         {"fota fail 552", "\"END\",552", false},
                         {"fota cut-download 50", "RDY", false},
                         {"fota cut 46 old", "\"UPDATING\",33", false},
                         {"fota cut 46", "\"END\",0", true},
                         {"fota cut 0", "\"END\",0", true}}) {
    Bench bench;
    bench.act("fota step 0.001");
    bench.act(row.action);
    EXPECT_THAT(bench.ask("AT+QFOTADL=\"http://h/p\"", 3000), HasSubstr(row.said)) << row.action;
    bench.ask("ATE0");
    EXPECT_EQ(bench.ask("AT+CGMR") == answer({"EC600NCNLCR06A02M08"}), row.updated) << row.action;
  }
}

TEST_F(ModemTest, UnsolicitedLinesGoToTheConfiguredPortOnly) {
  bench_.act("urcport usbmodem");
  bench_.act("urc +X");
  EXPECT_EQ(bench_.wait(10), "");
  EXPECT_EQ(bench_.modem().counts().urcs_elsewhere, 1U);
  bench_.ask("AT+QURCCFG=\"urcport\",\"usbat\"");
  EXPECT_EQ(bench_.ask("AT+QURCCFG=\"urcport\""), answer({"+QURCCFG: \"urcport\",\"usbat\""}));
  bench_.act("urc +X");
  EXPECT_EQ(bench_.wait(10), lines({"+X"}));
}

}  // namespace
}  // namespace sim::modem
