#include <dtu/kit/http/patience.hpp>

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include <dtu/kit/http/message.hpp>

namespace http {
namespace {

constexpr int64_t kBeat_ms = 250;

}  // namespace

void Patience::wait(int fd, short events, const std::string& doing) const {
  if (!ready(fd, events)) throw Broken(Trouble::failed, doing + " took too long");
}

bool Patience::ready(int fd, short events) const {
  const auto began = Clock::now();
  const auto end = each_ < until_ - began ? began + each_ : until_;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    const bool glance = fd < 0 || left <= 0;  // what is ready already counts, even at the last moment
    pollfd fds[] = {{wake_, POLLIN, 0}, {fd, events, 0}};
    const int64_t longest = beat_ ? kBeat_ms : 3'600'000;
    const int ready = ::poll(fds, 2, glance ? 0 : static_cast<int>(std::min(left, longest)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0 && !glance && beat_) beat_();
    if (fds[0].revents != 0) throw Broken(Trouble::stopped, "stopped");
    if (fds[1].revents != 0) return true;
    if (left <= 0) return false;
    if (fd < 0) return true;
  }
}

Patience Patience::share(size_t of) const {
  const auto now = Clock::now();
  return {wake_, now + std::max(until_ - now, Clock::duration::zero()) / static_cast<int64_t>(std::max<size_t>(of, 1)),
          each_, beat_};
}

}  // namespace http
