// Who called what: shown by dtuctl, kept in a file, without passwords or arguments.
#include <gtest/gtest.h>

#include "harness/dtud.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

TEST(AuditLog, SaysWhoCalledWhatAndWhatCameOfIt) {
  TcpServer server;
  Dtud dtud;
  dtud.hal(R"({"type": "sim"})")
      .device(R"({"password": "door-key", "conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" +
              std::to_string(server.port()) + "}}}");
  dtud.start();
  TcpPeer peer = server.accept();
  const auto ask = [&](const std::string& json) {
    return peer.write(json) ? number(parse_json(peer.read_until("}")), "status") : -1;
  };
  EXPECT_EQ(ask(R"({"cmd_code": 0})"), 1);
  EXPECT_EQ(ask(R"({"cmd_code": 52, "password": "bad-guess", "data": {"plate": 0}})"), 0);
  EXPECT_EQ(ask(R"({"cmd_code": 51, "password": "door-key", "data": {"new_password": "new-secret"}})"), 1);
  EXPECT_EQ(dtud.dtuctl({"call", "radio.csq"}).status, 0);

  const Json audit = parse_json(dtud.dtuctl({"--json", "audit"}).output);
  ASSERT_EQ(size(audit), 4U) << to_json(audit);
  const auto line = [&](int i) {
    const std::string at = "[" + std::to_string(i) + "].";
    return text(audit, at + "source") + " " + text(audit, at + "command") + " " + text(audit, at + "result");
  };
  EXPECT_EQ(line(0), "channel 1 device.imei ok");
  EXPECT_EQ(line(1).substr(0, 10), "channel 1 ");
  EXPECT_NE(line(1).find("wrong_password"), std::string::npos);
  EXPECT_EQ(line(2), "channel 1 password.change ok");
  EXPECT_EQ(line(3), "console radio.csq ok");
  const std::string file = read_file(dtud.path("state/audit.log"));
  EXPECT_NE(file.find("password.change"), std::string::npos) << file;
  EXPECT_NE(file.find("wrong_password"), std::string::npos) << file;
  EXPECT_EQ(file.find("radio.csq"), std::string::npos) << "queries are not written to flash: " << file;
  for (const char* secret : {"door-key", "bad-guess", "new-secret"}) {
    EXPECT_EQ(file.find(secret), std::string::npos);
    EXPECT_EQ(to_json(audit).find(secret), std::string::npos);
    EXPECT_EQ(dtud.log().find(secret), std::string::npos);
    EXPECT_EQ(read_file(dtud.path("dtu_config.json")).find(secret), std::string::npos);
  }
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
