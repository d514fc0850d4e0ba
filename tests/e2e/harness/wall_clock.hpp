// The time of day as one dtud sees it: off by so many seconds, and moved while it runs. The rest of the machine, and
// the monotonic clock, are left alone.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "descriptor.hpp"
#include "temp_dir.hpp"

namespace e2e {

constexpr int64_t kTenYears = int64_t{10} * 366 * 86400;

class WallClock {
 public:
  explicit WallClock(int64_t off_s = 0);
  void set(int64_t off_s);  // seconds, at once
  void set_to_1970();
  // For Dtud::environment().
  [[nodiscard]] std::vector<std::string> environment() const;

 private:
  TempDir dir_;
  Descriptor file_;
};

}  // namespace e2e
