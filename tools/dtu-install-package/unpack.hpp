// Unpacks a package into an empty folder, and nowhere else.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace dtu_package {

struct Limits {
  uint64_t bytes = 64U << 20U;
  uint64_t entries = 10'000;
};

// Throws Refused: a name that is absolute, has "..", or is there twice; a link that leads out; a device; more than the
// limits. What was written until then stays. percent: told now and then.
void unpack(int package, const std::string& folder, const Limits& limits, const std::function<void(int)>& percent);

// The parts of a name: "a/./b/" -> a, b. Throws Refused.
[[nodiscard]] std::vector<std::string> parts_of(const std::string& name);
// May a link that stands in a folder of so many levels below the root have this target? Throws Refused.
void check_target(const std::string& name, const std::string& target, size_t levels);

}  // namespace dtu_package
