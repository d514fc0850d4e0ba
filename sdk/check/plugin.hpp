// A plugin file opened in this process, and its components with tables at our size. Only for children: opening runs
// code.
#pragma once
#include <dtu/channel.h>
#include <dtu/commands.h>
#include <dtu/dialect.h>
#include <dtu/points.h>
#include <dtu/ports.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace dtu::check {

struct Opened {
  const dtu_plugin* descriptor = nullptr;
  std::string trouble;  // the linker's words, when it could not be loaded
  std::vector<unsigned> other_majors;
};
[[nodiscard]] Opened open_plugin(const std::string& file);

// What both sides know of a table; the rest is null.
template <typename Table>
[[nodiscard]] Table at_our_size(const Table& theirs) {
  Table ours{};
  std::memcpy(&ours, &theirs, std::min<size_t>(theirs.struct_size, sizeof ours));
  return ours;
}

// A component that passed the handshake.
class Part {
 public:
  explicit Part(const dtu_component& raw) : raw_(&raw), component_(at_our_size(raw)), ops_(at_our_size(*raw.ops)) {}
  [[nodiscard]] const dtu_component& component() const { return component_; }
  [[nodiscard]] const dtu_ops& ops() const { return ops_; }
  [[nodiscard]] bool is_channel() const { return component_.kind == DTU_KIND_CHANNEL; }
  template <typename Table>
  [[nodiscard]] std::optional<Table> iface(const char* id) const {
    for (uint64_t k = 0; k < component_.iface_count; ++k)
      if (std::strcmp(component_.ifaces[k].id, id) == 0)
        return at_our_size(*static_cast<const Table*>(component_.ifaces[k].table));
    return std::nullopt;
  }
  [[nodiscard]] const dtu_component& raw() const { return *raw_; }

 private:
  const dtu_component* raw_;
  dtu_component component_;
  dtu_ops ops_;
};

[[nodiscard]] std::string kind_name(uint32_t kind);  // "channel"; "" = unknown

}  // namespace dtu::check
