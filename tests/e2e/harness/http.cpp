#include "http.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "wait.hpp"

namespace e2e {
namespace {

std::string text_of(const std::string& method, const std::string& path, const std::string& body) {
  return method + " " + path +
         " HTTP/1.1\r\nHost: dtud\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::string unchunked(const std::string& chunks) {
  std::string body;
  for (size_t at = 0; at < chunks.size();) {
    const size_t length = std::strtoul(chunks.c_str() + at, nullptr, 16);
    at = chunks.find("\r\n", at);
    if (length == 0 || at == std::string::npos) break;
    body.append(chunks, at + 2, length);
    at += 2 + length + 2;
  }
  return body;
}

HttpAnswer answer_from(const Descriptor& fd) {
  if (!fd) return {};
  std::string all;
  const Deadline deadline;
  for (bool open = true; open;) {
    if (!wait_readable(fd.get(), deadline.left_ms())) return {};
    char buffer[65536];
    const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, 0);
    open = n > 0;
    if (open) all.append(buffer, static_cast<size_t>(n));
  }
  const size_t head = all.find("\r\n\r\n");
  if (head == std::string::npos || all.compare(0, 9, "HTTP/1.1 ") != 0) return {};
  const bool chunked = all.find("Transfer-Encoding: chunked") < head;
  const std::string rest = all.substr(head + 4);
  return {std::atoi(all.c_str() + 9), chunked ? unchunked(rest) : rest};
}

}  // namespace

Descriptor http_begin(const std::string& socket, const std::string& bytes) {
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = ::send(fd.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return {};
    sent += static_cast<size_t>(n);
  }
  return fd;
}

HttpAnswer http_bytes(const std::string& socket, const std::string& bytes) {
  const Descriptor fd = http_begin(socket, bytes);
  ::shutdown(fd.get(), SHUT_WR);
  return answer_from(fd);
}

HttpAnswer http(const std::string& socket, const std::string& method, const std::string& path,
                const std::string& body) {
  return answer_from(http_begin(socket, text_of(method, path, body)));
}

HttpStream::HttpStream(const std::string& socket, const std::string& path)
    : fd_(http_begin(socket, text_of("GET", path, ""))) {
  read_until("\r\n\r\n");
}

bool HttpStream::read_until(const std::string& text) {
  const Deadline deadline;
  while (received_.find(text) == std::string::npos) {
    if (!fd_ || !wait_readable(fd_.get(), deadline.left_ms())) return false;
    char buffer[65536];
    const ssize_t n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    received_.append(buffer, static_cast<size_t>(n));
  }
  return true;
}

}  // namespace e2e
