#include "wear_budget.hpp"

#include <charconv>
#include <ctime>

namespace hal_ec600 {
namespace {

constexpr const char* kKey = "wear";
constexpr int64_t kDayS = 86'400, kClockSetS = 1'704'067'200;  // 2024-01-01: before it nobody has set the clock

}  // namespace

WearBudget::WearBudget(dtu::Host host, std::function<int64_t()> wall_s)
    : wall_s_(wall_s ? std::move(wall_s) : [] { return static_cast<int64_t>(std::time(nullptr)); }) {
  if (host.service<dtu_kv_service>(DTU_KV_SERVICE) == nullptr) return;
  kept_.emplace(host);
  const std::string text = kept_->get(kKey).value_or("");
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, day_);
  if (error == std::errc() && at != end) std::from_chars(at + 1, end, used_);
}

bool WearBudget::spend() {
  new_day();
  if (used_ >= kPerDay) return false;
  ++used_;
  keep();
  return true;
}

void WearBudget::note() {
  new_day();
  ++used_;
  keep();
}

uint32_t WearBudget::used() {
  new_day();
  return used_;
}

// While the clock is not set it stays the day it was: a board that starts without a clock does not begin anew.
void WearBudget::new_day() {
  const int64_t now = wall_s_();
  if (now < kClockSetS || now / kDayS == day_) return;
  day_ = now / kDayS;
  used_ = 0;
}

void WearBudget::keep() {
  if (kept_) kept_->set(kKey, std::to_string(day_) + " " + std::to_string(used_));
}

}  // namespace hal_ec600
