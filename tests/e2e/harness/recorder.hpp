// Far ends that take what dtud delivers, on a thread of their own, and keep the tally: a TCP server, an MQTT server,
// and a subscriber to a real broker.
#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mqtt.hpp"
#include "tally.hpp"
#include "worker.hpp"

namespace e2e {

class Recorder {
 public:
  virtual ~Recorder() = default;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] uint64_t came() const { return came_; }                // messages, all sources
  [[nodiscard]] uint64_t connections() const { return connections_; }  // taken so far
  [[nodiscard]] Tally tally();                                         // a copy
  // False when number `last` of the source has not come before the deadline.
  bool has(char source, uint32_t last);
  // Written to the newest connection from now on, as fast as it takes it; 0: nothing left to write.
  void send(std::string bytes);
  [[nodiscard]] uint64_t left_to_send() const { return left_to_send_; }

 protected:
  struct Connection {
    TcpPeer peer;
    std::string in, out;
    size_t sent = 0;  // of out
  };
  Recorder() = default;
  void listen();                                       // in the constructor of what is a server
  void take(TcpPeer peer);                             // before start(), or as a turn
  void start();                                        // last in the constructor of the class that is final
  void stop() { worker_.stop(); }                      // first in its destructor
  virtual void take_from(Connection& connection) = 0;  // what is whole in `in`
  Tally tally_;
  Worker worker_;

 private:
  void turn();
  std::optional<TcpServer> server_;
  uint16_t port_ = 0;
  std::vector<Connection> all_;
  std::atomic<uint64_t> came_{0}, connections_{0}, left_to_send_{0};
};

// Takes lines.
class TcpSink final : public Recorder {
 public:
  TcpSink();
  ~TcpSink() override { stop(); }

 private:
  void take_from(Connection& connection) override;
};

// An MQTT 3.1.1 server that takes every PUBLISH; acknowledges at QoS 1 once it is in the tally.
class MqttSink final : public Recorder {
 public:
  MqttSink();
  ~MqttSink() override { stop(); }
  // No PUBACK from now on; those that are owed are sent when it is taken back.
  void hold_acknowledgements(bool on);
  // What QoS 0 messages of this topic, sent by send(), look like.
  static std::string publish(const std::string& topic, const std::string& payload);

 private:
  void take_from(Connection& connection) override;
  bool holding_ = false;
  std::string owed_;
};

// Listens to a real broker. QoS 0: mosquitto writes to it before it acknowledges to the publisher.
class MqttListener final : public Recorder {
 public:
  MqttListener(uint16_t broker, const std::string& filter, int qos = 0);
  ~MqttListener() override { stop(); }
  // The same tally, a new connection: after the broker was killed and started again.
  void connect(uint16_t broker, const std::string& filter, int qos = 0);

 private:
  void take_from(Connection& connection) override;
};

}  // namespace e2e
