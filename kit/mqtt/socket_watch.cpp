#include <dirent.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>  // the tcp_info of glibc has no tcpi_bytes_acked
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <mqtt/socket_watch.hpp>

namespace mqtt {
namespace {

// Of the kernel's states of a connection (include/net/tcp_states.h).
enum State : uint8_t {
  kEstablished = 1,
  kFinWait1 = 4,
  kFinWait2 = 5,
  kClose = 7,
  kCloseWait = 8,
  kLastAck = 9,
  kClosing = 11
};

bool goes_to(int fd, const std::string& address, const std::string& port) {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  auto* name = reinterpret_cast<sockaddr*>(&peer);
  if (getpeername(fd, name, &length) != 0 || (peer.ss_family != AF_INET && peer.ss_family != AF_INET6)) return false;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> service{};
  return getnameinfo(name, length, host.data(), host.size(), service.data(), service.size(),
                     NI_NUMERICHOST | NI_NUMERICSERV) == 0 &&
         address == host.data() && port == service.data();
}

struct CloseDir {
  void operator()(DIR* dir) const noexcept { closedir(dir); }
};

struct Facts {
  bool known = false;
  uint8_t state = 0;
  uint64_t acknowledged = 0, received = 0;  // bytes
  uint32_t silent_ms = 0;
};

Facts facts_of(int fd) {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return {};
  if (length < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
    return {};  // before Linux 4.1
  return {true, info.tcpi_state, info.tcpi_bytes_acked, info.tcpi_bytes_received, info.tcpi_last_data_recv};
}

uint64_t number_of(int fd, unsigned long request) {
  int bytes = 0;
  return ioctl(fd, request, &bytes) == 0 && bytes > 0 ? static_cast<uint64_t>(bytes) : 0;
}

// Bytes written and not yet acknowledged.
uint64_t open_bytes(int fd) { return number_of(fd, SIOCOUTQ); }

bool carries(const Facts& facts) { return facts.state == kEstablished || facts.state == kCloseWait; }

bool has_nodelay(int fd) {
  int on = 0;
  socklen_t length = sizeof on;
  return getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &length) == 0 && on != 0;
}

}  // namespace

std::vector<int> connections_to(const std::string& address, uint16_t port) {
  std::vector<int> found;
  const std::unique_ptr<DIR, CloseDir> dir(opendir("/proc/self/fd"));
  if (!dir) return found;
  const std::string service = std::to_string(port);
  while (const dirent* entry = readdir(dir.get())) {
    char* end = nullptr;
    const long fd = std::strtol(entry->d_name, &end, 10);
    if (end != entry->d_name && goes_to(static_cast<int>(fd), address, service)) found.push_back(static_cast<int>(fd));
  }
  return found;
}

void SocketWatch::find(const std::string& address, uint16_t port) {
  const Lock lock(mutex_);
  for (const int fd : connections_to(address, port)) {
    // One with TCP_NODELAY is another connection's, found before. One that received nothing is still being made.
    const Facts facts = facts_of(fd);
    if (!facts.known || !carries(facts) || facts.received == 0 || has_nodelay(fd)) continue;
    if (const int held = fcntl(fd, F_DUPFD_CLOEXEC, 0); held >= 0) sockets_.push_back({held, 0});
  }
  const int on = 1;
  for (const Socket& socket : sockets_) setsockopt(socket.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void SocketWatch::close() {
  const Lock lock(mutex_);
  for (const Socket& socket : sockets_) ::close(socket.fd);
  sockets_.clear();
}

bool SocketWatch::found() {
  const Lock lock(mutex_);
  return !sockets_.empty();
}

void SocketWatch::mark() {
  const Lock lock(mutex_);
  // Read in this order the sum is never too small.
  for (Socket& socket : sockets_) {
    const uint64_t open = open_bytes(socket.fd);
    socket.marked = open + facts_of(socket.fd).acknowledged;
  }
}

bool SocketWatch::marked_acknowledged() {
  const Lock lock(mutex_);
  if (sockets_.size() > 1) {  // of several, those that have ended were not ours
    const auto ended = [](const Socket& socket) {
      if (carries(facts_of(socket.fd))) return false;
      ::close(socket.fd);
      return true;
    };
    const auto first = std::remove_if(sockets_.begin(), sockets_.end(), ended);
    sockets_.erase(first, sockets_.end());
  }
  return std::all_of(sockets_.begin(), sockets_.end(), [](const Socket& socket) {
    const Facts facts = facts_of(socket.fd);
    return facts.acknowledged >= socket.marked || (carries(facts) && open_bytes(socket.fd) == 0);
  });
}

SocketWatch::End SocketWatch::end() {
  const Lock lock(mutex_);
  if (sockets_.size() != 1) return {};
  const int fd = sockets_.front().fd;
  const Facts facts = facts_of(fd);
  End end{By::unknown, facts.silent_ms, open_bytes(fd), number_of(fd, SIOCINQ)};
  switch (facts.state) {
    case kFinWait1:
    case kFinWait2:
    case kClosing:
      end.by = By::us;
      break;
    case kClose:
    case kCloseWait:
    case kLastAck:
      end.by = By::peer;
      break;
    default:
      break;
  }
  return end;
}

}  // namespace mqtt
