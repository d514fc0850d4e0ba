// D1: every row, in every form its code may have, with the right, no and a wrong password, on the line and over a
// channel; the whole answer is compared.
#include <array>
#include <ostream>

#include "board.hpp"

namespace command_dtu::test {
namespace {

using ::testing::HasSubstr;

struct Row {
  int decimal;  // seed 001; -1: only in seed 000
  int hex;      // seed 000, as the number its digits mean; -1: only in seed 001
  bool password;
  const char* data;    // of the request
  const char* answer;  // `data` of the answer; null: unsupported
};
constexpr Row rows[] = {
    {0, 0x00, false, "{}", imei},
    {1, 0x01, false, "{}", "\"17201593988\""},
    {2, 0x02, false, "{}", "\"v 100\""},
    {3, 0x03, false, "{}", "\"CSQ17\""},
    {4, 0x04, true, "{}", R"({"version":"100","password":"***"})"},
    {5, 0x05, false, "{}", "[]"},
    {6, 0x06, true, "{}", "\"12456465486561516515153\""},
    {7, 0x07, true, R"({"adcn":0})", "\"3.7\""},
    {8, 0x08, true, R"({"pins":4})", "1"},
    {9, -1, true, "{}", "\"3590\""},
    {10, 0x10, true, "{}", R"({"temperature":26.0,"humidity":60.0})"},
    {11, 0x11, true, "{}", R"({"1":4,"2":null})"},
    {12, 0x12, true, "{}", R"({"voice_state":1,"data_state":5,"cells":[[0,14071232,1120]]})"},
    {13, 0x13, true, "{}", "[117.1138,31.82279,550]"},
    {50, 0x50, true, R"({"number":"12123123","sms_msg":"hi"})", "\"\""},
    {51, 0x51, true, R"({"new_password":"654321"})", "\"\""},
    {52, 0x52, true, R"({"plate":1})", "\"\""},
    {53, 0x53, true, R"({"reg":1})", "\"send reg\""},
    {54, 0x54, true, R"({"version":"100"})", "\"100\""},
    {55, 0x55, true, R"({"fota":1})", "\"fota\""},
    {56, 0x56, true, R"({"nolog":1})", "\"log\""},
    {57, 0x57, true, R"({"service_acquire":0})", "\"service acquire\""},
    {58, 0x58, true, R"({"uconf":{"0":{"baudrate":"115200"}}})", "\"uconf\""},
    {59, 0x59, true, R"({"conf":{"1":{"protocol":"tcp"}}})", "\"conf\""},
    {60, 0x60, true, R"({"apn":["","",""]})", "\"set apn\""},
    {61, 0x61, true, R"({"pins":["pio2","pio4","5"]})", "\"set gpio pins\""},
    {62, 0x62, true, R"({"ota":1})", R"({"step":"idle"})"},
    {63, 0x63, true, R"({"dtu_config":{"plate":0}})", "\"\""},
    {64, -1, true, R"({"device":0,"string":"hi"})", "\"\""},
    {65, -1, true, "{}", "\"\""},
    {-1, 0x64, true, "{}", nullptr},
    {-1, 0x65, true, "{}", nullptr},
    {-1, 0xFD, true, "{}", "\"\""},
    {-1, 0xFE, true, "{}", "\"\""},
    {255, 0xFF, true, "{}", "\"reset dtu\""},
};

std::string hex(int code, const char* prefix, const char* format) {
  std::array<char, 8> digits{};
  std::snprintf(digits.data(), digits.size(), format, static_cast<unsigned>(code));
  return std::string("\"") + prefix + digits.data() + "\"";
}

// Every way to write either number of a row, as JSON.
std::vector<std::string> forms(const Row& row) {
  std::vector<std::string> all;
  for (const int code : {row.decimal, row.hex}) {
    if (code < 0 || (code == row.hex && code == row.decimal && !all.empty())) continue;
    all.push_back(std::to_string(code));
    all.push_back("\"" + std::to_string(code) + "\"");
    all.push_back(hex(code, "0x", "%02x"));
    all.push_back(hex(code, "0X", "%X"));
  }
  return all;
}

void PrintTo(const Row& row, std::ostream* out) {
  if (row.decimal >= 0)
    *out << "code " << row.decimal;
  else
    *out << "code " << row.hex << " of seed 000";
}
class CommandTable : public ::testing::TestWithParam<Row> {};

TEST_P(CommandTable, AnswersInTheFormAskedAndKeepsThePassword) {
  const Row& row = GetParam();
  for (const std::string& code : forms(row)) {
    Rig rig;
    full_board(rig);
    const std::string body = ",\"msg_id\":\"m\",\"data\":" + std::string(row.data) + "}";
    const std::string echo = "{\"msg_id\":\"m\",\"code\":" + code + ",\"cmd_code\":" + code;
    const auto refused = [&](int error_code, const std::string& error) {
      return echo + ",\"data\":null,\"status\":0,\"success\":0,\"error\":\"" + error +
             "\",\"error_code\":" + std::to_string(error_code) + "}";
    };
    const std::string right = row.answer != nullptr
                                  ? echo + ",\"data\":" + row.answer + ",\"status\":1,\"success\":1}"
                                  : refused(5006, std::string("unsupported: ") +
                                                      (row.hex == 0x64 ? "warning rules (0x64)" : "task rules (0x65)") +
                                                      " cannot be set on this firmware");
    const std::string with_password = "{\"cmd_code\":" + code + ",\"password\":\"" + good_password + "\"" + body;
    rig.port(local(with_password));
    EXPECT_EQ(rig.local_answer(), right);
    rig.clear();
    rig.port(local("{\"cmd_code\":" + code + body));
    EXPECT_EQ(rig.local_answer(), row.password ? refused(5001, "send the password") : right);
    rig.clear();
    rig.port(local("{\"cmd_code\":" + code + ",\"password\":\"000000\"" + body));
    EXPECT_EQ(rig.local_answer(), row.password ? refused(5002, "wrong password") : right);
    if (row.decimal == 5) continue;  // by now there is something to diagnose
    rig.clear();
    rig.channel(1, with_password, "", 9);
    ASSERT_EQ(rig.to_channel(1).size(), 1U);
    EXPECT_EQ(rig.to_channel(1)[0], right);
  }
}
INSTANTIATE_TEST_SUITE_P(D1, CommandTable, ::testing::ValuesIn(rows), [](const auto& info) {
  return info.param.decimal >= 0 ? "Code" + std::to_string(info.param.decimal) : "Hex" + std::to_string(info.param.hex);
});

TEST(CommandTable, HasExactlyTheCodesOfBothNumberings) {
  std::map<uint32_t, bool> expected;  // whether it needs the password
  for (const Row& row : rows)
    for (const int code : {row.decimal, row.hex})
      if (code >= 0) expected[static_cast<uint32_t>(code)] = row.password;
  Rig rig;
  std::map<uint32_t, bool> listed;
  for (const auto& [code, flags] : rig.flags_by_code()) {
    listed[code] = (flags & DTU_COMMAND_PASSWORD) != 0;
    EXPECT_EQ((flags & DTU_COMMAND_WHEN_STOPPED) != 0, code >= 254) << code;
    EXPECT_EQ(flags & DTU_COMMAND_LOCAL, 0U) << code;
  }
  EXPECT_EQ(listed, expected);
}

TEST(CommandTable, ABoardAndAKernelThatOfferNothingAreSaidSo) {
  for (const Row& row : rows) {
    if (row.decimal == 2 || row.decimal == 5 || row.decimal == 255) continue;  // these need nothing
    Rig rig;
    const std::string code = std::to_string(row.decimal >= 0 ? row.decimal : row.hex);
    rig.port(local("{\"cmd_code\":" + code + ",\"password\":\"" + good_password + "\",\"data\":" + row.data + "}"));
    const std::string answer = rig.local_answer();
    EXPECT_EQ(member(answer, "status")->text, "0") << answer;
    EXPECT_EQ(member(answer, "data")->text, "null") << answer;
    EXPECT_THAT(answer, HasSubstr("unsupported")) << code;
    EXPECT_EQ(member(answer, "error_code")->text, code == "1" || code == "6" ? "3001" : "5006") << code;
  }
}

}  // namespace
}  // namespace command_dtu::test
