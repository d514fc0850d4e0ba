// How often a day the modem's flash may be worn: power cycles, CFUN toggles, resets and SIM swaps together, 30 a day
// (field-troubles 5.4.1). One count for all who do that, kept over restarts in dtu.kv.
#pragma once
#include <dtu/sdk/kept.hpp>

#include <functional>
#include <optional>

namespace hal_ec600 {

class WearBudget {
 public:
  static constexpr uint32_t kPerDay = 30;

  explicit WearBudget(dtu::Host host, std::function<int64_t()> wall_s = nullptr);  // wall_s: for tests
  // False: nothing is left today; then leave it. Takes one else.
  [[nodiscard]] bool spend();
  void note();  // somebody else wore it: a SIM was swapped
  [[nodiscard]] uint32_t used();

 private:
  void new_day();
  void keep();

  std::optional<dtu::Kept> kept_;
  std::function<int64_t()> wall_s_;
  int64_t day_ = 0;  // since 1970; 0: the clock was never set
  uint32_t used_ = 0;
};

}  // namespace hal_ec600
