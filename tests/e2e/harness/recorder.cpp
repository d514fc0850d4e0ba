#include "recorder.hpp"

#include <poll.h>

#include <algorithm>

#include "wait.hpp"

namespace e2e {
namespace {

// The packet at `at`, if it is whole; moves `at` behind it.
bool next_packet(const std::string& in, size_t& at, uint8_t& head, std::string_view& body) {
  size_t length = 0, digits = 1;
  for (unsigned shift = 0;; shift += 7, ++digits) {
    if (at + digits >= in.size() || shift > 21) return false;
    const auto digit = static_cast<uint8_t>(in[at + digits]);
    length |= (digit & 0x7FUL) << shift;
    if ((digit & 0x80U) == 0) break;
  }
  if (in.size() - at - 1 - digits < length) return false;
  head = static_cast<uint8_t>(in[at]);
  body = std::string_view(in).substr(at + 1 + digits, length);
  at += 1 + digits + length;
  return true;
}

// A PUBLISH: its payload, and the PUBACK it is owed ("" at QoS 0).
std::string_view payload_of(uint8_t head, std::string_view body, std::string& acknowledgement) {
  if (body.size() < 2) return {};
  const size_t topic = static_cast<size_t>(static_cast<uint8_t>(body[0])) << 8U | static_cast<uint8_t>(body[1]);
  body.remove_prefix(std::min(body.size(), 2 + topic));
  if ((head & 0x06U) == 0 || body.size() < 2) return body;
  acknowledgement = mqtt_packet(0x40, std::string(body.substr(0, 2)));
  return body.substr(2);
}

}  // namespace

void Recorder::listen() {
  server_.emplace();
  port_ = server_->port();
}

void Recorder::take(TcpPeer peer) {
  std::string early = peer.read_for(std::chrono::milliseconds(0));  // what a client before us has read already
  all_.push_back({std::move(peer), std::move(early), "", 0});
  take_from(all_.back());
  came_ = tally_.came();
  ++connections_;
}

void Recorder::start() {
  worker_.start([this] { turn(); });
}

Tally Recorder::tally() {
  Tally copy;
  worker_.run([&] { copy = tally_; });
  return copy;
}

bool Recorder::has(char source, uint32_t last) {
  return eventually([&] {
    bool there = false;
    worker_.run([&] { there = tally_.of(source).seen.size() > last && tally_.of(source).seen[last]; });
    return there;
  });
}

void Recorder::send(std::string bytes) {
  worker_.run([&] {
    if (all_.empty()) return;
    all_.back().out += bytes;
    left_to_send_ = all_.back().out.size() - all_.back().sent;
  });
}

void Recorder::turn() {
  std::vector<pollfd> waits{{worker_.wake_fd(), POLLIN, 0}, {server_ ? server_->fd() : -1, POLLIN, 0}};
  for (const Connection& c : all_)
    waits.push_back({c.peer.fd(), static_cast<short>(POLLIN | (c.out.empty() ? 0 : POLLOUT)), 0});
  ::poll(waits.data(), waits.size(), -1);
  const size_t before = all_.size();
  if ((waits[1].revents & POLLIN) != 0)
    if (TcpPeer peer = server_->accept(); peer.fd() >= 0) take(std::move(peer));
  for (size_t i = before; i-- > 0;) {
    Connection& c = all_[i];
    bool open = true;
    if (waits[i + 2].revents != 0) open = read_some(c.peer.fd(), c.in);
    take_from(c);
    came_ = tally_.came();
    if (open && !c.out.empty()) {
      const ssize_t n = write_some(c.peer.fd(), std::string_view(c.out).substr(c.sent));
      open = n >= 0;
      c.sent += static_cast<size_t>(std::max<ssize_t>(n, 0));
      if (c.sent == c.out.size()) {
        c.out.clear();
        c.sent = 0;
      }
    }
    if (open) continue;
    tally_.half(c.in);
    all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  left_to_send_ = all_.empty() ? 0 : all_.back().out.size() - all_.back().sent;
}

TcpSink::TcpSink() {
  listen();
  start();
}

void TcpSink::take_from(Connection& connection) { tally_.lines(connection.in); }

MqttSink::MqttSink() {
  listen();
  start();
}

std::string MqttSink::publish(const std::string& topic, const std::string& payload) {
  return mqtt_packet(0x30, mqtt_text(topic) + payload);
}

void MqttSink::hold_acknowledgements(bool on) {
  worker_.run([this, on] { holding_ = on; });
}

void MqttSink::take_from(Connection& connection) {
  size_t at = 0;
  uint8_t head = 0;
  for (std::string_view body; next_packet(connection.in, at, head, body);) {
    std::string answer;
    switch (head >> 4U) {
      case 1:  // CONNECT: what an earlier connection was owed is owed no more
        answer = mqtt_packet(0x20, std::string(2, '\0'));
        owed_.clear();
        break;
      case 3:
        tally_.message(payload_of(head, body, answer));
        if (holding_) {
          owed_ += answer;
          answer.clear();
        }
        break;
      case 8:
        answer = mqtt_packet(0x90, std::string(body.substr(0, 2)) + '\1');
        break;
      case 12:
        answer = mqtt_packet(0xD0, "");
        break;
      default:
        break;
    }
    connection.out += answer;
  }
  connection.in.erase(0, at);
  if (!holding_) connection.out += std::exchange(owed_, "");
}

MqttListener::MqttListener(uint16_t broker, const std::string& filter, int qos) {
  start();
  connect(broker, filter, qos);
}

void MqttListener::connect(uint16_t broker, const std::string& filter, int qos) {
  MqttClient client(broker);
  client.subscribe(filter, qos);
  worker_.run([&] { take(client.release()); });
}

void MqttListener::take_from(Connection& connection) {
  size_t at = 0;
  uint8_t head = 0;
  for (std::string_view body; next_packet(connection.in, at, head, body);) {
    if (head >> 4U != 3) continue;
    std::string answer;
    tally_.message(payload_of(head, body, answer));
    connection.out += answer;
  }
  connection.in.erase(0, at);
}

}  // namespace e2e
