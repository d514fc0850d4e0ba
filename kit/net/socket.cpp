#include <dtu/kit/net/socket.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace net {
namespace {

template <typename Get>
Address ask_address(int fd, Get get) {
  Address a;
  a.length = sizeof a.storage;
  if (get(fd, reinterpret_cast<sockaddr*>(&a.storage), &a.length) != 0) a.length = 0;
  return a;
}

// Each error with the one it comes from: the peer, the network between, or this device.
struct Said {
  int error;
  const char* text;
};
constexpr Said kConnection[] = {
    {ECONNREFUSED, "connection refused by "},
    {ECONNRESET, "connection reset by "},
    {EPIPE, "connection closed by "},
    {ETIMEDOUT, "no answer from "},
    {EHOSTUNREACH, "no way to reach "},
    {ENETUNREACH, "no network route to "},
    {ENETDOWN, "the network of this device is down: no way to reach "},
    {EADDRNOTAVAIL, "this device has no free port or address to reach "},
    {EAFNOSUPPORT, "this device has no network of the kind of "},
    {EACCES, "this device does not permit to send to "},
    {EPERM, "a firewall of this device does not permit to send to "},
    {EMFILE, "this device has no free descriptor to reach "},
    {ENFILE, "this device has no free descriptor to reach "},
    {ENOBUFS, "this device has no memory to reach "},
    {ENOMEM, "this device has no memory to reach "},
};

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
  hints.ai_socktype = SOCK_STREAM;  // any one type, so that each address comes once
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

Socket open_socket(const Address& address, int type) {
  return Socket(::socket(address.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

void set_option(int fd, int level, int option, int value) {
  static_cast<void>(::setsockopt(fd, level, option, &value, sizeof value));
}

int pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

bool connected_to_itself(int fd) {
  const Address here = local_address(fd);
  const Address there = peer_address(fd);
  return here.length != 0 && here.length == there.length &&
         std::memcmp(&here.storage, &there.storage, here.length) == 0;
}

std::string describe(int error, const std::string& peer) {
  for (const Said& s : kConnection)
    if (s.error == error) return s.text + peer;
  return peer + ": " + std::system_category().message(error);
}

}  // namespace net
