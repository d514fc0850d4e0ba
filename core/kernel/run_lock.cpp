#include "kernel/run_lock.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "lanes/lane.hpp"

namespace dtud {
namespace {

constexpr int64_t kPatience_ns = 1'000'000'000;
constexpr int kBetweenTries_ms = 10;

// The digits that the holder wrote; "" when it has not yet.
std::string holder(int fd) {
  std::array<char, 16> text{};
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  std::string pid;
  for (ssize_t i = 0; i < n && text.at(static_cast<size_t>(i)) >= '0' && text.at(static_cast<size_t>(i)) <= '9'; ++i)
    pid += text.at(static_cast<size_t>(i));
  return pid;
}

}  // namespace

RunLock::Taken RunLock::take(const std::string& folder) {
  const std::string name = folder + "/dtud.lock";
  const auto unlocked = [&](int code) {
    return Taken{true, "cannot lock " + name + ": " + std::generic_category().message(code) +
                           ". Nothing stops a second dtud from using this folder"};
  };
  Descriptor fd(::open(name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!fd && errno == EROFS) fd = Descriptor(::open(name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return unlocked(errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return unlocked(errno);
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid())
    return unlocked(EPERM);  // whoever else may hold it for ever
  const auto same = [&](const Held& h) { return h.device == info.st_dev && h.inode == info.st_ino; };
  if (std::any_of(held_.begin(), held_.end(), same)) return {};
  const int64_t until_ns = monotonic_ns() + kPatience_ns;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return unlocked(errno);
    if (monotonic_ns() < until_ns) {
      ::poll(nullptr, 0, kBetweenTries_ms);
      continue;
    }
    const std::string pid = holder(fd.get());
    return {false, "another dtud" + (pid.empty() ? "" : " (process " + pid + ")") + " uses " + folder};
  }
  // For the message above; a dtud without it is locked all the same.
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) == 0) (void)!::pwrite(fd.get(), pid.data(), pid.size(), 0);
  held_.push_back({std::move(fd), info.st_dev, info.st_ino});
  return {};
}

}  // namespace dtud
