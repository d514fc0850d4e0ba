#include "socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/sockios.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace channel_tcp {
namespace {

constexpr int kListenBacklog = 16;
constexpr uint32_t kMostSilenceS = 60;  // before TCP starts to probe, or gives up on bytes under way
constexpr int kProbes = 3;

void set(int fd, int level, int option, int value) {
  // A kernel that lacks one of these still carries data: nothing to do about a failure.
  static_cast<void>(::setsockopt(fd, level, option, &value, sizeof value));
}

template <typename Get>
Address ask_address(int fd, Get get) {
  Address a;
  a.length = sizeof a.storage;
  if (get(fd, reinterpret_cast<sockaddr*>(&a.storage), &a.length) != 0) a.length = 0;
  return a;
}

struct Said {
  int error;
  const char* text;
};
template <size_t N>
const char* find(const Said (&table)[N], int error) {
  for (const Said& s : table)
    if (s.error == error) return s.text;
  return nullptr;
}

constexpr Said kConnection[] = {
    {ECONNREFUSED, "connection refused by "}, {ECONNRESET, "connection reset by "},
    {EPIPE, "connection closed by "},         {ETIMEDOUT, "no answer from "},
    {EHOSTUNREACH, "no way to reach "},       {ENETUNREACH, "no network route to "},
};
constexpr Said kListen[] = {
    {EADDRINUSE, " is in use by another program: stop that one (ss -ltnp names it) or choose another port"},
    {EADDRNOTAVAIL, " is not an address of this machine: choose one of those ip addr shows, or 0.0.0.0"},
    {EACCES, " may not be used by this user: choose a port above 1023, or grant CAP_NET_BIND_SERVICE"},
};

// The kernel's numbers (TCP_ESTABLISHED = 1, ...) as the DTU protocol counts them.
constexpr int kDtuStates[] = {0, 4, 2, 3, 5, 6, 10, 0, 7, 9, 1, 8};

}  // namespace

void Socket::reset() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::string Address::text() const {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> service{};
  if (length == 0 || ::getnameinfo(get(), length, host.data(), host.size(), service.data(), service.size(),
                                   NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "an unknown address";
  const std::string name = host.data();
  return (storage.ss_family == AF_INET6 ? "[" + name + "]" : name) + ":" + service.data();
}

uint16_t Address::port() const {
  if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return 0;
}

std::optional<Address> numeric_address(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return std::nullopt;
  Address a;
  a.length = found->ai_addrlen;
  std::memcpy(&a.storage, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return a;
}

Address local_address(int fd) { return ask_address(fd, ::getsockname); }
Address peer_address(int fd) { return ask_address(fd, ::getpeername); }

Socket open_socket(const Address& address) {
  return Socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
}

Socket listen_on(const Address& address) {
  Socket s = open_socket(address);
  if (!s) return s;
  set(s.fd(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.storage.ss_family == AF_INET6) set(s.fd(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (::bind(s.fd(), address.get(), address.length) != 0 || ::listen(s.fd(), kListenBacklog) != 0) {
    const int error = errno;
    s.reset();
    errno = error;
  }
  return s;
}

Socket accept_from(int listener) { return Socket(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)); }

void tune(int fd, uint32_t keep_alive_s) {
  const uint32_t silence = keep_alive_s == 0 ? kMostSilenceS : std::min(keep_alive_s, kMostSilenceS);
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(silence));
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(std::max(1U, silence / 6)));
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(silence * 1000));
}

int pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

uint64_t unacknowledged(int fd) {
  int bytes = 0;
  return ::ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<uint64_t>(bytes) : 0;
}

bool connected_to_itself(int fd) {
  const Address here = local_address(fd);
  const Address there = peer_address(fd);
  return here.length != 0 && here.length == there.length &&
         std::memcmp(&here.storage, &there.storage, here.length) == 0;
}

SocketFacts facts(int fd) {
  tcp_info info{};
  socklen_t length = sizeof info;
  SocketFacts f;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return f;
  if (info.tcpi_state < sizeof kDtuStates / sizeof *kDtuStates) f.dtu_state = kDtuStates[info.tcpi_state];
  f.rtt_us = info.tcpi_rtt;
  return f;
}

std::string describe(int error, const std::string& peer) {
  if (const char* text = find(kConnection, error)) return text + peer;
  return peer + ": " + std::system_category().message(error);
}

std::string describe_listen(int error, const std::string& address) {
  if (const char* text = find(kListen, error)) return address + text;
  return "cannot listen on " + address + ": " + std::system_category().message(error);
}

}  // namespace channel_tcp
