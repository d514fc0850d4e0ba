// Versions of firmware: "1.4.10", "v2", "EC600NCNLAR03A05".
#pragma once
#include <string_view>

namespace dtud::upgrade {

// Below 0: a is older than b. Part by part, a part being a number or what stands between numbers and . - _ + or a
// blank; numbers count as numbers, a missing part as 0, and a number is newer than a word: 1.0-rc1 < 1.0 < 1.0.1
// < 1.10. A "v" in front is of no meaning, nor is the case.
[[nodiscard]] int compare_versions(std::string_view a, std::string_view b);

}  // namespace dtud::upgrade
