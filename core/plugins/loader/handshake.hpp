// Reads a plugin's descriptor, believing nothing: what comes out has its strings copied and its tables at our size.
#pragma once
#include <dtu/abi.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "events/event.hpp"
#include "plugins/loader/tables.hpp"

namespace dtud::plugins {

struct DeclaredKey {  // dtu_key_info
  std::string name, title, schema;
  bool cuts = false;
};

struct LoadedComponent {
  uint32_t kind = 0;
  std::string type, title, schema;
  uint64_t caps = 0;
  decltype(dtu_component::create) create = nullptr;
  dtu_ops ops{};
  std::vector<std::string> dialects;     // names of its dtu.dialect/1, if it offers one
  std::vector<events::Declared> events;  // what it lists in its dtu.events/1
  std::vector<DeclaredKey> keys;         // what it lists in its dtu.keys/1
  std::vector<std::string> interface_ids;
  std::vector<std::string> lacks;  // functions it might have and does not: "check", "points.write"
  bool isolated = false;           // a stand-in for one that runs in a process of its own (isolation/)
  uint64_t build = 0;              // tells its plugin's builds apart

  // The table of a known interface at our size, nothing when it is not offered:
  // iface<dtu_channel>(DTU_CHANNEL_IFACE).
  template <typename Table>
  [[nodiscard]] std::optional<Table> iface(const char* id) const {
    const void* table = raw_iface(id);
    return table == nullptr ? std::nullopt : std::optional<Table>(normalise(*static_cast<const Table*>(table)));
  }
  [[nodiscard]] const void* raw_iface(const char* id) const;
  [[nodiscard]] bool offers(const std::string& id) const;
  [[nodiscard]] bool has(const std::string& function) const;  // one that `lacks` might name

  std::vector<const void*> tables;  // beside interface_ids
};

struct LoadedPlugin {
  std::filesystem::path file;  // "built-in NAME" when it is none
  bool built_in = false;       // linked into dtud: built_in.hpp
  bool described = false;      // nothing of it is in this process: no function, no table (facts.hpp)
  std::string id, version, vendor, license;
  uint16_t abi_major = 0, abi_minor = 0, min_host_minor = 0;
  std::vector<LoadedComponent> components;
  std::vector<std::string> notes;  // for the log: what was left out and why
};

struct Refusal {
  std::string text;  // one line: the file, what is wrong, what to do
};

[[nodiscard]] std::variant<LoadedPlugin, Refusal> read_descriptor(const std::filesystem::path& file,
                                                                  const dtu_plugin& descriptor);

// What every plugin's line about another major says.
[[nodiscard]] std::string other_major(const std::filesystem::path& file, unsigned major);

}  // namespace dtud::plugins
