// Versions of parameters: "100", "1.2.10".
#pragma once
#include <string_view>

namespace command_acquire {

// Whether `offered` is greater than `stored`, part by part as numbers; what is missing counts as 0, and so does "".
// Throws dtu::Failure (DTU_E_INVALID) when one of them is no version.
[[nodiscard]] bool newer(std::string_view offered, std::string_view stored);

}  // namespace command_acquire
