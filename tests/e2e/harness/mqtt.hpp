// MQTT 3.1.1 as far as the tests need it: the packets, and a client to listen and to talk with.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "tcp.hpp"

namespace e2e {

struct MqttPacket {
  uint8_t head = 0;  // type and flags; 0: the connection ended
  std::string body;
  [[nodiscard]] int type() const { return head >> 4U; }
};
std::string mqtt_packet(uint8_t head, const std::string& body);
std::string mqtt_text(const std::string& text);

struct MqttMessage {
  std::string topic, payload;
  int qos = 0;
  bool retain = false;
  uint16_t id = 0;
};
MqttMessage read_publish(const MqttPacket& packet);

class MqttPeer : public TcpPeer {
 public:
  using TcpPeer::TcpPeer;
  explicit MqttPeer(TcpPeer peer) : TcpPeer(std::move(peer)) {}
  // The next packet; head 0 at the end of the connection or the deadline.
  MqttPacket packet();
};

class MqttClient {
 public:
  explicit MqttClient(uint16_t port);                      // connects with a clean session
  void subscribe(const std::string& filter, int qos = 0);  // and waits for the broker's word
  void publish(const std::string& topic, const std::string& payload, int qos = 0, bool retain = false);
  // The next message; nothing at the deadline or when the broker is gone.
  std::optional<MqttMessage> next();
  [[nodiscard]] bool ready(int ms) const { return peer_.ready(ms); }
  // The connection, for someone else to go on with.
  TcpPeer release() { return std::move(peer_); }

 private:
  MqttPacket until(int type);
  MqttPeer peer_;
  uint16_t last_id_ = 0;
};

}  // namespace e2e
