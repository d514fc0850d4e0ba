// The battery, as /sys/class/power_supply has it. Blocks: a gauge may sit behind a slow bus.
#pragma once
#include <string>
#include <vector>

#include "board/tree.hpp"

namespace hal_linux {

// Names of the batteries that feed the board: not those of a mouse, and no mains adapter.
[[nodiscard]] std::vector<std::string> find_batteries(const Tree& tree);

// `wanted` is a supply of board.json, or "": the only battery. Throws a dtu::Failure that says which there are.
[[nodiscard]] std::string choose_battery(const Tree& tree, const std::string& wanted);

// JSON. Throws a dtu::Failure that names the file: it is not there, cannot be true, or the battery is taken out.
[[nodiscard]] std::string battery_mv(const Tree& tree, const std::string& supply);
[[nodiscard]] std::string battery_percent(const Tree& tree, const std::string& supply);
[[nodiscard]] std::string battery_status(const Tree& tree, const std::string& supply);  // "charging", "full", ...

}  // namespace hal_linux
