#include "line.hpp"

#include <poll.h>

namespace e2e {

bool Line::write(std::string_view bytes) {
  const Deadline deadline;
  while (!bytes.empty()) {
    const ssize_t n = write_some(fd(), bytes);
    if (n < 0 || deadline.over()) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
    if (n != 0) continue;
    pollfd p{fd(), POLLOUT, 0};
    ::poll(&p, 1, 100);
  }
  return true;
}

bool Line::more(const Deadline& deadline) {
  if (!wait_readable(fd(), deadline.left_ms())) return false;
  const size_t before = received_.size();
  return read_some(fd(), received_) || received_.size() != before;
}

std::string Line::read(size_t length) {
  const Deadline deadline;
  while (received_.size() < length && more(deadline)) {
  }
  std::string got = received_.substr(0, length);
  received_.erase(0, got.size());
  return got;
}

std::string Line::read_until(const std::string& text) {
  const Deadline deadline;
  while (received_.find(text) == std::string::npos && more(deadline)) {
  }
  const size_t at = received_.find(text);
  std::string got = received_.substr(0, at == std::string::npos ? at : at + text.size());
  received_.erase(0, got.size());
  return got;
}

std::string Line::read_to_end() {
  const Deadline deadline;
  while (more(deadline)) {
  }
  return std::exchange(received_, "");
}

std::string Line::read_for(std::chrono::milliseconds time) {
  const Deadline deadline(time);
  while (more(deadline)) {
  }
  return std::exchange(received_, "");
}

}  // namespace e2e
