// dtu-fetch: dtud's errand for upgrades. Reads one job, a line of JSON, from standard input, carries it out and tells
// about it on standard output. It ends when its input ends: when dtud wants it to, and when there is no dtud any more.
#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "fetch.hpp"
#include "verify.hpp"

namespace {

using dtu_fetch::Object;

constexpr size_t kLongestJob = 65536;
constexpr rlim_t kMemory = 192U << 20U;  // address space, beside what a file takes that is mapped

// A line, byte by byte: what comes behind it must stay unread.
std::string read_job() {
  std::string job;
  for (char c = 0; job.size() < kLongestJob;) {
    const ssize_t n = ::read(STDIN_FILENO, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || c == '\n') break;
    job += c;
  }
  return job;
}

void lower(int what, rlim_t to) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(what), &limit) != 0 || limit.rlim_cur <= to) return;
  limit.rlim_cur = to;
  ::setrlimit(static_cast<__rlimit_resource>(what), &limit);
}

void keep_within_limits(const Object& job) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error to tell of
  ::setpriority(PRIO_PROCESS, 0, 10);
  lower(RLIMIT_FSIZE, std::max<rlim_t>(job.optValue<uint64_t>("most", 0) + 1, 1U << 16U));
  lower(RLIMIT_CORE, 0);  // the job may hold secrets
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  lower(RLIMIT_AS, kMemory + job.optValue<uint64_t>("mapped", 0));
#endif
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) {
    std::fputs("dtu-fetch is run by dtud: it reads its job from standard input and has no options\n", stderr);
    return 2;
  }
  ::close_range(3, ~0U, 0);
  try {
    const auto parsed = Poco::JSON::Parser().parse(read_job());
    const Object& job = *parsed.extract<Object::Ptr>();
    keep_within_limits(job);
    const auto what = job.getValue<std::string>("do");
    if (what == "fetch") {
      dtu_fetch::fetch(job);
    } else if (what == "verify") {
      dtu_fetch::verify(job);
    } else {
      throw Poco::InvalidArgumentException("there is no job \"" + what + "\"");
    }
    return EXIT_SUCCESS;
  } catch (const Poco::Exception& e) {
    dtu_fetch::tell(dtu_fetch::Failed{"dtu-fetch: " + e.displayText()});
  } catch (const std::exception& e) {
    dtu_fetch::tell(dtu_fetch::Failed{std::string("dtu-fetch: ") + e.what()});
  }
  return EXIT_FAILURE;
}
