#include "kernel/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "lanes/descriptor.hpp"

namespace dtud {

void tell_service_manager(std::string_view assignments) {
  const char* name = std::getenv("NOTIFY_SOCKET");
  if (name == nullptr || (name[0] != '/' && name[0] != '@')) return;
  const std::string path(name);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return;
  path.copy(address.sun_path, path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';
  const Descriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  // Nobody listens, or too slowly: that must not hold us up, and there is nobody to tell.
  (void)::sendto(fd.get(), assignments.data(), assignments.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), length);
}

Watchdog::Watchdog(Lane& lane, std::function<bool()> is_well)
    : lane_(lane), is_well_(std::move(is_well)), timer_(lane.timers().create(alive, this)) {}

Watchdog::~Watchdog() { lane_.timers().destroy(timer_); }

void Watchdog::start() {
  const char* usec = std::getenv("WATCHDOG_USEC");
  const char* pid = std::getenv("WATCHDOG_PID");
  if (usec == nullptr || (pid != nullptr && std::strtoll(pid, nullptr, 10) != ::getpid())) return;
  const int64_t half_ns = std::strtoll(usec, nullptr, 10) * 1000 / 2;
  if (half_ns > 0) lane_.timers().arm(timer_, monotonic_ns() + half_ns, half_ns);
}

void Watchdog::alive(void* self) {
  if (static_cast<Watchdog*>(self)->is_well_()) tell_service_manager("WATCHDOG=1");
}

}  // namespace dtud
