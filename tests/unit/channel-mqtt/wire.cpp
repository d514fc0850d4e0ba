#include "wire.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace mqtt_test {
namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in loopback(int port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<uint16_t>(port));
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

int left_ms(Clock::time_point until) {
  return static_cast<int>(std::max<int64_t>(0, std::chrono::duration_cast<Ms>(until - Clock::now()).count()));
}

uint16_t number_at(const std::string& s, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(s.at(at)) << 8 | static_cast<uint8_t>(s.at(at + 1)));
}

}  // namespace

std::string number16(uint16_t n) { return {static_cast<char>(n >> 8), static_cast<char>(n & 0xFF)}; }
std::string text16(const std::string& text) { return number16(static_cast<uint16_t>(text.size())) + text; }

std::string packet(uint8_t first, const std::string& body) {
  std::string out(1, static_cast<char>(first));
  size_t rest = body.size();
  do {
    const auto digit = static_cast<uint8_t>(rest % 128);
    rest /= 128;
    out += static_cast<char>(rest > 0 ? digit | 0x80 : digit);
  } while (rest > 0);
  return out + body;
}

Published parse_publish(const Packet& p) {
  Published out;
  out.qos = p.first >> 1 & 3;
  out.dup = (p.first & 8) != 0;
  out.retain = (p.first & 1) != 0;
  size_t at = 2U + number_at(p.body, 0);
  out.topic = p.body.substr(2, at - 2);
  if (out.qos > 0) {
    out.id = number_at(p.body, at);
    at += 2;
  }
  out.payload = p.body.substr(at);
  return out;
}

Wire::Wire(Wire&& o) noexcept : fd_(std::exchange(o.fd_, -1)), buffer_(std::move(o.buffer_)) {}
Wire::~Wire() {
  if (fd_ >= 0) close(fd_);
}

Wire Wire::connect_to(int port) {
  Wire wire(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in a = loopback(port);
  if (connect(wire.fd_, reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0)
    throw std::runtime_error("cannot connect to port " + std::to_string(port));
  return wire;
}

void Wire::send(const std::string& bytes) const {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n <= 0) return;
    done += static_cast<size_t>(n);
  }
}

bool Wire::fill(size_t n, Clock::time_point until) {
  while (buffer_.size() < n) {
    pollfd p{fd_, POLLIN, 0};
    if (poll(&p, 1, left_ms(until)) != 1) return false;
    char chunk[65536];
    const ssize_t got = recv(fd_, chunk, sizeof chunk, 0);
    if (got <= 0) return false;
    buffer_.append(chunk, static_cast<size_t>(got));
  }
  return true;
}

std::optional<Packet> Wire::read(Ms deadline) {
  const auto until = Clock::now() + deadline;
  size_t length = 0;
  size_t at = 1;
  for (int shift = 0;; shift += 7, ++at) {
    if (!fill(at + 1, until)) return {};
    const auto digit = static_cast<uint8_t>(buffer_[at]);
    length |= static_cast<size_t>(digit & 0x7F) << shift;
    if ((digit & 0x80) == 0) break;
  }
  if (!fill(at + 1 + length, until)) return {};
  Packet p{static_cast<uint8_t>(buffer_[0]), buffer_.substr(at + 1, length)};
  buffer_.erase(0, at + 1 + length);
  return p;
}

void Wire::reset() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(std::exchange(fd_, -1));
}

Client::Client(int port, const std::string& id, bool clean) : wire_(Wire::connect_to(port)) {
  wire_.send(packet(kConnect << 4, text16("MQTT") + '\4' + (clean ? '\2' : '\0') + number16(0) + text16(id)));
  if (!read_until(kConnack)) throw std::runtime_error("no CONNACK");
}

std::optional<Packet> Client::read_until(int type) {
  while (auto p = wire_.read()) {
    if (p->type() == type) return p;
    if (p->type() == kPublish) held_.push_back(*p);
  }
  return {};
}

void Client::subscribe(const std::string& filter, int qos) {
  wire_.send(packet(kSubscribe << 4 | 2, number16(next_id_++) + text16(filter) + static_cast<char>(qos)));
  if (!read_until(kSuback)) throw std::runtime_error("no SUBACK");
}

void Client::publish(const std::string& topic, const std::string& payload, int qos, bool retain) {
  std::string body = text16(topic);
  const uint16_t id = next_id_++;
  if (qos > 0) body += number16(id);
  wire_.send(packet(static_cast<uint8_t>(kPublish << 4 | qos << 1 | (retain ? 1 : 0)), body + payload));
  if (qos == 1 && !read_until(kPuback)) throw std::runtime_error("no PUBACK");
  if (qos != 2) return;
  if (!read_until(kPubrec)) throw std::runtime_error("no PUBREC");
  wire_.send(packet(kPubrel << 4 | 2, number16(id)));
  if (!read_until(kPubcomp)) throw std::runtime_error("no PUBCOMP");
}

std::optional<Published> Client::receive(Ms deadline) {
  Packet p;
  if (!held_.empty()) {
    p = held_.front();
    held_.erase(held_.begin());
  } else {
    do {
      auto next = wire_.read(deadline);
      if (!next) return {};
      p = *next;
      if (p.type() == kPubrel) wire_.send(packet(kPubcomp << 4, p.body));
    } while (p.type() != kPublish);
  }
  Published out = parse_publish(p);
  if (out.qos == 1) wire_.send(packet(kPuback << 4, number16(out.id)));
  if (out.qos == 2) wire_.send(packet(kPubrec << 4, number16(out.id)));
  return out;
}

FakeBroker::FakeBroker(std::function<void(Wire&, int)> serve)
    : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), stop_{-1, -1} {
  sockaddr_in a = loopback(0);
  socklen_t n = sizeof a;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&a), n) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &n) != 0 || pipe(stop_) != 0)
    throw std::runtime_error("no fake broker");
  port_ = ntohs(a.sin_port);
  thread_ = std::thread([this, serve = std::move(serve)] {
    for (int i = 0;; ++i) {
      pollfd p[2] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
      if (poll(p, 2, -1) < 0 || p[1].revents != 0) return;
      Wire wire(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
      serve(wire, i);
    }
  });
}

FakeBroker::~FakeBroker() {
  if (write(stop_[1], "x", 1) != 1) std::abort();
  thread_.join();
  close(listener_);
  close(stop_[0]);
  close(stop_[1]);
}

}  // namespace mqtt_test
