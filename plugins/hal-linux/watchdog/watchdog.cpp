#include "watchdog/watchdog.hpp"

#include <dtu/sdk/json.hpp>

#include <algorithm>
#include <utility>

namespace hal_linux {
namespace {

constexpr uint64_t kAgain_ms = 30'000, kMsPerSecond = 1000;
constexpr uint64_t kKicksInTime = 4;  // a lane that is late three times in a row is still in time

}  // namespace

Watchdog::Watchdog(dtu::Host host, const std::optional<WatchdogConfig>& config, std::unique_ptr<WatchdogDevice> device)
    : host_(host), config_(config), device_(std::move(device)) {}

Watchdog::~Watchdog() {
  if (timeout_s_ != 0) device_->leave();
}

void Watchdog::start() {
  if (!config_) return;
  timer_ = std::make_unique<dtu::Timer>(host_, [this] { kick(); });
  arm();
}

void Watchdog::stop() {
  timer_.reset();
  if (std::exchange(timeout_s_, 0) != 0) device_->disarm();
}

void Watchdog::arm() {
  try {
    timeout_s_ = std::max<uint32_t>(device_->open(config_->device, config_->timeout_s), 1);
  } catch (const dtu::Failure& f) {
    return failed(f.what());
  }
  trouble_.clear();
  if (timeout_s_ != config_->timeout_s)
    host_.warn(config_->device + " takes " + std::to_string(timeout_s_) + " s instead of " +
               std::to_string(config_->timeout_s));
  host_.info(config_->device + " restarts the board " + std::to_string(timeout_s_) + " s after this HAL hangs");
  const uint64_t period_ms = timeout_s_ * kMsPerSecond / kKicksInTime;
  timer_->arm_ms(period_ms, period_ms);
}

void Watchdog::kick() {
  if (timeout_s_ == 0) return arm();
  try {
    device_->kick();
    ++kicks_;
  } catch (const dtu::Failure& f) {
    timeout_s_ = 0;
    device_->leave();
    failed(f.what());
  }
}

void Watchdog::failed(const std::string& why) {
  if (why != trouble_) host_.error("watchdog: " + why);
  trouble_ = why;
  timer_->arm_ms(kAgain_ms);
}

std::string Watchdog::health() const {
  if (!config_) return R"({"state": "off"})";
  if (timeout_s_ == 0) return R"({"state": "failed", "trouble": )" + dtu::quoted(trouble_) + "}";
  return R"({"state": "armed", "timeout_s": )" + std::to_string(timeout_s_) + R"(, "kicks": )" +
         std::to_string(kicks_) + "}";
}

}  // namespace hal_linux
