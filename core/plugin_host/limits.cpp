#include "plugin_host/limits.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "lanes/descriptor.hpp"
#include "plugins/isolation/child.hpp"

namespace dtud::host {
namespace {

constexpr rlim_t kDescriptors = 1024;
constexpr size_t kStack = 2U << 20U;  // of threads: the usual 8 MiB each would count as data

void lower(__rlimit_resource which, rlim_t to) {
  rlimit limit{};
  if (::getrlimit(which, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_cur, to);
  ::setrlimit(which, &limit);
}

// What some library of dtud's opened without O_CLOEXEC.
void close_others() {
  std::error_code ec;
  std::vector<int> others;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ec)) {
    const std::string name = entry.path().filename();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (fd > plugins::isolation::kPageFd) others.push_back(fd);
  }
  for (const int fd : others) ::close(fd);  // the folder's own is closed already: no harm
}

}  // namespace

bool confine(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) return false;
  close_others();
  ::signal(SIGPIPE, SIG_IGN);  // as in dtud
  lower(RLIMIT_CORE, 0);
  lower(RLIMIT_NOFILE, kDescriptors);
  pthread_attr_t threads;
  ::pthread_attr_init(&threads);
  ::pthread_attr_setstacksize(&threads, kStack);
  ::pthread_setattr_default_np(&threads);
  ::pthread_attr_destroy(&threads);
  ::mallopt(M_ARENA_MAX, 2);
  const Descriptor first(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  [[maybe_unused]] const ssize_t n = ::write(first.get(), "500", 3);
  return true;
}

std::string limit_memory(uint32_t mib) {
  if (mib == 0) return {};
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "the memory limit is not applied: this build has a sanitizer, which needs more memory";
#else
  rlimit limit{};
  limit.rlim_cur = limit.rlim_max = rlim_t{mib} << 20U;
  return ::setrlimit(RLIMIT_DATA, &limit) == 0
             ? ""
             : std::string("the memory limit cannot be applied: ") + std::strerror(errno);
#endif
}

}  // namespace dtud::host
