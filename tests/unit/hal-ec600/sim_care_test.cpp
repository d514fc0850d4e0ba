// The PIN of the SIM (field-troubles A8).
#include <gmock/gmock.h>

#include "fixture.hpp"

namespace hal_ec600::test {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kWithPin = R"({"at_device": "/dev/ttyUSB2", "pin": "4711"})";
void wants_pin(ScriptedModem& m) {
  m.answers["+CPIN?"] = {"+CPIN: SIM PIN"};
  m.answers["+QPINC=?"] = {};
  m.answers["+QPINC=\"SC\""] = {"+QPINC: \"SC\",3,10"};
}

TEST_F(HalTest, A8ThePinIsEnteredAfterTwoReadingsOncePerSim) {
  use_ready(kWithPin, wants_pin);
  EXPECT_EQ(modem().count_part("+CPIN=\""), 0U) << "one reading is no reading";
  modem().answers["+CPIN=\"4711\""] = {"+CME ERROR: 16"};
  pass(seconds(3));
  EXPECT_EQ(modem().count("AT+CPIN=\"4711\""), 1U);
  EXPECT_THAT(hal_->health(), HasSubstr("the PIN of the SIM was not taken"));
  EXPECT_THAT(hal_->health(), Not(HasSubstr("4711")));
  pass(seconds(300));
  modem().say("\r\nRDY\r\n");
  pass(seconds(300));
  EXPECT_EQ(modem().count("AT+CPIN=\"4711\""), 1U);
  use_ready(kWithPin, wants_pin);  // dtud started anew
  pass(seconds(10));
  EXPECT_EQ(modem().count_part("+CPIN=\""), 0U);
  EXPECT_THAT(hal_->health(), HasSubstr("was tried on this SIM before"));
  use_ready(R"({"at_device": "/dev/ttyUSB2", "pin": "0815"})", wants_pin);  // another pair
  modem().answers["+CPIN=\"0815\""] = {};
  pass(seconds(3));
  EXPECT_EQ(modem().count("AT+CPIN=\"0815\""), 1U);
}

TEST_F(HalTest, A8AfterThePinTheNetworkIsLookedAtSoon) {
  use_ready(kWithPin, [](ScriptedModem& m) {
    wants_pin(m);
    m.answers["+COPS?"] = {"+COPS: 0"};
    m.answers["+CREG?"] = m.answers["+CEREG?"] = {"+CREG: 2,0", "+CEREG: 2,0"};
    m.answers["+CPIN=\"4711\""] = {};
  });
  pass(seconds(2));
  ASSERT_EQ(modem().count("AT+CPIN=\"4711\""), 1U);
  modem().answers["+CPIN?"] = {"+CPIN: READY"};
  modem().answers["+COPS?"] = {"+COPS: 0,0,\"CHINA MOBILE\",7"};
  pass(seconds(2));
  EXPECT_EQ(read("sim.state"), "\"ready\"");
  EXPECT_EQ(read("radio.operator"), "\"CHINA MOBILE\"");
}

TEST_F(HalTest, A8APinThatWasTakenIsEnteredAgainAfterAPowerCut) {
  for (int start = 0; start < 2; ++start) {
    use_ready(kWithPin, wants_pin);
    modem().answers["+CPIN=\"4711\""] = {};
    pass(seconds(3));
    EXPECT_EQ(modem().count("AT+CPIN=\"4711\""), 1U);
  }
}

TEST_F(HalTest, A8WithoutAPinNoneIsEntered) {
  use_ready(R"({"at_device": "/dev/ttyUSB2"})", wants_pin);
  pass(seconds(60));
  EXPECT_EQ(modem().count_part("+CPIN=\""), 0U);
  EXPECT_THAT(hal_->health(), HasSubstr("the SIM wants its PIN: set"));
}

TEST_F(HalTest, A8AFalseWishOfASimThatStartsIsNotObeyed) {
  use_ready(kWithPin, wants_pin);
  modem().answers["+CPIN?"] = {"+CPIN: READY"};
  pass(seconds(10));
  EXPECT_EQ(modem().count_part("+CPIN=\""), 0U);
  EXPECT_EQ(read("sim.state"), "\"ready\"");
}

TEST_F(HalTest, A8NeverWithFewAttemptsLeftAndNeverAtPuk) {
  use_ready(kWithPin, [](ScriptedModem& m) {
    wants_pin(m);
    m.answers["+QPINC=\"SC\""] = {"+QPINC: \"SC\",1,10"};
  });
  pass(seconds(120));
  EXPECT_EQ(modem().count_part("+CPIN=\""), 0U);
  EXPECT_THAT(hal_->health(), HasSubstr("has 1 attempts at its PIN left"));
  for (const char* state : {"SIM PUK", "SIM PIN2", "SIM PUK2"}) {
    use_ready(kWithPin, [state](ScriptedModem& m) {
      wants_pin(m);
      m.answers["+CPIN?"] = {std::string("+CPIN: ") + state};
    });
    pass(seconds(120));
    EXPECT_EQ(modem().count_part("+CPIN=\""), 0U) << state;
  }
}

TEST_F(HalTest, A8APinThatWasCutOffIsEnteredOnceMoreWhenNoAttemptIsUsed) {
  for (const size_t entered : {1U, 1U, 0U}) {
    use_ready(kWithPin, [](ScriptedModem& m) {
      wants_pin(m);
      m.mute = "AT+CPIN=";
    });
    pass(seconds(3));
    EXPECT_EQ(modem().count_part("+CPIN=\""), entered);
  }
  EXPECT_THAT(hal_->health(), HasSubstr("nobody knows whether it was taken"));
}

TEST_F(HalTest, A8APinThatWasCutOffAndUsedAnAttemptIsNotEnteredAgain) {
  for (const char* left : {"3", "2"}) {
    use_ready(kWithPin, [&](ScriptedModem& m) {
      wants_pin(m);
      m.answers["+QPINC=\"SC\""] = {std::string("+QPINC: \"SC\",") + left + ",10"};
      m.mute = "AT+CPIN=";
    });
    pass(seconds(3));
    EXPECT_EQ(modem().count_part("+CPIN=\""), *left == '3' ? 1U : 0U);
  }
}

TEST_F(HalTest, A8ASimThatIsBusyHasNotRefusedThePin) {
  use_ready(kWithPin, [](ScriptedModem& m) {
    wants_pin(m);
    m.answers["+CPIN=\"4711\""] = {"+CME ERROR: 14"};
  });
  pass(seconds(5));
  EXPECT_GE(modem().count_part("+CPIN=\""), 1U);
  modem().answers["+CPIN=\"4711\""] = {};
  const size_t before = modem().count_part("+CPIN=\"");
  pass(seconds(3));
  EXPECT_EQ(modem().count_part("+CPIN=\""), before + 1);
}

TEST_F(HalTest, A8APinThatIsTakenAndChangesNothingIsSaidAndNotEnteredAgain) {
  for (const size_t entered : {1U, 0U}) {
    use_ready(kWithPin, [](ScriptedModem& m) {
      wants_pin(m);
      m.answers["+CPIN=\"4711\""] = {};
    });
    pass(seconds(20));
    EXPECT_EQ(modem().count_part("+CPIN=\""), entered);
    EXPECT_THAT(hal_->health(), HasSubstr(entered == 1 ? "the SIM wants it still" : "and was not taken"));
  }
}

TEST_F(HalTest, A8OfTheLinesOfTheCounterThatOfThePinCounts) {
  for (const std::vector<std::string>& lines : {std::vector<std::string>{"+QPINC: \"SC\",1,10", "+QPINC: \"P2\",3,10"},
                                                std::vector<std::string>{"+QPINC: \"P2\",3,10", "+QPINC: SC, 1, 10"}}) {
    use_ready(kWithPin, [&lines](ScriptedModem& m) {
      wants_pin(m);
      m.answers["+QPINC=\"SC\""] = lines;
    });
    pass(seconds(10));
    EXPECT_EQ(modem().count_part("+CPIN=\""), 0U) << lines.front();
    EXPECT_THAT(hal_->health(), HasSubstr("has 1 attempts at its PIN left")) << lines.front();
  }
}

TEST_F(HalTest, A8WithACounterThatCannotBeReadNoPinIsEntered) {
  for (const std::vector<std::string>& lines :
       {std::vector<std::string>{}, std::vector<std::string>{"+QPINC: \"SC\""}, std::vector<std::string>{"ERROR"},
        std::vector<std::string>{"+QPINC: \"SC\",99,10"}, std::vector<std::string>{"+QPINC: \"SC\",-1,1"},
        std::vector<std::string>{"+QPINC: \"P2\",3,10"}, std::vector<std::string>{"+CME ERROR: 13"}}) {
    use_ready(kWithPin, [&lines](ScriptedModem& m) {
      wants_pin(m);
      m.answers["+QPINC=\"SC\""] = lines;
    });
    pass(seconds(10));
    EXPECT_EQ(modem().count_part("+CPIN=\""), 0U);
    EXPECT_THAT(hal_->health(), HasSubstr("does not say how many attempts are left"));
  }
}

TEST_F(HalTest, A8TheStandardCounterIsAskedWhereTheOwnOneIsLacking) {
  struct Case {
    std::vector<std::string> own, standard;
    size_t entered;
  };
  for (const Case& c : {Case{{"ERROR"}, {"+CPINR: SIM PIN,1,3"}, 0}, Case{{"ERROR"}, {"+CPINR: SIM PIN,3,3"}, 1},
                        Case{{"ERROR"}, {"ERROR"}, 1}, Case{{"ERROR"}, {"+CPINR: ?"}, 0},
                        Case{{"+CME ERROR: 11"}, {"+CPINR: SIM PIN,1,3"}, 0}}) {
    use_ready(kWithPin, [&c](ScriptedModem& m) {
      wants_pin(m);
      m.answers["+QPINC=?"] = c.own;  // with +CME 11 it is not known
      m.answers["+QPINC=\"SC\""] = {"ERROR"};
      m.answers["+CPINR=\"SIM PIN\""] = c.standard;
      m.answers["+CPIN=\"4711\""] = {};
    });
    pass(seconds(10));
    EXPECT_EQ(modem().count_part("+CPIN=\""), c.entered) << c.own[0] << " " << c.standard[0];
    modem().say("\r\n+CPIN: READY\r\n");  // the record of a PIN that was taken is closed
    settle();
  }
}

}  // namespace
}  // namespace hal_ec600::test
