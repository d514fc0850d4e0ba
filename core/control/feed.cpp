#include "control/feed.hpp"

#include <sys/eventfd.h>

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

bool Feed::closed() const {
  const Lock lock(mutex_);
  return closed_;
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
