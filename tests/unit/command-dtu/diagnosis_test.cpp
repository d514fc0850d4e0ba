#include "diagnosis.hpp"

#include "board.hpp"
#include "status_codes.hpp"

namespace command_dtu::test {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

TEST(StatusCodes, OfFailedCalls) {
  struct Row {
    dtu_status status;
    int64_t code;
    int error_code;
  };
  constexpr Row rows[] = {{DTU_E_DENIED, 4, 5001},      {DTU_E_WRONG_PASSWORD, 4, 5002},
                          {DTU_E_LOCKED, 4, 5002},      {DTU_E_NOT_FOUND, 200, 6005},
                          {DTU_E_INVALID, 7, 5005},     {DTU_E_INVALID, 6, 5005},
                          {DTU_E_UNSUPPORTED, 9, 5006}, {DTU_E_TIMEOUT, 9, 5006},
                          {DTU_E_IO, 59, 5006},         {DTU_E_STOPPED, 0, 5006},
                          {DTU_E_STOPPED, 6, 5006},     {DTU_AGAIN, 6, 5006},
                          {DTU_E_IO, 6, 3001},          {DTU_E_IO, 1, 3001},
                          {DTU_E_TIMEOUT, 6, 3001},     {DTU_E_UNSUPPORTED, 6, 3001},
                          {DTU_E_CLOSED, 1, 3001}};
  for (const Row& row : rows) {
    EXPECT_EQ(error_code_of(row.status, 0, row.code), row.error_code) << row.status << " of " << row.code;
    EXPECT_EQ(error_code_of(row.status, 5009, row.code), 5009) << "what the error says wins";
  }
}

TEST(StatusCodes, OfChannels) {
  const std::map<std::string, int> types{{"http", 4001},      {"tcp", 4003},    {"udp", 4004},
                                         {"mqtt", 4005},      {"aliyun", 4006}, {"txyun", 4007},
                                         {"quecthing", 4010}, {"hwyun", 4011},  {"vendor", 5004}};
  for (const auto& [type, error_code] : types) {
    EXPECT_EQ(connect_error_of(type, 0), error_code) << type;
    for (const int given : {4002, 4009, 5000, 3002}) EXPECT_EQ(connect_error_of(type, given), given);
  }
}

TEST(Diagnosis, KeepsTheLast32) {
  Diagnosis diagnosis;
  EXPECT_EQ(diagnosis.json(), "[]");
  diagnosis.command_failed("\"0x04\"", 5001);
  diagnosis.channel_state(3, "mqtt", DTU_STATE_DOWN, 0);
  EXPECT_EQ(diagnosis.json(),
            R"([{"func_code":"0x04","error_code":"5001"},{"func_code":"","error_code":"4005","channel":3}])");
  for (int i = 0; i < 40; ++i) diagnosis.command_failed(std::to_string(i), 6005);
  const std::string json = diagnosis.json();
  EXPECT_TRUE(parse_json(json));
  EXPECT_THAT(json, StartsWith(R"([{"func_code":"8",)"));
  EXPECT_THAT(json, EndsWith(R"({"func_code":"39","error_code":"6005"}])"));
}

TEST(Diagnosis, NothingThatRepeatsItselfPushesTheRestOut) {
  Diagnosis diagnosis;
  diagnosis.command_failed("4", 5002);
  for (int i = 0; i < 100; ++i) {
    diagnosis.noise(4008, of_port("1"));
    diagnosis.noise(5004, of_port("2"));
    diagnosis.channel_state(1, "http", i % 2 == 0 ? DTU_STATE_DOWN : DTU_STATE_CONNECTING, 0);
  }
  for (int i = 0; i < 100; ++i) diagnosis.command_failed("6", 5002);
  EXPECT_EQ(diagnosis.json(),
            R"([{"func_code":"4","error_code":"5002"},{"func_code":"","error_code":"4001","channel":1},)"
            R"({"func_code":"","error_code":"4008","port":"1"},{"func_code":"","error_code":"5004","port":"2"},)"
            R"({"func_code":"6","error_code":"5002"}])");
  diagnosis.noise(4008, of_port("1"));
  EXPECT_THAT(diagnosis.json(), EndsWith(R"({"func_code":"","error_code":"4008","port":"1"}])"));
}

TEST(Diagnosis, AnOutageIsOneEntryUntilTheChannelIsBack) {
  Diagnosis diagnosis;
  const auto codes = [&] {
    std::string all;
    const std::string json = diagnosis.json();
    for (size_t at = 0; (at = json.find("error_code\":\"", at)) != std::string::npos; ++at)
      all += json.substr(at + 13, 4) + " ";
    return all;
  };
  diagnosis.channel_state(1, "http", DTU_STATE_CONNECTING, 0);
  EXPECT_EQ(codes(), "");
  diagnosis.channel_state(1, "http", DTU_STATE_DOWN, 4002);
  diagnosis.channel_state(1, "http", DTU_STATE_CONNECTING, 0);
  diagnosis.channel_state(1, "http", DTU_STATE_DOWN, 4002);
  diagnosis.channel_state(1, "http", DTU_STATE_FAILED, 0);  // says less
  EXPECT_EQ(codes(), "4002 ");
  diagnosis.channel_state(1, "http", DTU_STATE_DOWN, 5000);
  EXPECT_EQ(codes(), "4002 5000 ");
  diagnosis.channel_state(1, "http", DTU_STATE_UP, 0);
  diagnosis.channel_state(1, "http", DTU_STATE_DOWN, 4009);
  diagnosis.channel_state(1, "http", DTU_STATE_DEGRADED, 4001);
  diagnosis.channel_state(1, "http", DTU_STATE_DEGRADED, 0);
  EXPECT_EQ(codes(), "4002 5000 4009 4001 ");
}

// Through the session: each code from the event it stands for.
TEST(Diagnosis, FromRealEvents) {
  const auto seen = [](Rig& rig) { return rig.ask_code("5"); };
  const auto entry = [](const char* func, const char* code, const char* more = "") {
    return std::string(R"({"func_code":")") + func + R"(","error_code":")" + code + "\"" + more + "}";
  };
  {
    Rig rig;
    rig.ask(R"({"cmd_code":"0x04"})");
    rig.ask(R"({"cmd_code":200})");
    rig.state(2, DTU_STATE_DOWN);
    rig.state(1, DTU_STATE_UP);
    rig.state(1, DTU_STATE_DOWN, 4003);
    EXPECT_EQ(seen(rig), "[" + entry("0x04", "5001") + "," + entry("200", "6005") + "," +
                             entry("", "4005", ",\"channel\":2") + "," + entry("", "4003", ",\"channel\":1") + "]");
  }
  {
    Rig rig;  // one entry for a burst, whatever its reasons
    rig.port("#####1,6,17,abcedf1,70000,1,x");
    rig.host.advance(std::chrono::milliseconds(25));
    rig.port("1,6,1398235801,abc");
    rig.host.advance(std::chrono::milliseconds(25));
    EXPECT_EQ(seen(rig), "[" + entry("", "4008", ",\"port\":\"1\"") + "]");
  }
  {
    Rig rig;
    rig.port("9,6,1398235801,abcedf");
    EXPECT_EQ(seen(rig), "[" + entry("", "5004", ",\"port\":\"1\"") + "]");
  }
  {
    Rig rig;
    rig.ask("{\"cmd_code\":");
    rig.ask("{}");
    EXPECT_EQ(seen(rig), "[" + entry("", "6001") + "," + entry("", "6002") + "]");
  }
  {
    Rig rig;
    rig.host.on_link_write([](const dtu::test::LinkWrite& w) { return w.channel == 1 ? DTU_E_NOT_FOUND : DTU_OK; });
    rig.port("1,6,1398235801,abcedf");
    EXPECT_EQ(seen(rig), "[" + entry("", "5007", ",\"channel\":1") + "]");
    rig.channel(1, R"({"cmd_code":0})");
    EXPECT_EQ(rig.dropped("answer") > 0, true);
  }
  {
    Rig rig;
    rig.host.on_point("sim.iccid", [](const dtu::test::Request&) { return dtu::test::Answer{DTU_E_IO, "", "no SIM"}; });
    EXPECT_EQ(rig.ask(R"({"cmd_code":6,"password":"012345"})", "error_code"), "3001");
    EXPECT_EQ(seen(rig), "[" + entry("6", "3001") + "]");
  }
  {
    Rig rig;  // a HAL that knows better
    rig.host.on_point("sim.iccid", [](const dtu::test::Request&) {
      return dtu::test::Answer{DTU_E_IO, "", "no network", 0, 3002};
    });
    EXPECT_EQ(rig.ask(R"({"cmd_code":6,"password":"012345"})", "error_code"), "3002");
  }
}

TEST(Diagnosis, OutlivesTheLink) {
  Rig rig;
  rig.state(1, DTU_STATE_DOWN, 4003);
  rig.close();
  rig.open({});
  rig.state(1, DTU_STATE_DOWN);  // how the host introduces a channel to a new link
  EXPECT_EQ(rig.ask_code("5"), R"([{"func_code":"","error_code":"4003","channel":1}])");
}

}  // namespace
}  // namespace command_dtu::test
