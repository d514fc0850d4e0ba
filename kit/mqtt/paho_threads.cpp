#include <MQTTAsync.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <chrono>
#include <mqtt/paho_threads.hpp>
#include <mqtt/socket_watch.hpp>
#include <string_view>
#include <utility>

namespace mqtt {
namespace {

using dtu_port::Descriptor;

constexpr std::string_view kConnack("\x20\x02\0\0", 4);
constexpr std::string_view kPingResponse("\xD0\0", 2);
constexpr int kAcceptMs = 2000, kReadMs = 3000, kLookEveryMs = 5;

uint16_t port_of(const sockaddr_in& address) { return ntohs(address.sin_port); }

// On a free port of 127.0.0.1. An invalid one when there is no loopback.
Descriptor listen_on_loopback(uint16_t& port) {
  Descriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* name = reinterpret_cast<sockaddr*>(&address);
  if (listener.get() < 0 || bind(listener.get(), name, length) != 0 || listen(listener.get(), 4) != 0 ||
      getsockname(listener.get(), name, &length) != 0)
    return {};
  port = port_of(address);
  return listener;
}

// The other end of `accepted` in this process; -1: another process has connected.
int other_end(int accepted, uint16_t listener_port) {
  sockaddr_in peer{};
  socklen_t length = sizeof peer;
  if (getpeername(accepted, reinterpret_cast<sockaddr*>(&peer), &length) != 0) return -1;
  for (const int fd : connections_to("127.0.0.1", listener_port)) {
    sockaddr_in own{};
    length = sizeof own;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length) == 0 && port_of(own) == port_of(peer)) return fd;
  }
  return -1;
}

bool say(const Descriptor& to, std::string_view bytes) {
  return send(to.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(bytes.size());
}

}  // namespace

PahoThreads::PahoThreads(const std::string& client_id) : client_id_("keeper of " + client_id) { repair(); }

PahoThreads::~PahoThreads() {
  if (handle_ != nullptr) MQTTAsync_destroy(&handle_);
}

void PahoThreads::connect() {
  void* before = std::exchange(handle_, nullptr);
  peer_.reset();
  uint16_t port = 0;
  const Descriptor listener = listen_on_loopback(port);
  const std::string uri = "tcp://127.0.0.1:" + std::to_string(listener.get() >= 0 ? port : 1);
  if (MQTTAsync_create(&handle_, uri.c_str(), client_id_.c_str(), MQTTCLIENT_PERSISTENCE_NONE, nullptr) != 0)
    handle_ = nullptr;
  if (before != nullptr) MQTTAsync_destroy(&before);  // not earlier: Paho is never without a client
  if (handle_ == nullptr || listener.get() < 0) return;
  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
  options.MQTTVersion = MQTTVERSION_3_1_1;
  options.keepAliveInterval = 0;
  options.cleansession = 1;
  options.connectTimeout = 5;
  if (MQTTAsync_connect(handle_, &options) != MQTTASYNC_SUCCESS) return;
  pollfd wait{listener.get(), POLLIN, 0};
  if (poll(&wait, 1, kAcceptMs) != 1) return;
  Descriptor accepted(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (accepted.get() < 0) return;
  paho_end_ = other_end(accepted.get(), port);
  if (paho_end_ >= 0) peer_ = std::move(accepted);
}

bool PahoThreads::wait_until_read() const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kReadMs);
  while (std::chrono::steady_clock::now() < until) {
    int unread = 0;
    if (ioctl(paho_end_, FIONREAD, &unread) != 0) return false;
    if (unread == 0) return true;
    pollfd wait{peer_.get(), POLLRDHUP, 0};
    if (poll(&wait, 1, kLookEveryMs) != 0) return false;  // Paho has closed it
  }
  return false;
}

void PahoThreads::wake() noexcept {
  if (peer_.get() >= 0) static_cast<void>(say(peer_, kPingResponse));
}

void PahoThreads::repair() {
  pollfd look{peer_.get(), POLLRDHUP, 0};
  if (peer_.get() >= 0 && poll(&look, 1, 0) == 0) return;
  connect();
  // The answer does not wait for CONNECT: Paho waits for bytes, not for the end of the TCP handshake.
  if (peer_.get() >= 0) static_cast<void>(say(peer_, kConnack));
}

// Paho ties the shared buffer to a connection of which a packet came in part, takes a new one for all others, and frees
// the old one with the connection. That it read the part does not tell that it has found no more yet. Should it find
// the end, it keeps the buffer. So our end stays open until the client is destroyed, which waits for a read under way.
void PahoThreads::renew() {
  connect();
  if (peer_.get() >= 0 && say(peer_, kConnack.substr(0, 1))) static_cast<void>(wait_until_read());
  const Descriptor part = std::exchange(peer_, {});
  repair();
}

}  // namespace mqtt
