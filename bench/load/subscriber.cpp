#include "subscriber.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

#include "byte_io.hpp"

namespace bench {
namespace {

constexpr uint8_t kConnack = 2, kPublish = 3, kSuback = 9;

std::string field(const std::string& text) {
  return std::string{static_cast<char>(text.size() >> 8U), static_cast<char>(text.size() & 0xFFU)} + text;
}

std::string frame(uint8_t header, const std::string& body) {
  if (body.size() > 127) throw std::runtime_error("topic too long");
  return std::string{static_cast<char>(header), static_cast<char>(body.size())} + body;
}

}  // namespace

Subscriber::Subscriber(uint16_t port, const std::string& topic) : buffer_(1U << 18U) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd_ < 0 || connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to the broker on port " + std::to_string(port));
  const std::string hello = field("MQTT") + std::string("\x04\x02\x00\x78", 4) + field("bench-sub");
  const std::string subscribe = std::string("\x00\x01", 2) + field(topic) + std::string(1, '\0');
  const std::string both = frame(0x10, hello) + frame(0x82, subscribe);
  write_all(fd_, both.data(), both.size());
  wait_for(kConnack);
  wait_for(kSuback);
}

Subscriber::~Subscriber() {
  if (fd_ >= 0) close(fd_);
}

bool Subscriber::packet(size_t at, uint8_t& header, std::string_view& body, size_t& end) const {
  if (at >= used_) return false;
  header = static_cast<uint8_t>(buffer_[at]);
  size_t length = 0;
  size_t pos = at + 1;
  for (unsigned shift = 0;; shift += 7) {
    if (shift > 21) throw std::runtime_error("the broker sent a broken length");
    if (pos >= used_) return false;
    const auto byte = static_cast<uint8_t>(buffer_[pos++]);
    length |= static_cast<size_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) break;
  }
  if (length > buffer_.size() / 2) throw std::runtime_error("the broker sent an oversized packet");
  if (pos + length > used_) return false;
  body = {&buffer_[pos], length};
  end = pos + length;
  return true;
}

bool Subscriber::fill(int flags) {
  for (;;) {
    const ssize_t got = recv(fd_, &buffer_[used_], buffer_.size() - used_, flags);
    if (got > 0) {
      used_ += static_cast<size_t>(got);
      return true;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return false;
    throw std::runtime_error("the broker closed the connection");
  }
}

void Subscriber::wait_for(uint8_t type) {
  uint8_t header = 0;
  std::string_view body;
  size_t end = 0;
  while (!packet(0, header, body, end)) fill(0);
  if (header >> 4U != type || static_cast<uint8_t>(body.back()) >= 0x80U)
    throw std::runtime_error("the broker refused the subscriber");
  used_ -= end;
  std::memmove(buffer_.data(), &buffer_[end], used_);
}

void Subscriber::read(const std::function<void(std::string_view payload)>& on_message) {
  if (!fill(MSG_DONTWAIT)) return;
  uint8_t header = 0;
  std::string_view body;
  size_t at = 0;
  for (size_t end = 0; packet(at, header, body, end); at = end) {
    if (header >> 4U != kPublish || body.size() < 2) continue;
    const size_t topic = static_cast<size_t>(static_cast<uint8_t>(body[0])) << 8U | static_cast<uint8_t>(body[1]);
    if (body.size() < 2 + topic) throw std::runtime_error("the broker sent a broken PUBLISH");
    on_message(body.substr(2 + topic));
  }
  used_ -= at;
  std::memmove(buffer_.data(), &buffer_[at], used_);
}

}  // namespace bench
