// What is tried on a modem that does not answer, in which order, and how long to wait in between (field-troubles A6):
// flush, ATE0, CFUN=0/1, CFUN=1,1, the reset line. It decides; the modem does.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace hal_ec600 {

class RecoveryLadder {
 public:
  enum class Rung { flush, echo, radio, restart, reset_line };
  static constexpr size_t kRungs = 5;
  static constexpr uint32_t kTriesOfEach = 2;

  struct Allowed {  // what may be done now
    bool radio = false, restart = false, reset_line = false;
  };
  // The next rung: the one tried before until it was tried kTriesOfEach times, then the next one that is allowed.
  // Behind the last it only flushes, and after an hour it begins anew. `from`: nothing below it ("SIM lost" begins at
  // radio).
  [[nodiscard]] Rung next(const Allowed& allowed, Rung from = Rung::flush);
  // How long to wait after the rung that next() named has failed: grows from 1 s to 10 min.
  [[nodiscard]] uint64_t pause_ms() const;
  void recovered();

  [[nodiscard]] uint32_t steps() const noexcept { return steps_; }  // since it answered
  [[nodiscard]] static const char* name(Rung rung);                 // "CFUN=0/1"

 private:
  std::array<uint32_t, kRungs> tries_{};
  uint32_t steps_ = 0, idle_steps_ = 0;
};

}  // namespace hal_ec600
