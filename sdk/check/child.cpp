#include "child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <system_error>

extern "C" int __lsan_do_recoverable_leak_check() __attribute__((weak));

namespace dtu::check {
namespace {

constexpr size_t frame_max = size_t{2} << 20U;  // of one field: a schema may be long
constexpr size_t output_max = 65536;
constexpr int poll_ms = 20;
constexpr rlim_t file_max = rlim_t{256} << 20U;
[[maybe_unused]] constexpr rlim_t memory_max = rlim_t{4} << 30U;
constexpr int unreported = 97;  // exit code of a body that threw

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "no free descriptor");
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::atomic<Trail*>& faulting_trail() {  // for the signal handler, which has no other way to it
  static std::atomic<Trail*> trail{nullptr};
  return trail;
}

void fault_handler(int /*signal*/, siginfo_t* info, void* /*context*/) {
  if (Trail* trail = faulting_trail().load()) trail->faulted(info->si_addr);
}  // and the instruction faults again, this time with the default action

void lower(int what, rlim_t to) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(what), &limit) != 0 || limit.rlim_cur <= to) return;
  limit.rlim_cur = to;
  ::setrlimit(static_cast<__rlimit_resource>(what), &limit);
}

void become_child(Trail& trail, int output) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  lower(RLIMIT_CORE, 0);
  lower(RLIMIT_FSIZE, file_max);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && __SIZEOF_POINTER__ == 8
  lower(RLIMIT_AS, memory_max);  // a sanitizer reserves terabytes
#endif
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::close(null);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::signal(SIGPIPE, SIG_IGN);  // as in dtud
  ::signal(SIGINT, SIG_DFL);
  faulting_trail() = &trail;
  struct sigaction action = {};
  action.sa_sigaction = fault_handler;
  action.sa_flags = static_cast<int>(SA_SIGINFO | SA_RESETHAND);
  ::sigaction(SIGSEGV, &action, nullptr);
  ::sigaction(SIGBUS, &action, nullptr);
}

[[noreturn]] void live(Trail& trail, int wire_fd, int output, const std::function<void(Wire&)>& body) {
  become_child(trail, output);
  Wire wire(wire_fd);
  int code = 0;
  try {
    body(wire);
    wire.fact("finished", "1");
  } catch (const std::exception& e) {
    ::dprintf(STDERR_FILENO, "dtu-plugin-check: %s\n", e.what());
    code = unreported;
  }
  if (__lsan_do_recoverable_leak_check != nullptr) __lsan_do_recoverable_leak_check();
  ::_exit(code);  // no destructors of the plugin's statics: dtud runs none of them either
}

class Reader {
 public:
  // Whole frames: kind, then two texts with their lengths.
  void feed(const char* bytes, size_t n, Outcome& out) {
    pending_.append(bytes, n);
    while (pending_.size() >= 9) {
      uint32_t a = 0;
      uint32_t b = 0;
      std::memcpy(&a, &pending_[1], sizeof a);
      std::memcpy(&b, &pending_[5], sizeof b);
      if (a > frame_max || b > frame_max) return pending_.clear();  // a plugin wrote into the pipe
      if (pending_.size() < 9U + a + b) return;
      take(pending_[0], pending_.substr(9, a), pending_.substr(9U + a, b), out);
      pending_.erase(0, 9U + a + b);
    }
  }

 private:
  static void take(char kind, std::string a, std::string b, Outcome& out) {
    if (kind == 'F') out.findings.push_back({std::move(a), std::move(b)});
    if (kind == 'X') out.facts[std::move(a)] = std::move(b);
  }
  std::string pending_;
};

bool drain(int fd, Reader& reader, Outcome& out) {  // false: no more will come
  std::array<char, 8192> bytes{};
  for (;;) {
    const ssize_t n = ::read(fd, bytes.data(), bytes.size());
    if (n > 0) {
      reader.feed(bytes.data(), static_cast<size_t>(n), out);
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    return n < 0 && errno == EAGAIN;
  }
}

std::string contents(int fd) {
  std::string all(output_max, '\0');
  const ssize_t n = ::pread(fd, all.data(), all.size(), 0);
  all.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return all;
}

// Until it is gone. Whoever is left of its process group goes with it.
void follow(pid_t pid, int fd, const Trail& trail, const Patience& patience, Outcome& out) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::milliseconds(patience.whole_ms);
  Reader reader;
  int status = 0;
  for (bool open = true;;) {
    pollfd p{fd, POLLIN, 0};
    ::poll(&p, open ? 1 : 0, poll_ms);
    if (open) open = drain(fd, reader, out);
    const pid_t gone = ::waitpid(pid, &status, WNOHANG);
    if (gone == pid) break;
    const bool call_hangs = trail.inside_ns() > int64_t{patience.call_ms} * 1'000'000;
    if (out.hung || (!call_hangs && Clock::now() < until)) continue;
    out.hung = true;
    out.inside = trail.inside_ns() != 0;
    out.function = trail.last_function();
    ::kill(-pid, SIGKILL);
    ::kill(pid, SIGKILL);
  }
  drain(fd, reader, out);
  ::kill(-pid, SIGKILL);
  if (WIFSIGNALED(status)) out.signal = WTERMSIG(status);
  if (WIFEXITED(status)) out.exit_code = WEXITSTATUS(status);
}

}  // namespace

void Wire::send(char kind, const std::string& a, const std::string& b) {
  const auto la = static_cast<uint32_t>(std::min(a.size(), frame_max));
  const auto lb = static_cast<uint32_t>(std::min(b.size(), frame_max));
  std::string frame(1, kind);
  frame.append(reinterpret_cast<const char*>(&la), sizeof la).append(reinterpret_cast<const char*>(&lb), sizeof lb);
  frame.append(a, 0, la).append(b, 0, lb);
  const host::Lock lock(mutex_);
  for (size_t at = 0; at < frame.size();) {
    const ssize_t n = ::write(fd_, frame.data() + at, frame.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // the parent is gone, and so are we soon
    at += static_cast<size_t>(n);
  }
}

void Wire::finding(const std::string& rule, const std::string& what) { send('F', rule, what); }
void Wire::fact(const std::string& key, const std::string& value) { send('X', key, value); }

std::string Outcome::death() const {
  std::string text;
  if (hung)
    text = inside ? "did not return from " : "did not end after ";
  else if (signal != 0)
    text = "died of signal " + std::to_string(signal) + " (" + strsignal(signal) + ") " + (inside ? "in " : "after ");
  else
    text = "exited with " + std::to_string(exit_code) + (inside ? " in " : " after ");
  text += function.empty() ? "the beginning" : function;
  if (!step.empty()) text += ", " + step;
  return text;
}

Outcome run_child(Trail& trail, const Patience& patience, const std::function<void(Wire&)>& body) {
  Outcome out;
  trail.clear();
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  Descriptor ours(ends[0]);
  Descriptor theirs(ends[1]);
  const Descriptor output(::memfd_create("output", MFD_CLOEXEC));
  const pid_t pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) {
    ours.reset();
    live(trail, theirs.get(), output.get(), body);
  }
  theirs.reset();
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  follow(pid, ours.get(), trail, patience, out);
  out.finished = out.facts.count("finished") != 0;
  if (!out.hung) {
    out.function = trail.last_function();
    out.inside = trail.inside_ns() != 0;
  }
  out.step = trail.step();
  if (out.signal == SIGSEGV || out.signal == SIGBUS) out.memory_rule = trail.broken_rule();
  out.output = contents(output.get());
  if (out.exit_code == unreported && !out.finished) throw std::runtime_error("the check itself failed: " + out.output);
  return out;
}

}  // namespace dtu::check
