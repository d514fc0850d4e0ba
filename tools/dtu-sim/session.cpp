#include "session.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace sim {

Interrupts::Interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);  // a pseudo terminal hanging up is a line that vanished, not the end
  fd_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (fd_.get() < 0) throw std::runtime_error("signalfd failed");
}

int64_t now_ms() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<int64_t>(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

bool Session::send(const std::string& bytes) {
  if (out_.size() + bytes.size() > kMostWaiting) return false;
  out_ += bytes;
  if (line_.is_open()) flush();
  return true;
}

void Session::flush() {
  if (!out_.empty()) out_.erase(0, line_.write(out_));
}

bool Session::reopen() {
  constexpr int kRetryMs = 100;
  if (was_open_ && missing_since_ < 0) {
    ++vanished_;
    out_.clear();  // half a frame on a new line would only be noise
    std::fprintf(stderr, "dtu-sim: %s: %s; waiting for it\n", line_.name().c_str(), line_.error().c_str());
  }
  if (missing_since_ < 0) missing_since_ = now_ms();
  if (line_.open()) {
    missing_since_ = -1;
    was_open_ = true;
    return true;
  }
  if (patience_ms_ > 0 && now_ms() - missing_since_ >= patience_ms_) throw std::runtime_error(line_.error());
  pollfd fd{interrupts_.fd(), POLLIN, 0};
  interrupted_ = poll(&fd, 1, kRetryMs) > 0 || interrupted_;
  return false;
}

bool Session::finish(int64_t within_ms) {
  constexpr int64_t kLookMs = 10;
  const int64_t end = now_ms() + within_ms;
  // Twice, because a pty hands bytes over in the background: for a moment they are in neither count.
  for (int quiet = 0; quiet < 2;) {
    if (!line_.is_open() || interrupted_ || now_ms() > end) return false;
    if (wait(now_ms() + kLookMs)) line_.read();
    quiet = out_.empty() && line_.is_open() && line_.drained() ? quiet + 1 : 0;
  }
  return true;
}

bool Session::wait(int64_t due_ms) {
  if (!line_.is_open() && !reopen()) return false;
  pollfd fds[2] = {{line_.fd(), static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT), 0},
                   {interrupts_.fd(), POLLIN, 0}};
  constexpr int64_t kMost = 60'000;
  const int64_t patience = std::clamp<int64_t>(due_ms - now_ms(), 0, kMost);
  if (poll(fds, 2, static_cast<int>(patience)) <= 0) return false;
  if (fds[1].revents != 0) interrupted_ = true;
  if ((fds[0].revents & POLLOUT) != 0) flush();
  return line_.is_open() && (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
}

}  // namespace sim
