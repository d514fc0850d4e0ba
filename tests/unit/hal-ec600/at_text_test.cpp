#include "at_text.hpp"

#include <gmock/gmock.h>

namespace hal_ec600 {
namespace {

using testing::ElementsAre;

std::vector<std::string> texts(std::string_view line) {
  std::vector<std::string> out;
  for (const AtField& f : at_fields(line)) out.emplace_back(f.text);
  return out;
}

TEST(AtText, FieldsAreWithoutQuotesAndMayBeEmpty) {
  EXPECT_THAT(texts("+CEREG: 2,1,\"07D0\",7"), ElementsAre("2", "1", "07D0", "7"));
  EXPECT_THAT(texts("+CNUM: \"\",\"+861,38\",145"), ElementsAre("", "+861,38", "145"));
  EXPECT_THAT(texts("+CMT: \"1\",,"), ElementsAre("1", "", ""));
  EXPECT_THAT(texts("+QADC: (0,1)"), ElementsAre("(0,1)"));
  EXPECT_THAT(texts("RDY"), ElementsAre());
  EXPECT_THAT(texts("+X: \"never closed, so one"), ElementsAre("\"never closed, so one"));
  EXPECT_EQ(texts("+X: " + std::string(1000, ',')).size(), 64U);
}

TEST(AtText, AFormTellsAnAnswerFromALineThatComesByItself) {
  EXPECT_TRUE(at_has_form("+CEREG: 2,1,\"07D0\",\"009D4564\",7", "+CEREG: n,n,*"));
  EXPECT_TRUE(at_has_form("+CEREG: 0,1", "+CEREG: n,n,*"));
  EXPECT_FALSE(at_has_form("+CEREG: 5,\"07D0\",\"009D4564\",7", "+CEREG: n,n,*"));
  EXPECT_FALSE(at_has_form("+CEREG: 2", "+CEREG: n,n,*"));
  EXPECT_TRUE(at_has_form("+CEREG: 2", "+CEREG: n"));
  EXPECT_FALSE(at_has_form("+CEREG: 2,1", "+CEREG: n"));
  EXPECT_FALSE(at_has_form("+CGREG: 0,1", "+CEREG: n,n,*"));
  EXPECT_TRUE(at_has_form("861234567890123", "n"));
  EXPECT_FALSE(at_has_form("86123456789012F", "n"));
  EXPECT_TRUE(at_has_form("07911326040000F0", "h"));
  EXPECT_FALSE(at_has_form("+CSQ: 1,2", "~"));
  EXPECT_TRUE(at_has_form("+QCSQ: \"NOSERVICE\"", "+QCSQ: t,*"));
  EXPECT_TRUE(at_has_form("+CBC: 0,-,3890", "+CBC: w,w,w"));
}

TEST(AtText, NumbersAreWholeOrNothing) {
  EXPECT_EQ(at_number("-113"), -113);
  for (const char* none : {"", "-", "1x", "0x1", "99999999999999999999", "1.5"})
    EXPECT_EQ(at_number(none), std::nullopt) << none;
  EXPECT_EQ(at_hex("6C4E907"), 0x6C4E907);
  EXPECT_EQ(at_hex("-1"), std::nullopt);
}

TEST(AtText, ErrorsAreSaidInWords) {
  EXPECT_EQ(at_error("+CME ERROR: 14").words, "SIM busy");
  EXPECT_EQ(at_error("+CME ERROR: SIM busy").code, 14);
  EXPECT_EQ(at_error("+CMS ERROR: 321").words, "invalid memory index");
  EXPECT_EQ(at_error("+CME ERROR: 9999").words, "error 9999");
  EXPECT_EQ(at_error("+CME ERROR: DSAT_CME_GNSS_NOT_FIXED_NOW").words, "DSAT_CME_GNSS_NOT_FIXED_NOW");
  EXPECT_EQ(at_error("+CME ERROR:").code, -1);
}

TEST(AtText, ACommandHasTheTimeOutOfTheVendor) {
  EXPECT_EQ(at_timeout_ms("AT+CSQ"), 5'000U);
  EXPECT_EQ(at_timeout_ms("AT+QIACT=1"), 150'000U);
  EXPECT_EQ(at_timeout_ms("AT+QIACT?"), 5'000U);
  EXPECT_EQ(at_timeout_ms("AT+CSQ;+COPS?;+CEREG?"), 10'000U);
  EXPECT_EQ(at_timeout_ms("AT+QLBSCFG=\"a;+COPS=?\""), 5'000U);
}

}  // namespace
}  // namespace hal_ec600
