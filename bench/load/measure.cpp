#include "measure.hpp"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace bench {
namespace {

const char* g_late_message = "";  // read by the signal handler only

int64_t to_ns(const timespec& t) { return static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec; }

void on_alarm(int /*signal*/) {
  const ssize_t ignored = write(STDERR_FILENO, g_late_message, strlen(g_late_message));
  _exit(ignored < 0 ? 4 : 3);
}

}  // namespace

int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return to_ns(t);
}

int64_t cpu_ns(const std::vector<int>& pids) {
  int64_t sum = 0;
  for (const int pid : pids) {
    clockid_t clock = 0;
    timespec t{};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
      throw std::runtime_error("process " + std::to_string(pid) + " under test is gone");
    sum += to_ns(t);
  }
  return sum;
}

double percentile_us(std::vector<int64_t>& samples_ns, double share) {
  if (samples_ns.empty()) throw std::runtime_error("no samples");
  std::sort(samples_ns.begin(), samples_ns.end());
  const auto at = static_cast<size_t>(share * static_cast<double>(samples_ns.size() - 1));
  return static_cast<double>(samples_ns[at]) / 1000.0;
}

void deadline(unsigned seconds, const char* what) {
  g_late_message = what;
  struct sigaction action {};
  action.sa_handler = on_alarm;
  sigaction(SIGALRM, &action, nullptr);
  alarm(seconds);
}

void Report::add(const std::string& name, double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.6g", value);
  body_ += (body_.empty() ? "\"" : ", \"") + name + "\": " + text;
}

void Report::print() const { std::printf("{%s}\n", body_.c_str()); }

}  // namespace bench
