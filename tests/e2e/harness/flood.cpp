#include "flood.hpp"

#include <poll.h>

#include <string>

#include "tally.hpp"

namespace e2e {
namespace {

constexpr uint32_t kAtOnce = 32;  // messages

}  // namespace

Flood::Flood(Pty& pty, char source, size_t length)
    : pty_(pty), source_(source), length_(length), thread_([this] { run(); }) {}

Flood::~Flood() {
  abandoned_ = true;
  thread_.join();
}

void Flood::run() {
  while (!ending_ && !abandoned_) {
    const std::string lines = marked_lines(source_, sent_ + 1, kAtOnce, length_);
    for (size_t written = 0; written < lines.size() && !abandoned_;) {
      const ssize_t n = write_some(pty_.fd(), std::string_view(lines).substr(written));
      if (n < 0) return;
      written += static_cast<size_t>(n);
      pollfd p{pty_.fd(), POLLOUT, 0};
      if (n == 0) ::poll(&p, 1, 20);
    }
    sent_ += kAtOnce;
  }
  done_ = true;
}

}  // namespace e2e
