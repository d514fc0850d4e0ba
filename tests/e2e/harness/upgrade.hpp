// Upgrades of a dtud with the simulated board: files to install, servers to get them from, orders.
#pragma once
#include <gtest/gtest.h>
#include <kit-http/server.hpp>

#include <mutex>
#include <string>
#include <vector>

#include "dtud.hpp"
#include "tcp.hpp"

namespace e2e {

// Content of a firmware file that the simulated board knows the version of.
std::string firmware(const std::string& version, size_t bytes = 100'000);
std::string sha256(const std::string& bytes);
std::string md5(const std::string& bytes);

class SigningKey {  // Ed25519
 public:
  SigningKey();
  SigningKey(const SigningKey&) = delete;
  SigningKey& operator=(const SigningKey&) = delete;
  ~SigningKey();
  [[nodiscard]] std::string public_key() const;                    // base64 of the 32 bytes
  [[nodiscard]] std::string sign(const std::string& bytes) const;  // base64

 private:
  void* key_;
};
std::string base64(const std::string& bytes);

// A Unix datagram socket, as systemd has one for its services.
Descriptor bind_datagram(const std::string& path);
std::string receive_datagram(int fd);  // "" = nothing there

// What a good server answers: the file, or the part that is asked for.
std::string serve(const http_test::Asked& asked, const std::string& file, const std::string& etag = "\"one\"");

// What was asked of a server, for the test to look at.
class Log {
 public:
  void add(const http_test::Asked& asked);
  [[nodiscard]] std::vector<std::string> ranges() const;  // "" = the whole
  [[nodiscard]] size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> ranges_;
};

struct UpgradeTest : testing::Test {
  Dtud dtud;
  TcpServer boss;  // the other end of channel 1, which proves the new version by being reachable
  Log asked;

  // rules: more members of "upgrade" in board.json; firmware: members of the simulated board's "firmware".
  void start(const std::string& rules = "", const std::string& firmware = "", const std::string& sim = "");
  int confirm_s = 60, stall_s = 2, install_ms = 20;
  // An order of version 2 with its digest; more: further members.
  [[nodiscard]] static std::string order_of(const std::string& url, const std::string& file,
                                            const std::string& more = "");
  Json order(const std::string& json);    // the answer: {"status", "result" or "error"}
  void ordered(const std::string& json);  // and it is taken
  [[nodiscard]] Json state() const { return parse_json(dtud.get("/v1/upgrade").body); }
  [[nodiscard]] std::string step() const { return text(state(), "step"); }
  // Until it is over; the last state.
  Json end() const;
  [[nodiscard]] bool becomes(const std::string& step) const;
  [[nodiscard]] std::string runs() const { return text(state(), "runs.firmware"); }
  [[nodiscard]] std::string image() const { return dtud.path("state/upgrade/image"); }
  void expect_end(const std::string& step, const std::string& error_has = "");
  void stop() { EXPECT_EQ(dtud.stop(), 0); }
};

}  // namespace e2e
