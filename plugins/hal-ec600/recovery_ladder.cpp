#include "recovery_ladder.hpp"

#include <algorithm>

namespace hal_ec600 {
namespace {

constexpr std::array<uint64_t, 8> kPausesMs{1'000, 2'000, 5'000, 10'000, 30'000, 60'000, 300'000, 600'000};
constexpr std::array<const char*, RecoveryLadder::kRungs> kNames{"flush", "ATE0", "CFUN=0/1", "CFUN=1,1", "reset line"};

}  // namespace

RecoveryLadder::Rung RecoveryLadder::next(const Allowed& allowed, Rung from) {
  const std::array<bool, kRungs> may{true, true, allowed.radio, allowed.restart, allowed.reset_line};
  ++steps_;
  for (size_t i = static_cast<size_t>(from); i < kRungs; ++i) {
    if (!may.at(i) || tries_.at(i) >= kTriesOfEach) continue;
    ++tries_.at(i);
    return static_cast<Rung>(i);
  }
  constexpr uint32_t kIdleUntilAnew = 6;  // of 10 minutes: an hour
  if (++idle_steps_ >= kIdleUntilAnew) {
    tries_ = {};
    idle_steps_ = 0;
  }
  return Rung::flush;
}

uint64_t RecoveryLadder::pause_ms() const {
  return kPausesMs.at(std::min<size_t>(steps_ == 0 ? 0 : steps_ - 1, kPausesMs.size() - 1));
}

void RecoveryLadder::recovered() {
  tries_ = {};
  steps_ = idle_steps_ = 0;
}

const char* RecoveryLadder::name(Rung rung) { return kNames.at(static_cast<size_t>(rung)); }

}  // namespace hal_ec600
