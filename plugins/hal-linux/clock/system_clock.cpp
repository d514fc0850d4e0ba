#include "clock/system_clock.hpp"

#include <sys/timex.h>
#include <dtu/sdk/text.hpp>

#include <cerrno>
#include <ctime>
#include <system_error>

namespace hal_linux {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

}  // namespace

int64_t RealClock::now_ns() const {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<int64_t>(now.tv_sec) * kSecond + now.tv_nsec;
}

void RealClock::set_ns(int64_t unix_ns) {
  timespec to{};
  to.tv_sec = static_cast<time_t>(unix_ns / kSecond);
  to.tv_nsec = static_cast<decltype(to.tv_nsec)>(unix_ns % kSecond);
  if (::clock_settime(CLOCK_REALTIME, &to) == 0) return;
  const int code = errno;
  if (code == EPERM)
    throw dtu::Failure(
        DTU_E_DENIED,
        "the clock may not be set: see \"Clock\" in the README of hal-linux (CAP_SYS_TIME), or run chrony");
  throw dtu::Failure(DTU_E_IO, "the clock cannot be set: " + std::generic_category().message(code));
}

bool RealClock::kept_in_step() const {
  timex state{};
  const int result = ::adjtimex(&state);
  return result >= 0 && result != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

}  // namespace hal_linux
