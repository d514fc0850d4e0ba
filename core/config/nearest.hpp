// "Did you mean ...?"
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace dtud::config {

// The candidate that begins with `word`, or has the fewest typing mistakes against `word` (letters swapped, wrong,
// missing or too many; capitals do not count), or "" when none is near.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// `word` is `name`, in any letters, with few typing mistakes: fewer than nearest() forgives.
[[nodiscard]] bool is_misspelt(std::string_view word, std::string_view name);

// "a, b, c", cut after `most`.
[[nodiscard]] std::string listed(const std::vector<std::string>& names, size_t most = 12);

}  // namespace dtud::config
