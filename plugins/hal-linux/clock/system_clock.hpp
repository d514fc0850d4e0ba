// The time of day of the board. An interface, so that no test sets the real one.
#pragma once
#include <cstdint>

namespace hal_linux {

class SystemClock {
 public:
  virtual ~SystemClock() = default;
  [[nodiscard]] virtual int64_t now_ns() const = 0;  // since 1970, UTC
  // Throws DTU_E_DENIED, saying what the service lacks, or DTU_E_IO.
  virtual void set_ns(int64_t unix_ns) = 0;
  // The kernel's word: some program keeps it in step (adjtimex). False also when that may not be asked.
  [[nodiscard]] virtual bool kept_in_step() const = 0;
};

class RealClock final : public SystemClock {
 public:
  [[nodiscard]] int64_t now_ns() const override;
  void set_ns(int64_t unix_ns) override;
  [[nodiscard]] bool kept_in_step() const override;
};

}  // namespace hal_linux
