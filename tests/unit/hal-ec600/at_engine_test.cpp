// The engine against a line in memory. The names that begin with A1 to A12 are rows of field troubles of modems.
#include "at_engine.hpp"

#include <gmock/gmock.h>

#include "scripted_line.hpp"

namespace hal_ec600::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct AtEngineTest : testing::Test {
  AtEngineTest() { line.make_ready(); }
  ScriptedLine line;
  AtEngine& engine = line.engine;
  Asked asked, other;
};

TEST_F(AtEngineTest, AnExchangeAtATime) {
  EXPECT_NE(engine.submit(asked.of("AT+CSQ", {{"+CSQ: n,n"}})), 0U);
  EXPECT_NE(engine.submit(other.of("AT+CGSN", {{"n"}})), 0U);
  EXPECT_THAT(line.sent, ElementsAre("AT+CSQ\r"));
  engine.received("\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
  EXPECT_TRUE(asked.result.ok());
  EXPECT_EQ(asked.result.line("+CSQ:"), "+CSQ: 20,99");
  EXPECT_THAT(line.sent, ElementsAre("AT+CSQ\r", "AT+CGSN\r"));
  engine.received("\r\n861234567890123\r\n");
  EXPECT_EQ(other.answers, 0);
  engine.received("\r\nOK\r\n");
  EXPECT_THAT(other.result.lines, ElementsAre("861234567890123"));
  EXPECT_TRUE(engine.idle());
  EXPECT_EQ(line.due, -1) << "an idle engine wakes nobody";
}

TEST_F(AtEngineTest, BytesMayComeOneByOne) {
  (void)engine.submit(asked.of("AT+CSQ", {{"+CSQ: n,n"}}));
  for (const char c : std::string("\r\n+CSQ: 20,99\r\n\r\nOK\r\n")) engine.received({&c, 1});
  EXPECT_EQ(asked.result.line("+CSQ:"), "+CSQ: 20,99");
}

TEST_F(AtEngineTest, EchoOnOrOffIsTheSame) {
  (void)engine.submit(asked.of("AT+CSQ", {{"+CSQ: n,n"}}));
  engine.received("AT+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
  EXPECT_THAT(asked.result.lines, ElementsAre("+CSQ: 20,99"));
  EXPECT_EQ(engine.counters().echoes, 1U);
  EXPECT_THAT(line.unknown, ElementsAre());
}

TEST_F(AtEngineTest, FailuresAreInWordsAndWithoutArguments) {
  (void)engine.submit(asked.of("AT+CPIN=\"4711\""));
  engine.received("\r\n+CME ERROR: 16\r\n");
  EXPECT_EQ(asked.result.end, AtEnd::cme);
  EXPECT_EQ(asked.result.code, 16);
  EXPECT_EQ(asked.result.text, "AT+CPIN: incorrect password (16)");
  (void)engine.submit(asked.of("AT+QTEMP"));
  engine.received("\r\nERROR\r\n");
  EXPECT_EQ(asked.result.end, AtEnd::error);
  EXPECT_EQ(asked.result.text, "AT+QTEMP: the modem refused it");
}

TEST_F(AtEngineTest, A1AnUnsolicitedLineOfTheSamePrefixIsNotTheAnswer) {
  std::vector<std::string> urcs;
  engine.on_urc("+CEREG:", [&](std::string_view l, std::string_view) { urcs.emplace_back(l); });
  (void)engine.submit(asked.of("AT+CEREG?", {{"+CEREG: n,n,*"}}));
  engine.received("\r\n+CEREG: 5,\"07D0\",\"009D4564\",7\r\n");
  engine.received("\r\n+CEREG: 2,1,\"07D0\",\"009D4564\",7\r\n\r\nOK\r\n");
  EXPECT_THAT(asked.result.lines, ElementsAre("+CEREG: 2,1,\"07D0\",\"009D4564\",7"));
  EXPECT_THAT(urcs, ElementsAre("+CEREG: 5,\"07D0\",\"009D4564\",7"));
}

TEST_F(AtEngineTest, A1AnUnknownLineIsAnEventAndBlocksNothing) {
  (void)engine.submit(asked.of("AT+CSQ", {{"+CSQ: n,n"}}));
  engine.received("\r\n+QNEW: 1,\"x\"\r\n\r\n\xff\xfe garbage\r\n\r\n+CSQ: 7,99\r\n\r\nOK\r\n");
  EXPECT_EQ(asked.result.line("+CSQ:"), "+CSQ: 7,99");
  EXPECT_THAT(line.unknown, ElementsAre("+QNEW: 1,\"x\"", "\xff\xfe garbage"));
}

TEST_F(AtEngineTest, A2ALateAnswerNeverCompletesAnother) {
  (void)engine.submit(asked.of("AT+QADC=0", {{"+QADC: n,n"}}));
  (void)engine.submit(other.of("AT+QADC=1", {{"+QADC: n,n"}}));
  line.advance(5'000);
  EXPECT_EQ(asked.result.end, AtEnd::timeout);
  EXPECT_EQ(asked.result.text, "AT+QADC: the modem did not answer within 5 s");
  EXPECT_EQ(line.last(), "AT+CMEE?\r") << "nothing else before it is known where the answers are";
  engine.received("\r\n+QADC: 1,632\r\n\r\nOK\r\n");
  EXPECT_EQ(other.answers, 0);
  EXPECT_EQ(line.last(), "AT+CMEE?\r");
  engine.received("\r\n+CMEE: 1\r\n\r\nOK\r\n");
  EXPECT_EQ(line.last(), "AT+QADC=1\r");
  engine.received("\r\n+QADC: 1,100\r\n\r\nOK\r\n");
  EXPECT_THAT(other.result.lines, ElementsAre("+QADC: 1,100"));
  EXPECT_EQ(engine.counters().late, 2U);
}

TEST_F(AtEngineTest, A2ALateSynchronisationIsNotTakenForTheNextOne) {
  (void)engine.submit(asked.of("AT+QADC=0"));
  (void)engine.submit(other.of("AT"));
  line.advance(6'000);  // the first synchronisation timed out as well
  EXPECT_EQ(line.last(), "AT+CMGF?\r");
  engine.received("\r\n+CMEE: 1\r\n\r\nOK\r\n");
  EXPECT_EQ(engine.state(), AtEngine::State::syncing);
  engine.received("\r\n+CMGF: 0\r\n\r\nOK\r\n");
  EXPECT_EQ(line.last(), "AT\r");
}

TEST_F(AtEngineTest, ASilentModemIsSaidAndNothingWaitsForIt) {
  (void)engine.submit(asked.of("AT+CSQ"));
  (void)engine.submit(other.of("AT+CSQ"));
  line.advance(5'000 + 7'000);
  EXPECT_EQ(line.silences, 1);
  EXPECT_EQ(other.result.text, "AT+CSQ: the modem does not answer");
  EXPECT_EQ(engine.submit(asked.of("AT")), 0U);
  EXPECT_EQ(engine.refusal(), "the modem does not answer");
  AtExchange rescue = other.of("AT");
  rescue.rescue = true;
  EXPECT_NE(engine.submit(std::move(rescue)), 0U);
  engine.received("\r\nOK\r\n");
  EXPECT_TRUE(other.result.ok());
  engine.prove();
  engine.received("\r\n+CMEE: 1\r\n\r\nOK\r\n");
  EXPECT_EQ(line.proofs, 2);
  EXPECT_EQ(engine.state(), AtEngine::State::ready);
}

TEST_F(AtEngineTest, A3APromptWithAndWithoutABlankAndALineEnd) {
  for (const char* prompt : {"\r\n> ", "\r\n>", ">\r\n", "\r\n> \r\n", "\r\nCONNECT\r\n"}) {
    AtExchange ask = asked.of("AT+CMGS=2", {{"+CMGS: n"}});
    ask.prompt = AtPrompt{"0011"};
    (void)engine.submit(std::move(ask));
    engine.received(prompt);
    EXPECT_EQ(line.last(), std::string("0011\x1a")) << prompt;
    engine.received("\r\n+CMGS: 4\r\n\r\nOK\r\n");
    EXPECT_EQ(asked.result.line("+CMGS:"), "+CMGS: 4") << prompt;
  }
  EXPECT_EQ(asked.answers, 5);
}

TEST_F(AtEngineTest, A3APromptIsOneOnlyWhenItIsAwaited) {
  (void)engine.submit(asked.of("AT+CSQ", {{"+CSQ: n,n"}}));
  engine.received("\r\n> \r\n+CSQ: 20,99\r\n\r\nOK\r\n");
  EXPECT_THAT(asked.result.lines, ElementsAre("+CSQ: 20,99"));
  EXPECT_EQ(line.sent.size(), 1U);
}

TEST_F(AtEngineTest, A3AMissedPromptSwallowsNoLaterCommand) {
  AtExchange ask = asked.of("AT+CMGS=2");
  ask.prompt = AtPrompt{"0011"};
  (void)engine.submit(std::move(ask));
  line.advance(9'999);
  EXPECT_EQ(asked.answers, 0);
  line.advance(1);
  EXPECT_EQ(asked.result.end, AtEnd::timeout);
  EXPECT_EQ(asked.result.text, "AT+CMGS: the modem did not ask for the text within 10 s, so nothing was sent");
  EXPECT_FALSE(asked.result.handed_over);
  EXPECT_THAT(line.sent, ElementsAre("AT+CMGS=2\r", "\x1b\r", "AT+CMEE?\r"));
}

TEST_F(AtEngineTest, AfterThePromptTheNetworkHasItsTime) {
  AtExchange ask = asked.of("AT+CMGS=2");
  ask.prompt = AtPrompt{"0011"};
  (void)engine.submit(std::move(ask));
  engine.received("\r\n> ");
  line.advance(119'999);
  EXPECT_EQ(asked.answers, 0);
  line.advance(1);
  EXPECT_EQ(asked.result.text, "AT+CMGS: the modem did not answer within 120 s");
  EXPECT_TRUE(asked.result.handed_over);
}

TEST_F(AtEngineTest, AnErrorInsteadOfAPromptEndsIt) {
  AtExchange ask = asked.of("AT+CMGS=2");
  ask.prompt = AtPrompt{"0011"};
  (void)engine.submit(std::move(ask));
  engine.received("\r\n+CMS ERROR: 310\r\n");
  EXPECT_EQ(asked.result.text, "AT+CMGS: SIM not inserted (310)");
  EXPECT_EQ(line.sent.size(), 1U);
}

TEST_F(AtEngineTest, A9AskedAgainWhileTheSimIsBusy) {
  (void)engine.submit(asked.of("AT+CPIN?", {{"+CPIN: *"}}));
  (void)engine.submit(other.of("AT"));
  engine.received("\r\n+CME ERROR: 14\r\n");
  EXPECT_EQ(line.last(), "AT\r") << "the others run on";
  engine.received("\r\nOK\r\n");
  for (int i = 0; i < 10; ++i) {
    line.advance(1'000);
    EXPECT_EQ(line.last(), "AT+CPIN?\r");
    engine.received("\r\n+CME ERROR: SIM busy\r\n");
  }
  EXPECT_EQ(asked.answers, 0);
  line.advance(1'000);
  engine.received("\r\n+CPIN: READY\r\n\r\nOK\r\n");
  EXPECT_TRUE(asked.result.ok());

  (void)engine.submit(asked.of("AT+CPIN?", {{"+CPIN: *"}}));
  for (int i = 0; i <= 30; ++i) {
    engine.received("\r\n+CME ERROR: 14\r\n");
    line.advance(1'000);
  }
  EXPECT_EQ(asked.answers, 2) << "for 30 s";
  EXPECT_EQ(asked.result.text, "AT+CPIN: SIM busy (14)");
}

TEST_F(AtEngineTest, A9ARestartEndsWhatIsUnderWay) {
  (void)engine.submit(asked.of("AT+QADC=0", {{"+QADC: n,n"}}));
  (void)engine.submit(other.of("AT"));
  engine.received("\r\n+QADC: 1");
  engine.received("\r\nRDY\r\n\r\n+CFUN: 1\r\n");
  EXPECT_EQ(asked.result.end, AtEnd::restarted);
  EXPECT_EQ(asked.result.text, "AT+QADC: modem restarted");
  EXPECT_EQ(other.result.end, AtEnd::restarted);
  EXPECT_EQ(line.restarts, 1);
  engine.received("AT+CMEE?\r\r\n+CMEE: 0\r\n\r\nOK\r\n");
  EXPECT_EQ(line.proofs, 2);
}

TEST_F(AtEngineTest, A12CountedDataMayBeAnything) {
  AtExchange ask = asked.of("AT+QIRD=0,1500");
  ask.counted = AtCounted{"+QIRD: n,*"};
  const std::string data = "\nOK\r\nERROR\r\n> +QIURC: \"closed\",0\r\nRDY\r\n";
  ask.counted->form = "+QIRD: n";
  (void)engine.submit(std::move(ask));
  engine.received("\r\n+QIRD: " + std::to_string(data.size()) + "\r\n" + data + "\r\n\r\nOK\r\n");
  EXPECT_TRUE(asked.result.ok());
  EXPECT_EQ(asked.result.data, data);
  EXPECT_EQ(line.restarts, 0);
  EXPECT_THAT(line.unknown, ElementsAre());
}

TEST_F(AtEngineTest, A12MoreDataThanAllowedIsNoData) {
  for (const char* count : {"1501", "99999999999", "-1", "99999999999999999999"}) {
    AtExchange ask = asked.of("AT+QIRD=0,1500");
    ask.counted = AtCounted{"+QIRD: w"};
    (void)engine.submit(std::move(ask));
    engine.received("\r\n+QIRD: " + std::string(count) + "\r\nabc");
    EXPECT_THAT(asked.result.text, HasSubstr("more bytes announced than the 1500 allowed")) << count;
    engine.received("\r\n\r\nOK\r\n\r\n+CMEE: 1\r\n\r\nOK\r\n");
    EXPECT_EQ(engine.state(), AtEngine::State::ready);
  }
}

TEST_F(AtEngineTest, AFollowerBelongsToItsLine) {
  std::vector<std::string> urcs;
  engine.on_urc("+CREG:", [&](std::string_view l, std::string_view) { urcs.emplace_back(l); });
  (void)engine.submit(asked.of("AT+CMGR=3", {{"+CMGR: *", "h"}}));
  engine.received("\r\n+CMGR: 0,,24\r\n\r\n+CREG: 1\r\n07911326040000F0\r\n\r\nOK\r\n");
  EXPECT_THAT(asked.result.lines, ElementsAre("+CMGR: 0,,24", "07911326040000F0"));
  EXPECT_THAT(urcs, ElementsAre("+CREG: 1"));
  std::string got;
  engine.on_urc(
      "+CMT:", [&](std::string_view l, std::string_view f) { got = std::string(l) + "|" + std::string(f); }, true);
  engine.received("\r\n+CMT: ,24\r\nRDY\r\n");
  EXPECT_EQ(got, "+CMT: ,24|RDY");
}

TEST_F(AtEngineTest, DoubledLinesAnswerNothingElse) {
  (void)engine.submit(asked.of("AT+CSQ", {{"+CSQ: n,n"}}));
  (void)engine.submit(other.of("AT+CMEE=1"));
  engine.received("\r\n+CSQ: 20,99\r\n\r\n+CSQ: 20,99\r\n\r\nOK\r\n\r\nOK\r\n");
  EXPECT_EQ(asked.answers, 1);
  EXPECT_EQ(other.answers, 0);
  EXPECT_EQ(engine.counters().strays, 1U);
}

TEST_F(AtEngineTest, AnOkWithoutTheLinesIsNotTheAnswer) {
  (void)engine.submit(asked.of("AT+CSQ", {{"+CSQ: n,n"}}));
  engine.received("\r\nOK\r\n");
  EXPECT_EQ(asked.answers, 0);
  (void)engine.submit(other.of("AT+CNUM", {{"+CNUM: *", "", true}}));
  engine.received("\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
  engine.received("\r\nOK\r\n");
  EXPECT_TRUE(other.result.ok());
}

TEST_F(AtEngineTest, ALineWithoutAnEndIsBounded) {
  (void)engine.submit(asked.of("AT+CSQ", {{"+CSQ: n,n"}}));
  engine.received(std::string(64 * 1024, 'x'));
  EXPECT_EQ(engine.lost_bytes(), 64U * 1024 - AtReader::kLongestLine);
  engine.received("\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
  EXPECT_EQ(asked.result.line("+CSQ:"), "+CSQ: 20,99");
}

TEST_F(AtEngineTest, AnAnswerWithoutAnEndIsBounded) {
  (void)engine.submit(asked.of("AT+CMGL=4", {{"+CMGL: *"}}));
  for (int i = 0; i < 2'000; ++i) engine.received("\r\n+CMGL: 1\r\n");
  engine.received("\r\nOK\r\n");
  EXPECT_EQ(asked.result.lines.size(), AtEngine::kMostLines);
  EXPECT_TRUE(asked.result.cut);
}

TEST_F(AtEngineTest, TheQueueIsBounded) {
  for (size_t i = 0; i <= AtEngine::kMostWaiting; ++i) EXPECT_NE(engine.submit(asked.of("AT")), 0U);
  EXPECT_EQ(engine.submit(other.of("AT")), 0U);
  EXPECT_EQ(engine.refusal(), "the modem is busy: 64 commands wait");
  engine.lost("unplugged");
  EXPECT_EQ(asked.answers, 65);
  EXPECT_EQ(asked.result.end, AtEnd::gone);
  EXPECT_EQ(asked.result.text, "AT: unplugged");
  EXPECT_EQ(engine.refusal(), "the modem is not there");
}

TEST_F(AtEngineTest, ATransactionIsNotInterrupted) {
  AtExchange first = asked.of("AT+ONE");
  first.done = [&](const AtResult&) { (void)engine.submit(asked.of("AT+TWO"), AtPlace::next); };
  (void)engine.submit(std::move(first));
  (void)engine.submit(other.of("AT+OTHER"));
  engine.received("\r\nOK\r\n");
  EXPECT_EQ(line.last(), "AT+TWO\r");
  engine.received("\r\nOK\r\n");
  EXPECT_EQ(line.last(), "AT+OTHER\r");
}

TEST_F(AtEngineTest, ACommandCannotCarryAnother) {
  EXPECT_EQ(engine.submit(asked.of("AT\r\nAT&F")), 0U);
  EXPECT_EQ(engine.submit(asked.of("")), 0U);
  EXPECT_EQ(engine.submit(asked.of(std::string(1'025, 'A'))), 0U);
}

TEST_F(AtEngineTest, ACancelledOneIsNotAnswered) {
  const uint64_t first = engine.submit(asked.of("AT+ONE")), second = engine.submit(asked.of("AT+TWO"));
  engine.cancel(first);
  engine.cancel(second);
  engine.received("\r\nOK\r\n");
  EXPECT_EQ(asked.answers, 0);
  EXPECT_THAT(line.sent, ElementsAre("AT+ONE\r"));
}

TEST_F(AtEngineTest, FinalLinesOfItsOwn) {
  AtExchange ask = asked.of("AT+QISEND=0,4");
  ask.prompt = AtPrompt{"abcd", false};
  ask.ends = {{"SEND OK", AtEnd::ok}, {"SEND FAIL", AtEnd::error}};
  (void)engine.submit(std::move(ask));
  engine.received("\r\n> ");
  EXPECT_EQ(line.last(), "abcd");
  engine.received("\r\nSEND FAIL\r\n");
  EXPECT_EQ(asked.result.end, AtEnd::error);
  EXPECT_EQ(asked.result.final, "SEND FAIL");
}

}  // namespace
}  // namespace hal_ec600::test
