// The board's side of the device document, on a simulated board: pins, direction_pin, apn.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "harness/dtud.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

struct Board : testing::Test {
  Dtud dtud;

  [[nodiscard]] std::string point(const std::string& name) const {
    return to_json(at(parse_json(dtud.get("/v1/points/" + name).body), "value"));
  }
  [[nodiscard]] bool point_is(const std::string& name, const std::string& json) const {
    return eventually([&] { return point(name) == json; });
  }
  void set(const std::string& name, const std::string& json) const {
    EXPECT_EQ(dtud.put("/v1/points/" + name, json).status, 200) << name;
  }
  // The level changes so often; how long it takes is the unit tests' business.
  [[nodiscard]] bool toggles(const std::string& name, int times) const {
    std::string last = point(name);
    return eventually([&] {
      const std::string now = point(name);
      if (now != last) --times;
      last = now;
      return times <= 0;
    });
  }
  [[nodiscard]] int logged(const std::string& text) const {
    int n = 0;
    const std::string log = dtud.log();
    for (size_t from = log.find(text); from != std::string::npos; from = log.find(text, from + 1)) ++n;
    return n;
  }
};

std::string tcp_to(uint16_t port) {
  return R"("conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" + std::to_string(port) + "}}";
}

TEST_F(Board, TheLedBlinksAndReadyFollowsTheChannel) {
  TcpServer server;
  dtud.hal(R"({"type": "sim", "points": {"network.data_state": 0, "gpio.2": 1}})");
  dtud.device(R"({"pins": ["pio1", "2", ""], )" + tcp_to(server.port()) + "}");
  dtud.start();
  TcpPeer peer = server.accept();
  EXPECT_TRUE(point_is("gpio.2", "1"));
  EXPECT_TRUE(toggles("gpio.1", 4));
  server.close();
  peer.close();
  EXPECT_TRUE(point_is("gpio.2", "0"));
  EXPECT_TRUE(toggles("gpio.1", 6));
  set("network.data_state", "1");
  EXPECT_TRUE(toggles("gpio.1", 4));
  EXPECT_EQ(dtud.put("/v1/config", "{}").status, 200);
  EXPECT_TRUE(point_is("gpio.1", "0")) << "a pin that is not used any more is dark";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Board, TheResetInputRestoresTheFactoryDocument) {
  dtud.hal(R"({"type": "sim", "points": {"gpio.3": 1}})")
      .board("\"factory_file\": \"" + dtud.path("factory.json") + "\"");
  dtud.device(R"({"version": "changed", "pins": ["", "", "3"]})");
  e2e::write_file(dtud.path("factory.json"), R"({"version": "factory"})");
  dtud.start();
  EXPECT_TRUE(point_is("gpio.3", "1"));
  EXPECT_EQ(text(parse_json(dtud.get("/v1/config").body), "version"), "changed");
  set("gpio.3", "0");
  EXPECT_TRUE(eventually([&] { return text(parse_json(dtud.get("/v1/config").body), "version") == "factory"; }));
  EXPECT_EQ(dtud.dtuctl({"config", "rollback"}).status, 0) << "and it can be undone";
  EXPECT_EQ(text(parse_json(dtud.get("/v1/config").body), "version"), "changed");
  EXPECT_EQ(dtud.stop(), 0);
}

// The blinking LED pressed the button, and the parameters were reset.
TEST_F(Board, APinThatIsLedAndResetButtonResetsNothing) {
  dtud.hal(R"({"type": "sim", "points": {"network.data_state": 0, "gpio.2": 1}})");
  dtud.device(R"({"version": "mine", "pins": ["2", "", "2"]})");
  dtud.start();
  EXPECT_TRUE(toggles("gpio.2", 4));
  EXPECT_EQ(text(parse_json(dtud.get("/v1/config").body), "version"), "mine");
  EXPECT_EQ(logged("/pins/2: pin 2 is that of pins/0 already: give each its own; this entry has no effect"), 1);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Board, AMissingPinIsNamedOnce) {
  dtud.hal(R"({"type": "sim"})").device(R"({"pins": ["77", "78", "79"]})");
  dtud.start();
  const std::string all[] = {"pins/0 (network LED), gpio.77", "pins/1 (ready line), gpio.78",
                             "pins/2 (reset button), gpio.79"};
  for (const std::string& text : all) EXPECT_TRUE(eventually([&] { return logged(text) != 0; })) << text;
  for (const std::string& text : all) EXPECT_EQ(logged(text), 1) << text;
}

TEST_F(Board, TheResetButtonResetsTheParameters) {
  TcpServer server;
  dtud.hal(R"({"type": "sim", "points": {"gpio.3": 1}})");
  dtud.device(R"({"pins": ["", "", "3"], )" + tcp_to(server.port()) + "}");
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  set("gpio.3", "0");
  EXPECT_TRUE(eventually([&] { return size(parse_json(dtud.get("/v1/channels").body)) == 0; }));
  EXPECT_EQ(logged("the reset button (gpio.3) is pressed"), 1);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Board, TheAccessPointReachesTheBoard) {
  dtud.hal(R"({"type": "sim"})").device(R"({"apn": ["iot.example", "me", "hush-1"]})");
  dtud.start();
  EXPECT_TRUE(point_is("network.apn", "\"iot.example\""));
  EXPECT_EQ(point("network.apn_user"), "\"me\"");
  EXPECT_EQ(point("network.configured"), "1");
  EXPECT_EQ(dtud.put("/v1/config", R"({"apn": ["iot.example", "me", "***"], "nolog": 1})").status, 200);
  EXPECT_EQ(dtud.put("/v1/config", R"({"apn": ["two.example", "", ""]})").status, 200);
  EXPECT_TRUE(point_is("network.apn", "\"two.example\""));
  EXPECT_EQ(point("network.configured"), "2") << "what did not change is not told again";
  EXPECT_EQ(logged("hush-1"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

// Once after each start of the board, and when function code 60 changed it. The password is nowhere.
TEST_F(Board, TheAccessPointComesAgainAfterTheBoardRestarted) {
  dtud.hal(R"({"type": "sim", "isolate": true})");
  dtud.device(R"({"password": "pw", "apn": ["iot.example", "me", "hush-1"]})");
  dtud.start();
  EXPECT_TRUE(point_is("network.apn", "\"iot.example\""));
  const Ran set = dtud.dtuctl({"call", "60", R"({"apn": ["two.example", "you", "hush-2"]})"});
  EXPECT_EQ(set.status, 0) << set.output;
  EXPECT_TRUE(point_is("network.apn", "\"two.example\""));
  EXPECT_EQ(point("network.configured"), "2");
  const auto pid = [&] {
    return static_cast<pid_t>(number(with(at(dtud.status(), "instances"), "name", "hal sim"), "isolated.pid"));
  };
  const pid_t first = pid();
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return pid() != first; }));
  EXPECT_TRUE(point_is("network.apn", "\"two.example\""));
  EXPECT_EQ(point("network.configured"), "1") << "once after a start";
  EXPECT_EQ(point("network.apn_user"), "\"you\"");
  EXPECT_EQ(logged("hush-"), 0);
  EXPECT_EQ(e2e::read_file(dtud.path("state/audit.log")).find("hush-"), std::string::npos);
  EXPECT_EQ(dtud.get("/v1/commands").body.find("hush-"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Board, OnlyDtudMayInstallAndSetTheAccessPoint) {
  dtud.hal(R"({"type": "sim"})").device("{}");
  dtud.start();
  EXPECT_TRUE(point_is("network.configured", "1"));
  for (const char* command :
       {"firmware.facts", "firmware.install", "firmware.mark_good", "firmware.cancel", "network.configure"}) {
    const Ran ran = dtud.dtuctl({"call", command, "{}"});
    EXPECT_NE(ran.status, 0) << command;
    EXPECT_NE(ran.output.find("can only be called by dtud and by plugins"), std::string::npos) << ran.output;
  }
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Board, TheDirectionPinTurnsForWhatIsSent) {
  TcpServer server;
  dtud.hal(R"({"type": "sim", "ports": {"1": {"link": ")" + dtud.path("bus") + R"("}}, "points": {"gpio.3": 1}})");
  dtud.device(R"({"direction_pin": {"1": {"GPIOn": 3, "direction": 1}}, "uconf": {"1": {"mode": "raw"}}, "conf": {"1":
                 {"protocol": "tcp", "serialID": "1", "url": "127.0.0.1", "port": )" +
              std::to_string(server.port()) + "}}}");
  dtud.start();
  TcpPeer peer = server.accept();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  EXPECT_EQ(point("gpio.3"), "0") << "it listens";
  Line bus(Descriptor(::open(dtud.path("bus").c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)));
  for (const char* turns : {"1", "2", "3"}) {
    ASSERT_TRUE(peer.write("question"));
    EXPECT_EQ(bus.read(8), "question");
    EXPECT_TRUE(point_is("port.1.turns", turns));
    EXPECT_EQ(point("gpio.3"), "0");
    ASSERT_TRUE(bus.write("answer"));
    EXPECT_EQ(peer.read(6), "answer");
  }
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Board, ADirectionPinThatIsNotThereFailsThePort) {
  dtud.hal(R"({"type": "sim", "ports": {"1": {}}})");
  dtud.device(R"({"direction_pin": {"1": {"GPIOn": 99}}, "uconf": {"1": {}}})");
  dtud.start();
  EXPECT_TRUE(dtud.port_is("1", "failed"));
  EXPECT_NE(text(dtud.port("1"), "error").find("direction pin gpio.99"), std::string::npos)
      << text(dtud.port("1"), "error");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(FirstStart, TakesTheFactoryFile) {
  Dtud dtud;
  dtud.board("\"factory_file\": \"" + dtud.path("factory.json") + "\"");
  write_file(dtud.path("factory.json"), R"({"version": "factory", "password": "secret"})");
  dtud.write_documents();
  std::filesystem::remove(dtud.path("dtu_config.json"));
  dtud.start();
  EXPECT_EQ(text(parse_json(dtud.get("/v1/config").body), "version"), "factory");
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(dtud.path("dtu_config.json")); }));
  EXPECT_EQ(read_file(dtud.path("dtu_config.json")).find("secret"), std::string::npos) << "a hash";
  ASSERT_EQ(dtud.put("/v1/config", R"({"version": "mine"})").status, 200);
  EXPECT_EQ(dtud.stop(), 0);
  write_file(dtud.path("factory.json"), R"({"version": "other"})");
  dtud.start();
  EXPECT_EQ(text(parse_json(dtud.get("/v1/config").body), "version"), "mine");
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
