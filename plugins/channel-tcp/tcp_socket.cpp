#include "tcp_socket.hpp"

#include "port_holder.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <linux/sockios.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace channel_tcp {
namespace {

constexpr int kListenBacklog = 16;
constexpr uint32_t kMostSilenceS = 60;  // before TCP starts to probe, or gives up on bytes under way
constexpr int kProbes = 3;

struct Said {
  int error;
  const char* text;
};
constexpr Said kListen[] = {
    {EADDRNOTAVAIL, " is not an address of this machine: choose one of those ip addr shows, or 0.0.0.0"},
    {EACCES, " may not be used by this user: choose a port above 1023, or grant CAP_NET_BIND_SERVICE"},
};

// The kernel's numbers (TCP_ESTABLISHED = 1, ...) as the DTU protocol counts them.
constexpr int kDtuStates[] = {0, 4, 2, 3, 5, 6, 10, 0, 7, 9, 1, 8};

}  // namespace

Socket listen_on(const Address& address) {
  Socket s = net::open_socket(address, SOCK_STREAM);
  if (!s) return s;
  net::set_option(s.fd(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.storage.ss_family == AF_INET6) net::set_option(s.fd(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
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
  net::set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  net::set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  net::set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(silence));
  net::set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(std::max(1U, silence / 6)));
  net::set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  net::set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(silence * 1000));
}

uint64_t unacknowledged(int fd) {
  int bytes = 0;
  if (::ioctl(fd, SIOCOUTQ, &bytes) != 0) return UINT64_MAX;  // nobody knows: nothing counts as acknowledged
  return bytes > 0 ? static_cast<uint64_t>(bytes) : 0;
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

std::string describe_listen(int error, const Address& listen) {
  const std::string address = listen.text();
  if (error == EADDRINUSE) {
    const std::string holder = holder_of(listen.port());
    return address + " is in use by " +
           (holder.empty() ? "another program: stop that one (ss -ltnp names it) or choose another port"
                           : holder + ": choose another port, or stop that one");
  }
  for (const Said& s : kListen)
    if (s.error == error) return address + s.text;
  return "cannot listen on " + address + ": " + std::system_category().message(error);
}

}  // namespace channel_tcp
