#include <dirent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <mqtt/nodelay.hpp>

namespace mqtt {
namespace {

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

}  // namespace

void send_at_once(const std::string& address, uint16_t port) {
  const std::unique_ptr<DIR, CloseDir> dir(opendir("/proc/self/fd"));
  if (!dir) return;
  const std::string service = std::to_string(port);
  while (const dirent* entry = readdir(dir.get())) {
    char* end = nullptr;
    const long fd = std::strtol(entry->d_name, &end, 10);
    if (end == entry->d_name || !goes_to(static_cast<int>(fd), address, service)) continue;
    const int on = 1;
    setsockopt(static_cast<int>(fd), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
}

}  // namespace mqtt
