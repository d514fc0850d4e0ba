// The programs dtukit runs on its own behalf.
#pragma once
#include <string>

namespace dtud::plugins {

// "dtu-plugin-probe": beside the running program, as in a build; else where it is installed.
[[nodiscard]] std::string companion(const std::string& name);

}  // namespace dtud::plugins
