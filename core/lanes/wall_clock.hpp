// The time of day, for stamps on what people and servers read, and whether it can be believed: a module without a
// battery for its clock starts in 1970 and learns the time later. It jumps when it does, so nothing that measures a
// duration may use it: that is monotonic_ns().
#pragma once
#include <cstdint>

#include "lanes/build_time.hpp"

namespace dtud {

[[nodiscard]] int64_t wall_clock_ns();  // since 1970, UTC; any thread

// A clock that shows a time before this program was built was never set.
[[nodiscard]] constexpr bool clock_is_set(int64_t unix_ns) { return unix_ns >= kBuilt_s * 1'000'000'000; }

}  // namespace dtud
