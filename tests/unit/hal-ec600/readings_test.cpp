// What lines of the modem say, and what they do not (field-troubles A13).
#include "readings.hpp"

#include <gmock/gmock.h>

namespace hal_ec600::readings {
namespace {

TEST(Readings, A13UnknownIsAbsentAndNeverANumber) {
  for (const char* line : {"+CSQ: 99,99", "+CSQ: 255,99", "+CSQ: -,99", "+CSQ: ,99", "+CSQ:", ""})
    EXPECT_EQ(csq(line), "") << line;
  for (const char* line : {"+QCSQ: \"NOSERVICE\"", "+QCSQ: \"LTE\",-,-,-,-", "+QCSQ: \"LTE\",255,255,255,255"}) {
    const Signal s = signal(line);
    EXPECT_EQ(s.rsrp + s.rsrq + s.sinr, "") << line;
  }
  EXPECT_EQ(battery_mv("+CBC: 0,0,0"), "");
  EXPECT_EQ(battery_percent("+CBC: 0,100,0"), "");
  EXPECT_EQ(adc_volt("+QADC: 0,0"), "");
  EXPECT_EQ(temperature({"+QTEMP: 255,255,255"}), "");
  EXPECT_EQ(registration("+CEREG: 2,99"), "");
  EXPECT_EQ(operator_name("+COPS: 0"), "");
  EXPECT_EQ(iccid("+QCCID: FFFFFFFFFFFFFFFFFFFF"), "");
  EXPECT_EQ(number("+CNUM: \"\",\"\",145"), "");
  EXPECT_EQ(cells({"+QENG: \"servingcell\",\"SEARCH\""}), "");
  EXPECT_FALSE(locator("+QLBS: 702"));
  EXPECT_FALSE(locator("+QLBS: 0,117.200134,31.847649")) << "longitude first is no latitude";
}

TEST(Readings, KnownValues) {
  EXPECT_EQ(csq("+CSQ: 0,99"), "0");
  EXPECT_EQ(csq("+CSQ: 31,99"), "31");
  EXPECT_EQ(digits("861234567890123"), "\"861234567890123\"");
  EXPECT_EQ(iccid("+QCCID: 8986012345678901234F"), "\"8986012345678901234\"");
  EXPECT_EQ(number("+CNUM: \"\",\"+8613800000000\",145"), "\"+8613800000000\"");
  EXPECT_EQ(registration("+CEREG: 0,5"), "5");
  EXPECT_EQ(registration_told("+CEREG: 5,\"07D0\",\"009D4564\",7"), "5");
  EXPECT_EQ(operator_name("+COPS: 0,0,\"CHINA MOBILE\",7"), "\"CHINA MOBILE\"");
  EXPECT_EQ(technology("+COPS: 0,0,\"CHINA MOBILE\",7"), "\"LTE\"");
  EXPECT_EQ(battery_mv("+CBC: 0,75,3890"), "3890");
  EXPECT_EQ(adc_volt("+QADC: 1,632"), "0.632");
  EXPECT_EQ(adc_volt("+QADC: 1,1000"), "1");
  const Signal s = signal("+QCSQ: \"LTE\",52,-88,55,-9");
  EXPECT_EQ(s.rsrp, "-88");
  EXPECT_EQ(s.sinr, "-9");
  EXPECT_EQ(s.rsrq, "-9");
}

TEST(Readings, TheHighestPlausibleTemperatureOfAllForms) {
  EXPECT_EQ(temperature({"+QTEMP: 31,31,30"}), "31");
  EXPECT_EQ(temperature({"+QTEMP: 0,38"}), "38");
  EXPECT_EQ(temperature({"+QTEMP: 32,0,255"}), "32");
  EXPECT_EQ(temperature({"+QTEMP: \"soc\",\"41\"", "+QTEMP: \"pa\",-273", "+QTEMP: \"xo\",39"}), "41");
}

TEST(Readings, CellsAreListsOnceEach) {
  const std::string serving =
      "+QENG: \"servingcell\",\"NOCONN\",\"LTE\",\"TDD\",460,00,6C4E907,198,38950,40,5,5,7208,-88,-6,-80,29,38";
  EXPECT_EQ(cells({serving}), "[[0,113568007,460,0,198,29192,38950,-88]]");
  const std::string neighbour = "+QENG: \"neighbourcell intra\",\"LTE\",38950,202,-12,-95,-,-";
  EXPECT_EQ(cells({serving, neighbour, neighbour}),
            "[[0,113568007,460,0,198,29192,38950,-88],[1,null,null,null,202,null,38950,-95]]");
  EXPECT_EQ(cells({"+QENG: \"servingcell\",\"NOCONN\",\"LTE\",\"TDD\",-,-,-,-,-,-,-,-,-,-,-,-,-"}),
            "[[0,null,null,null,null,null,null,null]]");
}

TEST(Readings, AFalseFixIsNoFix) {
  EXPECT_FALSE(gnss("+QGPSLOC: ,0.00000,0.00000,0.00,0.0,1,,3.464,1.898,290826,00"));
  EXPECT_FALSE(gnss("+QGPSLOC: 024158.0,40.90340,111.78228,1.5,1125.0,2,307.37,0.0,0.0,271223,00")) << "no satellites";
  EXPECT_FALSE(gnss("+QGPSLOC: 024158.0,40.90340,111.78228,0.00,1125.0,2,307.37,0.0,0.0,271223,04"));
  EXPECT_FALSE(gnss("+QGPSLOC: 024158.0,95,111.78228,1.5,1125.0,2,307.37,0.0,0.0,271223,04"));
  const auto fix = gnss("+QGPSLOC: 024158.0,40.90340,111.78228,1.5,1125.0,2,307.37,0.0,0.0,271226,04");
  ASSERT_TRUE(fix);
  EXPECT_EQ(fix->json,
            "{\"lat\":40.9034,\"lng\":111.78228,\"alt_m\":1125,\"speed_kmh\":0,\"course_deg\":307.4,\"hdop\":1.5,"
            "\"satellites\":4,\"time\":\"2026-12-27T02:41:58Z\"}");
  const auto early = gnss("+QGPSLOC: 000000.0,40.90340,111.78228,1.5,1125.0,2,,,,060180,04");
  ASSERT_TRUE(early);
  EXPECT_EQ(early->json.find("time"), std::string::npos) << "A13: no clock of 1980";
}

TEST(Readings, ALocationIsLongitudeLatitudeAccuracyAsTheSimulatedBoardSays) {
  const auto at = locator("+QLBS: 0,31.822790,117.113800,550");
  ASSERT_TRUE(at);
  EXPECT_EQ(at->json, "[117.1138,31.82279,550]");
  EXPECT_EQ(locator("+QLBS: 0,31.8,117.1")->json, "[117.1,31.8,null]");
}

TEST(Readings, SimStates) {
  EXPECT_EQ(sim_state("+CPIN: READY"), "ready");
  EXPECT_EQ(sim_state("+CPIN: SIM PUK2"), "puk2");
  EXPECT_EQ(sim_state("+CPIN: SOMETHING"), "");
  EXPECT_EQ(sim_state_of_error(10), "none");
  EXPECT_EQ(sim_state_of_error(3), "");
}

}  // namespace
}  // namespace hal_ec600::readings
