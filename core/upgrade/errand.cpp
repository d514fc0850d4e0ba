#include "upgrade/errand.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "lanes/spawn.hpp"

namespace dtud::upgrade {
namespace {

constexpr size_t kLongestLine = 8192, kLongestJob = 32768;  // a job fits into a pipe
constexpr int64_t kMs = 1'000'000;
constexpr int64_t kGrace_ms = 5000, kLookAgain_ms = 10;
constexpr int kMostLooks = 50;

std::string reason(int code) { return std::generic_category().message(code); }

std::string how(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Errand::Errand(Lane& lane, Owner& owner) : lane_(lane), owner_(owner), timer_(lane.timers().create(run_reap, this)) {}

Errand::~Errand() {
  drop();
  lane_.timers().destroy(timer_);
}

std::string Errand::begin(const std::string& program, const std::string& job) {
  drop();
  std::array<int, 2> in{}, out{};
  if (job.size() + 1 > kLongestJob) return "the request to " + program + " is too long";
  if (::access(program.c_str(), X_OK) != 0)
    return program + " cannot be run: " + reason(errno) + "; it belongs to dtukit: install it";
  if (::pipe2(in.data(), O_CLOEXEC) != 0) return "cannot create a pipe: " + reason(errno);
  const Descriptor their_in(in[0]);
  to_ = Descriptor(in[1]);
  if (::pipe2(out.data(), O_CLOEXEC) != 0) return "cannot create a pipe: " + reason(errno);
  from_ = Descriptor(out[0]);
  const Descriptor their_out(out[1]);
  ::fcntl(from_.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(to_.get(), F_SETFL, O_NONBLOCK);  // a pipe too small for the job is an error, not a wait
  const std::string line = job + "\n";
  if (::write(to_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    return "cannot send the request to " + program + ": " + reason(errno);
  const Program started{{program}, {{their_in.get(), STDIN_FILENO}, {their_out.get(), STDOUT_FILENO}}};
  if (const int code = spawn(started, pid_); code != 0) {
    pid_ = -1;
    return program + " cannot be run: " + reason(code);
  }
  line_.clear();
  watch_ = lane_.watch(from_.get(), EPOLLIN, run_readable, this);
  if (watch_ != 0) return {};
  drop();
  return "cannot watch " + program + ": " + reason(errno);
}

void Errand::end() {
  to_.close();
  if (running()) lane_.timers().arm(timer_, monotonic_ns() + kGrace_ms * kMs);
}

void Errand::drop() {
  if (watch_ != 0) lane_.unwatch(std::exchange(watch_, 0));
  lane_.timers().disarm(timer_);
  to_.close();
  from_.close();
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void Errand::readable() {
  std::array<char, 4096> bytes{};
  const ssize_t n = ::read(from_.get(), bytes.data(), bytes.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {  // it has ended, or is about to
    lane_.unwatch(std::exchange(watch_, 0));
    from_.close();
    looks_ = 0;
    return reap();
  }
  for (const char c : std::string_view(bytes.data(), static_cast<size_t>(n))) {
    if (c != '\n') {
      if (line_.size() < kLongestLine) line_ += c;
      continue;
    }
    const std::string line = std::exchange(line_, {});
    owner_.errand_said(line);
    if (!from_) return;  // dropped
  }
}

// After the end of its output: the process itself is a moment later. Before it: the grace is over.
void Errand::reap() {
  if (watch_ != 0 || ++looks_ > kMostLooks) ::kill(pid_, SIGKILL);
  if (watch_ != 0) return;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == 0) {
    lane_.timers().arm(timer_, monotonic_ns() + kLookAgain_ms * kMs);
    return;
  }
  pid_ = -1;
  lane_.timers().disarm(timer_);
  to_.close();
  owner_.errand_ended(how(status));
}

}  // namespace dtud::upgrade
