#include "server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace http_test {
namespace {

constexpr int kPatience_ms = 30'000;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

std::string answer(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Word\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

bool Peer::ready(short events, int ms) {
  pollfd fds[] = {{stop_, POLLIN, 0}, {fd_, events, 0}};
  return ::poll(fds, 2, ms) > 0 && fds[0].revents == 0;
}

bool Peer::more() {
  char bytes[8192];
  if ((ssl_ == nullptr || SSL_pending(ssl_) == 0) && !ready(POLLIN, kPatience_ms)) return false;
  const ssize_t n = ssl_ != nullptr ? SSL_read(ssl_, bytes, sizeof bytes) : ::recv(fd_, bytes, sizeof bytes, 0);
  if (n > 0) received_.append(bytes, static_cast<size_t>(n));
  return n > 0;
}

std::optional<Asked> Peer::read() {
  size_t end = std::string::npos;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos)
    if (!more()) return std::nullopt;
  Asked asked;
  const std::string head = received_.substr(0, end + 2);
  received_.erase(0, end + 4);
  const size_t first = head.find(' ');
  const size_t second = head.find(' ', first + 1);
  asked.method = head.substr(0, first);
  asked.target = head.substr(first + 1, second - first - 1);
  for (size_t at = head.find("\r\n") + 2; at < head.size();) {
    const size_t stop = head.find("\r\n", at);
    const size_t colon = head.find(':', at);
    asked.headers[lower(head.substr(at, colon - at))] = head.substr(colon + 2, stop - colon - 2);
    at = stop + 2;
  }
  const size_t length = asked.headers.count("content-length") == 0 ? 0 : std::stoul(asked.headers["content-length"]);
  while (received_.size() < length)
    if (!more()) return std::nullopt;
  asked.body = received_.substr(0, length);
  received_.erase(0, length);
  return asked;
}

bool Peer::write(std::string_view text) {
  while (!text.empty()) {
    if (!ready(POLLOUT, kPatience_ms)) return false;
    const ssize_t n = ssl_ != nullptr ? SSL_write(ssl_, text.data(), static_cast<int>(text.size()))
                                      : ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void Peer::wait_closed() {
  while (more()) {
  }
}

bool Peer::pause_ms(int ms) {
  return !ready(POLLIN, ms) && [this] {
    pollfd p{stop_, POLLIN, 0};
    return ::poll(&p, 1, 0) == 0;
  }();
}

void Peer::reset() {
  const linger hard{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

Server::Server(Script script, const std::string& certificate, const std::string& key)
    : script_(std::move(script)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof a;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &length) != 0)
    throw std::runtime_error("the test server cannot listen");
  port_ = ntohs(a.sin_port);
  if (!certificate.empty()) {
    context_ = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context_, certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) != 1)
      throw std::runtime_error("the test server cannot use " + certificate);
  }
  thread_ = std::thread([this] { serve(); });
}

Server::~Server() {
  static_cast<void>(::eventfd_write(stop_, 1));
  thread_.join();
  for (auto& talk : talks_) talk.join();
  ::close(listener_);
  ::close(stop_);
  SSL_CTX_free(context_);
}

Server::Script Server::replies(Reply reply) {
  return [reply = std::move(reply)](Peer& peer, int) {
    while (auto asked = peer.read())
      if (!peer.write(reply(*asked))) return;
  };
}

std::string Server::url(const std::string& target) const {
  return (context_ != nullptr ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_) + target;
}

void Server::serve() {
  for (;;) {
    pollfd fds[] = {{stop_, POLLIN, 0}, {listener_, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[0].revents != 0) return;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) talks_.emplace_back([this, fd, n = ++connections_] { talk(fd, n); });
  }
}

void Server::talk(int fd, int connection) {
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);  // SSL_write() to a client that is gone
  const timeval patience{kPatience_ms / 1000, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  SSL* ssl = nullptr;
  bool good = true;
  if (context_ != nullptr) {
    ssl = SSL_new(context_);
    SSL_set_fd(ssl, fd);
    good = SSL_accept(ssl) == 1;
  }
  if (good) {
    Peer peer(fd, stop_, ssl);
    script_(peer, connection);
    if (ssl != nullptr) SSL_shutdown(ssl);
  }
  SSL_free(ssl);
  ::close(fd);
}

}  // namespace http_test
