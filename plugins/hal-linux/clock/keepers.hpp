// Programs that keep the clock of the board in step: chrony and systemd-timesyncd, and what they say of it.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "board/tree.hpp"

namespace hal_linux {

inline constexpr const char *kChronyc = "/usr/bin/chronyc", *kChronyFolder = "/run/chrony",
                            *kTimesyncFolder = "/run/systemd/timesync";

[[nodiscard]] bool has_chrony(const Tree& tree);     // it may run: its own word says whether it does
[[nodiscard]] bool has_timesyncd(const Tree& tree);  // it runs
// timesyncd reached a server since the board was started.
[[nodiscard]] bool timesyncd_is_synchronized(const Tree& tree);

struct Tracking {
  bool synchronized = false;
  std::string server;   // name or address
  double offset_s = 0;  // of the true time to our clock, as chrony sees it
};
// The output of `chronyc -n -c tracking`, one line of 14 fields. Nothing: it is something else.
[[nodiscard]] std::optional<Tracking> read_tracking(std::string_view csv);

}  // namespace hal_linux
