#include "mqtt.hpp"

#include <gtest/gtest.h>

namespace e2e {
namespace {

enum Type { kConnack = 2, kPublish = 3, kPuback = 4, kSuback = 9 };

std::string two_bytes(uint16_t n) { return {static_cast<char>(n >> 8U), static_cast<char>(n & 0xFFU)}; }
uint16_t number_at(const std::string& bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes.at(at)) << 8U | static_cast<uint8_t>(bytes.at(at + 1)));
}

}  // namespace

std::string mqtt_packet(uint8_t head, const std::string& body) {
  std::string packet(1, static_cast<char>(head));
  size_t left = body.size();
  do {
    const size_t digit = left % 128;
    left /= 128;
    packet += static_cast<char>(digit | (left != 0 ? 0x80U : 0U));
  } while (left != 0);
  return packet + body;
}

std::string mqtt_text(const std::string& text) { return two_bytes(static_cast<uint16_t>(text.size())) + text; }

MqttMessage read_publish(const MqttPacket& packet) {
  MqttMessage m;
  m.qos = packet.head >> 1U & 3U;
  m.retain = (packet.head & 1U) != 0;
  const size_t topic = number_at(packet.body, 0);
  m.topic = packet.body.substr(2, topic);
  if (m.qos != 0) m.id = number_at(packet.body, 2 + topic);
  m.payload = packet.body.substr(2 + topic + (m.qos != 0 ? 2 : 0));
  return m;
}

MqttPacket MqttPeer::packet() {
  const std::string head = read(1);
  if (head.empty()) return {};
  size_t length = 0;
  for (unsigned shift = 0; shift < 28; shift += 7) {
    const std::string digit = read(1);
    if (digit.empty()) return {};
    length |= (static_cast<uint8_t>(digit[0]) & 0x7FU) << shift;
    if ((static_cast<uint8_t>(digit[0]) & 0x80U) == 0) break;
  }
  std::string body = read(length);
  if (body.size() != length) return {};
  return {static_cast<uint8_t>(head[0]), std::move(body)};
}

MqttClient::MqttClient(uint16_t port) : peer_(port) {
  const std::string id = "e2e-" + std::to_string(peer_.fd()) + "-" + std::to_string(reinterpret_cast<uintptr_t>(this));
  peer_.write(mqtt_packet(0x10, mqtt_text("MQTT") + std::string("\x04\x02\0\0", 4) + mqtt_text(id)));
  EXPECT_EQ(peer_.packet().type(), kConnack) << "no broker at port " << port;
}

MqttPacket MqttClient::until(int type) {
  for (;;) {
    MqttPacket p = peer_.packet();
    if (p.head == 0 || p.type() == type) return p;
  }
}

void MqttClient::subscribe(const std::string& filter, int qos) {
  peer_.write(mqtt_packet(0x82, two_bytes(++last_id_) + mqtt_text(filter) + static_cast<char>(qos)));
  EXPECT_EQ(until(kSuback).type(), kSuback);
}

void MqttClient::publish(const std::string& topic, const std::string& payload, int qos, bool retain) {
  const auto head = static_cast<uint8_t>(0x30 | qos << 1 | (retain ? 1 : 0));
  peer_.write(mqtt_packet(head, mqtt_text(topic) + (qos != 0 ? two_bytes(++last_id_) : "") + payload));
  if (qos == 0) return;
  EXPECT_EQ(until(kPuback).type(), kPuback);
}

std::optional<MqttMessage> MqttClient::next() {
  const MqttPacket p = until(kPublish);
  if (p.head == 0) return std::nullopt;
  MqttMessage m = read_publish(p);
  if (m.qos != 0) peer_.write(mqtt_packet(0x40, two_bytes(m.id)));
  return m;
}

}  // namespace e2e
