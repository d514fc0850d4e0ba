// MQTT by hand, independent of the code under test: packets, a small client, and a broker that does what a test says.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace mqtt_test {

using Ms = std::chrono::milliseconds;

struct Packet {
  uint8_t first = 0;  // type and flags
  std::string body;
  [[nodiscard]] int type() const { return first >> 4; }
};
enum Type {
  kConnect = 1,
  kConnack,
  kPublish,
  kPuback,
  kPubrec,
  kPubrel,
  kPubcomp,
  kSubscribe,
  kSuback,
  kDisconnect = 14
};

struct Published {
  std::string topic, payload;
  int qos = 0;
  bool dup = false, retain = false;
  uint16_t id = 0;
};
Published parse_publish(const Packet& packet);  // MQTT 3.1.1
std::string packet(uint8_t first, const std::string& body);
std::string text16(const std::string& text);
std::string number16(uint16_t n);

// A connected socket with packets on it. Every read has a deadline.
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  Wire(Wire&& o) noexcept;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  Wire& operator=(Wire&&) = delete;
  ~Wire();
  static Wire connect_to(int port);

  void send(const std::string& bytes) const;
  std::optional<Packet> read(Ms deadline = Ms(5000));  // nothing: closed, or the deadline passed
  void reset();                                        // ends with RST

 private:
  bool fill(size_t n, std::chrono::steady_clock::time_point until);
  int fd_;
  std::string buffer_;
};

// A client of MQTT 3.1.1 that acknowledges what it receives.
class Client {
 public:
  Client(int port, const std::string& id, bool clean = true);
  void subscribe(const std::string& filter, int qos);
  void publish(const std::string& topic, const std::string& payload, int qos = 0, bool retain = false);
  std::optional<Published> receive(Ms deadline = Ms(5000));

 private:
  std::optional<Packet> read_until(int type);
  Wire wire_;
  uint16_t next_id_ = 1;
  std::vector<Packet> held_;
};

// Accepts on a free port of the loopback; `serve(wire, n)` runs for the n-th connection, on the broker's own thread.
class FakeBroker {
 public:
  explicit FakeBroker(std::function<void(Wire&, int)> serve);
  FakeBroker(const FakeBroker&) = delete;
  FakeBroker& operator=(const FakeBroker&) = delete;
  ~FakeBroker();
  [[nodiscard]] int port() const { return port_; }

 private:
  int listener_, stop_[2], port_ = 0;
  std::thread thread_;
};

}  // namespace mqtt_test
