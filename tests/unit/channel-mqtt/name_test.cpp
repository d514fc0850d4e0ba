// The client id where none is set: the IMEI, or a name that is made once and kept.
#include <mutex>

#include "fixture.hpp"

namespace mqtt_test {
namespace {

using dtu::test::Answer;
using dtu::test::Request;

class Name : public MqttTest {
 protected:
  // What CONNECT of the n-th connection said.
  struct Names {
    std::mutex mutex;
    std::vector<std::string> seen;
  };
  Name()
      : broker([this](Wire& wire, int) {
          const auto connect = wire.read();
          if (!connect || connect->body.size() < 12) return;
          {
            const std::lock_guard lock(names.mutex);
            names.seen.push_back(connect->body.substr(12));  // after "MQTT", level, flags, keep alive and its length
          }
          wire.send(packet(kConnack << 4, std::string(2, '\0')));
          wire.read(Ms(20000));
        }) {}
  ~Name() override = default;

  std::string config() { return conf(broker.port(), R"("clientID": "")"); }
  std::string first_name() {
    const std::lock_guard lock(names.mutex);
    return names.seen.empty() ? "" : names.seen.front();
  }
  size_t lines_about_imei() {
    size_t n = 0;
    for (const auto& line : host.logs()) n += line.text.find("IMEI") != std::string::npos ? 1 : 0;
    return n;
  }

  Names names;
  FakeBroker broker;
};

TEST_F(Name, ImeiIsTheClientId) {
  host.set_point("device.imei", R"("861234567890123")");
  Instance i = up(config());
  EXPECT_EQ(first_name(), "861234567890123");
  EXPECT_NE(i.health().find(R"("client_id":"861234567890123")"), std::string::npos) << i.health();
  EXPECT_EQ(lines_about_imei(), 0U);
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Name, MosquittoTakesTheImei) {
  Mosquitto mosquitto;
  mosquitto.start();
  host.set_point("device.imei", R"("861234567890123")");
  Instance i = up(conf(mosquitto.port(), R"("clientID": "")"));
  EXPECT_NE(i.health().find(R"("client_id":"861234567890123")"), std::string::npos) << i.health();
}

TEST_F(Name, WhileTheImeiIsAskedForNothingIsConnectedAndTheStateIsConnecting) {
  host.on_point("device.imei", [](const Request&) { return std::nullopt; });
  Instance i = make(config());
  ASSERT_EQ(i.start(), DTU_PENDING);
  host.run_for(Ms(20));
  EXPECT_EQ(first_name(), "");
  EXPECT_NE(i.health().find(R"("dtu_state":1)"), std::string::npos) << i.health();
  ASSERT_EQ(host.requests().size(), 1U);
  host.answer(host.requests()[0].id, {DTU_OK, R"("861234567890123")"});
  ASSERT_TRUE(wait_state(i, DTU_STATE_UP)) << trouble();
  EXPECT_EQ(first_name(), "861234567890123");
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Name, AModemThatCannotTellYetIsAskedAgain) {
  int asked = 0;
  host.on_point("device.imei", [&](const Request&) -> std::optional<Answer> {
    if (++asked < 3) return Answer{DTU_E_IO, "", "the modem starts up"};
    return Answer{DTU_OK, R"("861234567890123")"};
  });
  Instance i = up(config());
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(first_name(), "861234567890123");
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Name, NoAnswerWithinFiveSecondsIsNone) {
  host.on_point("device.imei", [](const Request&) { return std::nullopt; });
  Instance i = make(config());
  host.use_fake_clock();
  i.start();
  host.advance(Ms(4900));
  EXPECT_TRUE(host.reports().empty());
  host.advance(Ms(200));
  ASSERT_TRUE(wait_state(i, DTU_STATE_UP)) << trouble();
  EXPECT_EQ(first_name(), host.kv("mqtt").at("client_id"));
  EXPECT_EQ(lines_about_imei(), 1U) << trouble();
  host.answer(host.requests()[0].id, {DTU_OK, R"("861234567890123")"});  // too late
  host.run_for(Ms(10));
  EXPECT_EQ(host.state(i), DTU_STATE_UP);
  EXPECT_NE(i.health().find(host.kv("mqtt").at("client_id")), std::string::npos);
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Name, AStoredNameThatIsDamagedIsKeptAndNotUsed) {
  host.kv("mqtt")["client_id"] = "dtu-\x01\xff";
  host.on_point("device.imei", [](const Request&) { return Answer{DTU_E_UNSUPPORTED, "", "no modem"}; });
  Instance i = up(config());
  EXPECT_EQ(host.kv("mqtt")["client_id.rejected"], "dtu-\x01\xff");
  EXPECT_EQ(first_name(), host.kv("mqtt").at("client_id"));
  EXPECT_EQ(first_name().size(), 20U);
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Name, AModemThatNeverTellsIsGivenUp) {
  host.on_point("device.imei", [](const Request&) { return Answer{DTU_E_IO, "", "no SIM"}; });
  Instance i = make(config());
  host.use_fake_clock();
  i.start();
  // A read is answered from the loop, so the clock goes on in small steps.
  for (int step = 0; step < 60 && host.reports().empty(); ++step) host.advance(Ms(100));
  ASSERT_TRUE(wait_state(i, DTU_STATE_UP)) << trouble();
  EXPECT_GE(host.requests().size(), 5U);
  EXPECT_LE(host.requests().size(), 12U);
  EXPECT_EQ(first_name(), host.kv("mqtt").at("client_id"));
  EXPECT_EQ(lines_about_imei(), 1U);
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Name, WithoutImeiARandomNameIsKept) {
  std::string first;
  {
    Instance i = up(config());
    first = host.kv("mqtt").at("client_id");
    EXPECT_EQ(first_name(), first);
    EXPECT_EQ(lines_about_imei(), 1U);
    ASSERT_TRUE(i.stop_and_wait());
  }
  Instance i = up(config());
  EXPECT_EQ(first.size(), 20U);
  EXPECT_EQ(host.kv("mqtt").at("client_id"), first);
  EXPECT_NE(i.health().find(first), std::string::npos);
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Name, WhatIsNoImeiIsNotUsed) {
  for (const char* json : {R"("12345")", R"("8612345678901234567")", R"("86123456789012x")"}) {
    host.set_point("device.imei", json);
    Instance i = up(config());
    EXPECT_NE(i.health().find(host.kv("mqtt").at("client_id")), std::string::npos) << json << i.health();
    ASSERT_TRUE(i.stop_and_wait());
  }
}

TEST_F(Name, AnEmptyImeiIsAskedForAgain) {
  host.set_point("device.imei", "null");
  Instance i = make(config());
  i.start();
  ASSERT_TRUE(host.run_until([&] { return host.requests().size() > 1; })) << trouble();
  host.set_point("device.imei", R"("861234567890123")");
  ASSERT_TRUE(wait_state(i, DTU_STATE_UP)) << trouble();
  EXPECT_EQ(first_name(), "861234567890123");
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Name, AHostWithoutTheServicesIsNoObstacle) {
  host.withhold(DTU_INVOKE_SERVICE);
  host.withhold(DTU_KV_SERVICE);
  Instance i = up(config());
  EXPECT_EQ(first_name().size(), 20U);
  EXPECT_TRUE(host.logged("could not be stored"));
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Name, StopWhileTheImeiIsAskedForEnds) {
  host.on_point("device.imei", [](const Request&) { return std::nullopt; });
  Instance i = make(config());
  i.start();
  host.run_for(Ms(5));
  EXPECT_TRUE(i.stop_and_wait());
  EXPECT_TRUE(host.reports().empty());
}

}  // namespace
}  // namespace mqtt_test
