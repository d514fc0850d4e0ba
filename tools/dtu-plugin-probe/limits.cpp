#include "limits.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace dtu_plugin_probe {
namespace {

constexpr rlim_t kMemory = 512U << 20U;  // address space: libraries and the stacks of a few threads
constexpr rlim_t kDescriptors = 64;

void lower(int what, rlim_t to) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(what), &limit) != 0) return;
  if (limit.rlim_max > to) limit.rlim_max = to;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(static_cast<__rlimit_resource>(what), &limit);
}

}  // namespace

void limit_this_process() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error, not a crash of the plugin
  lower(RLIMIT_CORE, 0);
}

void limit_for_plugin(unsigned cpu_s) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const rlim_t so_far = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1;
  // The soft limit ends it by SIGXCPU, which says why; the hard one is for who ignores that.
  const rlimit cpu{so_far + cpu_s, so_far + cpu_s + 1};
  ::setrlimit(RLIMIT_CPU, &cpu);
  lower(RLIMIT_FSIZE, 0);
  lower(RLIMIT_NOFILE, kDescriptors);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  lower(RLIMIT_AS, kMemory);
#endif
}

}  // namespace dtu_plugin_probe
