// Bytes to and from the control socket, without an HTTP library that would tidy them up.
#pragma once
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>

#include "lanes/descriptor.hpp"

namespace dtud::control::test {

class RawClient {
 public:
  explicit RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("connect " + path + ": " + std::strerror(errno));
  }

  // False: the other end has closed.
  bool send(const std::string& bytes) {
    size_t sent = 0;
    while (sent < bytes.size()) {
      const auto n = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n < 0) return false;
      sent += static_cast<size_t>(n);
    }
    return true;
  }
  // Reads on until what was received contains `text`; false at the end or after 20 s.
  bool read_until(const std::string& text) {
    while (received.find(text) == std::string::npos)
      if (!read_some()) return false;
    return true;
  }
  // Reads to the end of the connection; false after 20 s without it.
  bool read_to_end() {
    while (read_some()) {
    }
    return ended_;
  }
  void close() { fd_.close(); }
  void finish() { ::shutdown(fd_.get(), SHUT_WR); }  // nothing more is sent; the answer can still be read
  // One request on a connection of its own, with the whole answer.
  static std::string ask(const std::string& path, const std::string& method, const std::string& target,
                         const std::string& body = {}) {
    RawClient client(path);
    std::string text = method + " " + target + " HTTP/1.1\r\nHost: dtud\r\nConnection: close\r\n";
    if (method != "GET") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    client.send(text + "\r\n" + body);
    client.read_to_end();
    return client.received;
  }

  std::string received;

 private:
  bool read_some() {
    pollfd p{fd_.get(), POLLIN, 0};
    if (::poll(&p, 1, 20'000) <= 0) return false;
    char piece[4096];
    const auto n = ::recv(fd_.get(), piece, sizeof piece, 0);
    if (n <= 0) {
      ended_ = true;
      return false;
    }
    received.append(piece, static_cast<size_t>(n));
    return true;
  }
  Descriptor fd_;
  bool ended_ = false;
};

inline int status_of(const std::string& answer) {
  return answer.size() > 12 && answer.rfind("HTTP/1.1 ", 0) == 0 ? std::stoi(answer.substr(9, 3)) : 0;
}
inline std::string body_of(const std::string& answer) {
  const auto at = answer.find("\r\n\r\n");
  return at == std::string::npos ? "" : answer.substr(at + 4);
}

}  // namespace dtud::control::test
