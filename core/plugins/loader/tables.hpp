// Tables of the other side, brought to our own size.
#pragma once
#include <dtu/abi.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace dtud::plugins {

// The prefix both sides know; the rest stays zero. So "too old to have it" and "left null" read the same, and what
// calls through the copy needs no size test. For dtu_ops, dtu_component, dtu_channel, dtu_ports, dtu_points,
// dtu_commands, dtu_dialect, dtu_events, dtu_event_info, dtu_keys, dtu_key_info.
template <typename Table>
[[nodiscard]] Table normalise(const Table& theirs) noexcept {
  static_assert(std::is_trivially_copyable_v<Table> && offsetof(Table, struct_size) == 0);
  Table ours{};
  std::memcpy(&ours, &theirs, std::min<size_t>(theirs.struct_size, sizeof ours));
  ours.struct_size = sizeof ours;
  return ours;
}

}  // namespace dtud::plugins
