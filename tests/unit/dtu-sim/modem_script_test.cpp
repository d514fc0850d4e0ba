// Scripts: how they are read, and what they do to the line.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "modem_bench.hpp"

namespace sim::modem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(std::string_view script) {
  try {
    static_cast<void>(parse_script(script));
  } catch (const ScriptError& e) {
    return e.what();
  }
  return "no error";
}

class ModemScript : public testing::Test {
 protected:
  void SetUp() override { bench_.ask("ATE0"); }
  Bench bench_;
};

TEST(ModemWords, QuotesEscapesAndComments) {
  EXPECT_THAT(split_words(R"(answer AT+QENG="servingcell" "a \"b\"\r\n\x41" # not this)"),
              ElementsAre("answer", "AT+QENG=\"servingcell\"", "a \"b\"\r\nA"));
  EXPECT_THAT(split_words("  # only this"), ElementsAre());
  EXPECT_THAT(split_words("urc \"\"\r"), ElementsAre("urc", ""));
}

TEST(ModemWords, AnErrorNamesLineWordAndWhatIsAllowed) {
  EXPECT_THAT(error_of("csq 5\n\ncsq 100\n"),
              AllOf(StartsWith("line 3: "), HasSubstr("\"100\""), HasSubstr("0 to 99")));
  EXPECT_THAT(error_of("at 1 cqs 5"), AllOf(HasSubstr("\"cqs\""), HasSubstr("at, every"), HasSubstr(", csq, ")));
  EXPECT_THAT(error_of("sim lost"), AllOf(HasSubstr("\"lost\""), HasSubstr("ready, pin, puk")));
  EXPECT_THAT(error_of("csq"), HasSubstr("the line ends here"));
  EXPECT_THAT(error_of("csq 5 6"), HasSubstr("\"6\": nothing may follow"));
  EXPECT_THAT(error_of("at soon csq 5"), HasSubstr("\"soon\": a time"));
  EXPECT_THAT(error_of("on CSQ reboot"), HasSubstr("\"CSQ\": a command such as AT+CSQ"));
  EXPECT_THAT(error_of("urc \"open"), HasSubstr("no second one"));
  EXPECT_THAT(error_of("urc \"\\q\""), HasSubstr("inside quotes"));
  EXPECT_THAT(error_of("sms from abc text"), HasSubstr("digits"));
  EXPECT_THAT(error_of("sms pdu 123"), HasSubstr("hexadecimal"));
  EXPECT_EQ(error_of("sms from +8613800000000 \"\""), "no error");
}

// Every script of the manual can be read.
TEST(ModemWords, TheManualsScriptsAreRight) {
  std::ifstream manual(DTU_SIM_README);
  std::string script;
  int scripts = 0;
  bool inside = false;
  for (std::string line; std::getline(manual, line);) {
    if (line == "```" && inside) {
      EXPECT_EQ(error_of(script), "no error");
      ++scripts;
    }
    if (line.rfind("```", 0) == 0) {
      inside = line == "```modem";
      script.clear();
    } else {
      script += line + "\n";
    }
  }
  EXPECT_EQ(scripts, 2);
}

TEST(ModemWords, TheHelpHasEveryActionOnALine) {
  const std::string help = script_help();
  for (const auto* table : {&module_actions(), &line_actions()})
    for (const Action& each : *table) EXPECT_THAT(help, HasSubstr("\n  " + std::string(each.name)));
}

TEST_F(ModemScript, ConditionsOfTimeAndOfCommands) {
  bench_.play(
      "csq 9\n"
      "at 0.25 urc +A\n"
      "every 0.5 urc +B\n"
      "on AT+CSQ urc +C\n"
      "after 2 AT+C* urc +D\n");
  EXPECT_EQ(bench_.ask("AT+CSQ"), lines({"+C"}) + answer({"+CSQ: 9,99"}));
  EXPECT_EQ(bench_.ask("AT+CEREG?"), answer({"+CEREG: 0,1"}) + lines({"+D"}));
  EXPECT_EQ(bench_.ask("AT+CEREG?"), answer({"+CEREG: 0,1"}) + lines({"+A"}));
  EXPECT_EQ(bench_.wait(1000), lines({"+B"}) + lines({"+B"}));
}

TEST(ModemWords, ACommandIsFoundInALineOfSeveral) {
  struct Row {
    const char* pattern;
    const char* line;
    bool about;
  };
  for (const Row& row : {Row{"AT+CSQ", "AT+CSQ", true}, Row{"at+csq", "AT+CSQ;+CREG?", true},
                         Row{"AT+CREG?", "AT+CSQ;+CREG?", true}, Row{"AT+CREG?", "AT+CSQ;+CREG?;+COPS?", true},
                         Row{"AT+COPS*", "AT+CSQ;+CREG?;+COPS?", true}, Row{"AT+CREG", "AT+CSQ;+CREG?", false},
                         Row{"AT+X", "AT+QENG=\"a;+X\"", false}, Row{"*", "anything", true}, Row{"AT+CSQ", "", false}})
    EXPECT_EQ(command_matches(row.pattern, row.line), row.about) << row.pattern << " in " << row.line;
}

TEST_F(ModemScript, WhatIsSetAtTheStartIsNotAnnounced) {
  bench_.play("sim removed\nreg 2\nurc +X\n");
  EXPECT_EQ(bench_.wait(100), lines({"+X"}));
}

TEST_F(ModemScript, AnswersAreReplacedDelayedOrLeftOut) {
  bench_.act(R"(answer AT+CSQ "\r\n+CREG: 1\r\n" 1)");
  EXPECT_EQ(bench_.ask("AT+CSQ"), lines({"+CREG: 1"}));
  EXPECT_EQ(bench_.ask("AT+CSQ"), answer({"+CSQ: 20,99"}));
  bench_.act("delay AT+CSQ 300");
  EXPECT_EQ(bench_.ask("AT+CSQ", 250), "");
  EXPECT_EQ(bench_.ask("AT", 10), "");  // waits for its turn
  EXPECT_EQ(bench_.wait(100), answer({"+CSQ: 20,99"}) + kOk);
  bench_.act("hang AT+CSQ");
  EXPECT_EQ(bench_.ask("AT+CSQ"), "");
  EXPECT_EQ(bench_.ask("AT"), kOk);
  bench_.act("answer AT+CSQ normal");
  EXPECT_EQ(bench_.ask("AT+CSQ"), answer({"+CSQ: 20,99"}));
}

TEST_F(ModemScript, AnAnswerInALineOfSeveralCommandsIsOfItsCommandOnly) {
  bench_.act(R"(answer AT+CREG? "\r\n+CREG: 5\r\n\r\n+CREG: 0,3\r\n\r\nOK\r\n" 1)");
  bench_.act(R"(answer AT+CGREG? "\r\nOK\r\n" 1)");
  const std::string usual = answer({"+CSQ: 20,99", "+CREG: 0,1", "+CGREG: 0,1"});
  const std::string scripted = lines({"+CSQ: 20,99", "+CREG: 5\r\n", "+CREG: 0,3", "+CSQ: 20,99"}) + kOk;
  EXPECT_EQ(bench_.ask("AT+CSQ;+CREG?;+CGREG?;+CSQ"), scripted);
  EXPECT_EQ(bench_.ask("AT+CSQ;+CREG?;+CGREG?"), usual);
  // An error, or bytes without a result, are the answer of the whole line.
  bench_.act(R"(answer AT+CREG? "\r\n+CME ERROR: 14\r\n" 1)");
  EXPECT_EQ(bench_.ask("AT+CSQ;+CREG?;+CGREG?"), lines({"+CME ERROR: 14"}));
  bench_.act(R"(answer AT+CREG? "" 1)");
  EXPECT_EQ(bench_.ask("AT+CSQ;+CREG?;+CGREG?"), "");
  EXPECT_EQ(bench_.ask("AT+CSQ;+CREG?;+CGREG?"), usual);
}

TEST_F(ModemScript, AnotherPromptAndDataThatNobodyAnnounces) {
  bench_.act("prompt >");
  EXPECT_EQ(bench_.ask("AT+CMGS=3"), ">");
  EXPECT_EQ(bench_.send("00110203\x1a"), answer({"+CMGS: 1"}));
  bench_.act("prompt normal");
  bench_.ask("AT+QIACT=1");
  bench_.ask("AT+QIOPEN=1,0,\"TCP\",\"192.0.2.1\",80,0,0");
  EXPECT_EQ(bench_.ask("AT+QISEND=0,1"), "\r\n> ");
  bench_.send("\x1b");
  bench_.ask("AT+QIRD=0");
  bench_.act("socket 0 silent late");
  EXPECT_EQ(bench_.wait(10), "");
  EXPECT_EQ(bench_.ask("AT+QIRD=0"), answer({"+QIRD: 4", "late"}));
  bench_.act("socket 0 data x");
  EXPECT_EQ(bench_.wait(10), lines({"+QIURC: \"recv\",0"}));
}

TEST_F(ModemScript, AHungModuleAnswersNothingUntilItIsOver) {
  bench_.act("hang");
  EXPECT_EQ(bench_.ask("AT", 5000), "");
  bench_.act("hang off");
  EXPECT_EQ(bench_.ask("AT"), kOk);
  bench_.act("hang 0.2");
  EXPECT_EQ(bench_.ask("AT"), "");
  bench_.wait(200);
  EXPECT_EQ(bench_.ask("AT"), kOk);
  bench_.act("hang");
  bench_.act("reboot");
  EXPECT_THAT(bench_.wait(600), StartsWith(lines({"RDY"})));
  bench_.play("on AT+CSQ hang\n");
  bench_.ask("ATE0");
  EXPECT_EQ(bench_.ask("AT+CSQ"), "");
  bench_.act("hang off");
  EXPECT_EQ(bench_.ask("AT"), kOk);
}

TEST_F(ModemScript, ARestartInACommandAnswersItNever) {
  bench_.play("on AT+COPS? reboot usb\n");
  EXPECT_EQ(bench_.ask("AT+COPS?", 400), "");
  EXPECT_EQ(bench_.bus, "gone back  ");
  EXPECT_THAT(bench_.wait(500), StartsWith(lines({"RDY"})));
  bench_.act("delay AT+CSQ 200");
  bench_.ask("ATE0");
  bench_.ask("AT+CSQ", 100);
  bench_.act("reboot");
  EXPECT_THAT(bench_.wait(700), testing::Not(HasSubstr("+CSQ")));
}

TEST_F(ModemScript, AStormIsCompleteNumberedAndKeepsItsRate) {
  bench_.act("storm 10000 \"+QIND: \\\"x\\\",{n}\"");
  const std::string all = bench_.wait(500);
  EXPECT_EQ(std::count(all.begin(), all.end(), '+'), 10000);
  EXPECT_THAT(all, testing::EndsWith("+QIND: \"x\",10000\r\n"));
  bench_.act("storm 100 +Y 50");
  const std::string part = bench_.wait(1000);
  EXPECT_NEAR(static_cast<double>(std::count(part.begin(), part.end(), '+')), 50, 2);
}

TEST_F(ModemScript, BytesAreLostDoubledAddedAndSplit) {
  bench_.act("lose 4");
  EXPECT_EQ(bench_.ask("AT"), "\r\n");
  bench_.act("double 1");
  EXPECT_EQ(bench_.ask("AT+CSQ"), "\r\n+CSQ: 20,99\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
  bench_.act("garbage 5");
  EXPECT_EQ(bench_.wait(1).size(), 5U);
  bench_.act("flood 65536");
  EXPECT_EQ(bench_.wait(1), std::string(65536, 'x'));
  bench_.act("split 2 10");
  EXPECT_EQ(bench_.ask("AT", 15), "\r\nOK");
  EXPECT_EQ(bench_.wait(50), "\r\n");
}

TEST_F(ModemScript, AnotherRateIsGarbageUntilTheLineHasIt) {
  bench_.modem().set_line_rate(115200);
  bench_.act("baud 9600");
  const std::string noise = bench_.ask("AT");
  EXPECT_EQ(noise.size(), 3U);
  EXPECT_EQ(noise.find("OK"), std::string::npos);
  bench_.modem().set_line_rate(9600);
  EXPECT_EQ(bench_.ask("AT"), kOk);
  EXPECT_EQ(bench_.ask("AT+IPR=115200"), kOk);
  bench_.modem().set_line_rate(115200);
  EXPECT_EQ(bench_.ask("AT+IPR?"), answer({"+IPR: 115200"}));
}

TEST_F(ModemScript, TheDeviceGoesAndComesBackUnderAnotherName) {
  bench_.play("at 0.1 unplug\nat 0.2 plug /tmp/other\nat 0.3 end\n");
  bench_.wait(250);
  EXPECT_EQ(bench_.bus, "gone back /tmp/other ");
  bench_.act("unplug 0.1 /tmp/third");
  bench_.wait(90);
  EXPECT_EQ(bench_.bus, "gone back /tmp/other gone ");
  bench_.wait(20);
  EXPECT_EQ(bench_.bus, "gone back /tmp/other gone back /tmp/third ");
}

TEST_F(ModemScript, TheSignalDriftsWithinItsLimits) {
  bench_.act("drift csq 10 12 0.01");
  for (int i = 0; i < 20; ++i) {
    bench_.wait(10);
    EXPECT_THAT(bench_.modem().state().radio.csq, testing::AllOf(testing::Ge(10), testing::Le(12)));
  }
  bench_.act("drift csq off");
  bench_.act("csq 31");
  bench_.wait(100);
  EXPECT_EQ(bench_.modem().state().radio.csq, 31);
}

}  // namespace
}  // namespace sim::modem
