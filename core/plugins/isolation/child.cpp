#include "plugins/isolation/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "lanes/spawn.hpp"
#include "log/utf8.hpp"

namespace dtud::plugins::isolation {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr int kClear = 10;  // our ends stand above the descriptors the child gets

std::string reason(int code) { return std::generic_category().message(code); }

Descriptor moved_up(int fd) {
  Descriptor low(fd);
  return Descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, kClear));
}

std::string name_of_signal(int number) {
  const char* text = ::strsignal(number);
  return std::to_string(number) + (text != nullptr ? std::string(" (") + text + ")" : "");
}

}  // namespace

Page& Page::operator=(Page&& other) noexcept {
  std::swap(activity_, other.activity_);
  return *this;
}

Page::~Page() {
  if (activity_ != nullptr) ::munmap(activity_, kPageBytes);
}

Page Page::map(int fd) {
  Page page;
  void* memory = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory != MAP_FAILED) page.activity_ = static_cast<Activity*>(memory);  // zero bytes are a fresh one
  return page;
}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(reaped_, other.reaped_);
  std::swap(status_, other.status_);
  std::swap(page_, other.page_);
  return *this;
}

Child::~Child() {
  if (reaped_) return;
  kill();
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
}

std::string Child::begin(const std::string& program, const std::string& name, Descriptor& socket) {
  if (::access(program.c_str(), X_OK) != 0)
    return program + " cannot be run: " + reason(errno) + "; it belongs to dtukit: install it";
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return "cannot create a socket: " + reason(errno);
  Descriptor ours = moved_up(ends[0]);
  const Descriptor theirs = moved_up(ends[1]);
  const Descriptor page = moved_up(::memfd_create("dtu-plugin-host", MFD_CLOEXEC));
  if (!ours || !theirs || !page || ::ftruncate(page.get(), kPageBytes) != 0 || !(page_ = Page::map(page.get())))
    return "not enough descriptors or memory: " + reason(errno);
  const Program started{
      {program, name, std::to_string(::getpid())}, {{theirs.get(), kSocketFd}, {page.get(), kPageFd}}, true};
  if (const int code = spawn(started, pid_); code != 0) {
    pid_ = -1;
    return program + " cannot be run: " + reason(code);
  }
  reaped_ = false;
  socket = std::move(ours);
  return {};
}

void Child::kill() const {
  if (reaped_) return;
  // The group may be a moment away from being made.
  if (::kill(-pid_, SIGKILL) != 0) ::kill(pid_, SIGKILL);
}

bool Child::reap() {
  if (reaped_) return true;
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
    return false;
  ::kill(-pid_, SIGKILL);  // what the plugin started and left behind; the number is ours until it is reaped
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  return reaped_ = true;
}

int64_t Child::busy_since_ns() const { return page_ ? page_.get()->began_ns.load(std::memory_order_relaxed) : 0; }

std::string Child::doing() const {
  if (busy_since_ns() == 0) return {};
  std::string name;
  for (const char c : page_.get()->function) {
    if (c == '\0') break;
    name += c >= ' ' && c <= '~' ? c : '?';
  }
  return name;
}

std::string Child::how() const {
  const std::string where = doing();
  std::string text = WIFSIGNALED(status_)
                         ? "its process was ended by signal " + name_of_signal(WTERMSIG(status_))
                         : "its process ended with exit status " + std::to_string(WEXITSTATUS(status_));
  text += where.empty() ? " outside of any call" : " in " + where + "()";
  if (!page_) return text;
  std::string words;
  for (const char c : page_.get()->last_words) {
    if (c == '\0' || words.size() >= 150) break;
    words += c >= ' ' && c != 0x7f ? c : '?';
  }
  return words.empty() ? text : text + ": " + valid_utf8(words);
}

uint64_t Child::rss_kib() const {
  if (reaped_) return 0;
  const Descriptor file(::open(("/proc/" + std::to_string(pid_) + "/statm").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 128> text{};
  if (!file || ::read(file.get(), text.data(), text.size() - 1) <= 0) return 0;
  const std::string_view all(text.data());
  uint64_t resident = 0;  // the second number, in pages
  const size_t at = std::min(all.find(' '), all.size());
  std::from_chars(all.data() + std::min(at + 1, all.size()), all.data() + all.size(), resident);
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

}  // namespace dtud::plugins::isolation
