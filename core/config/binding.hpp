// What only shows when ports, channels and dialects are seen together (D16).
#pragma once
#include "config/documents.hpp"
#include "config/report.hpp"

namespace dtud::config {

// The name a dialect goes by here: capitals do not count, "though" (the vendor's own sample) is "through".
[[nodiscard]] std::string dialect_name(const std::string& given, const std::string& path, const Schemas& schemas,
                                       Report& report);

// False when no dialect of this name exists, and it is none of the documented three whose plugin may be missing.
[[nodiscard]] bool known_work_mode(const std::string& mode, const Schemas& schemas, Report& report);

// In a link of this dialect what comes over a channel, or from the line, may be a command. Of a dialect that is not
// documented it is assumed.
[[nodiscard]] bool takes_commands(const std::string& dialect);
[[nodiscard]] bool takes_local_commands(const std::string& dialect);

// Channels on ports that are not there, ports whose dialect no plugin offers, channels a dialect cannot use.
void check_bindings(DeviceConfig& config, const Schemas& schemas, Report& report);

// Pins that no HAL of the board has, as far as the HALs tell. What nobody can carry out at all is a warning that begins
// with kUnsupported.
void check_board(const DeviceConfig& config, const Product& product, Report& report);
constexpr const char kUnsupported[] = "unsupported by this board";
[[nodiscard]] bool is_unsupported(const Finding& finding);
// Makes an error of each of these warnings that is about what `next` sets anew (D24). What `before` has as well may
// stay (D21).
void refuse_unsupported(const DeviceConfig& before, const DeviceConfig& next, Findings& findings);

}  // namespace dtud::config
