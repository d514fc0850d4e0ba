#include "control/feed.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace dtud::control {
namespace {

void signal(int fd) {
  const uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(fd, &one, sizeof one);  // only a full counter fails, and that is readable too
}

void clear(int fd) {
  uint64_t count = 0;
  [[maybe_unused]] const auto n = ::read(fd, &count, sizeof count);
}

int milliseconds_until(Feed::Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Feed::Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 3'600'000));
}

}  // namespace

Feed::Feed(Limits limits) : limits_(limits), ready_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!ready_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

bool Feed::push(std::string_view line) {
  const Lock lock(mutex_);
  if (closed_) return false;
  const bool was_empty = lines_ == 0 && gap_ == 0;
  // After a gap nothing is taken in until the reader has caught up: the order of lines and gaps stays true.
  const bool fits = gap_ == 0 && lines_ < limits_.lines && line.size() < limits_.bytes - text_.size();
  if (fits) {
    text_.append(line).push_back('\n');
    ++lines_;
  } else {
    ++gap_;
    ++missed_;
  }
  if (was_empty) signal(ready_.get());
  return fits;
}

void Feed::close() {
  const Lock lock(mutex_);
  closed_ = true;
  signal(ready_.get());
}

uint64_t Feed::missed() const {
  const Lock lock(mutex_);
  return missed_;
}

Feed::Wake Feed::wait(Clock::time_point deadline, int peer) const {
  for (;;) {
    std::array<pollfd, 2> fds{{{ready_.get(), POLLIN, 0}, {peer, 0, 0}}};  // a hang-up needs no asking
    const int n = ::poll(fds.data(), fds.size(), milliseconds_until(deadline));
    if (n < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    if (n > 0 && fds[1].revents != 0) return Wake::peer_gone;
    {
      const Lock lock(mutex_);
      if (lines_ > 0 || gap_ > 0) return Wake::lines;
      if (closed_) return Wake::closed;
    }
    if (Clock::now() >= deadline) return Wake::deadline;
  }
}

std::string Feed::take() {
  const Lock lock(mutex_);
  if (!closed_) clear(ready_.get());
  std::string out;
  out.swap(text_);
  if (gap_ > 0) out += "{\"missed\": " + std::to_string(gap_) + "}\n";
  lines_ = 0;
  gap_ = 0;
  return out;
}

}  // namespace dtud::control
