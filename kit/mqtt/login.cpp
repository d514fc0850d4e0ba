#include <ctime>
#include <dtu/kit/mqtt/login.hpp>
#include <dtu/sdk/text.hpp>

namespace mqtt {
namespace {

constexpr int64_t kWritten = 1'767'225'600;  // 2026-01-01

}  // namespace

int64_t login_time() {
  const auto now = static_cast<int64_t>(std::time(nullptr));
  if (now < kWritten)
    throw dtu::Failure::retryable(
        DTU_E_IO,
        "the clock of this device has not been set: the login carries the time, and the cloud would refuse it");
  return now;
}

}  // namespace mqtt
