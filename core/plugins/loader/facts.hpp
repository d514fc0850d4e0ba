// What is known of a plugin file without having it in the process: what a probe tells, the cache keeps, dtuctl shows.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/json_value.hpp"
#include "plugins/loader/handshake.hpp"

namespace dtud::plugins {

struct ComponentFacts {
  std::string kind, type, title;
  uint64_t caps = 0;  // DTU_CAP_...
  std::vector<std::string> interfaces, dialects;
  std::string schema;  // "" where nobody asked for it
  std::vector<std::string> lacks;
  std::vector<events::Declared> events;  // without schemas where nobody asked for them
  std::vector<DeclaredKey> keys;         // likewise
};

struct PluginFacts {
  std::string id, version, vendor, license, abi;  // abi: "0.1"
  std::vector<ComponentFacts> components;
  bool whole = false;  // with the schemas: there is nothing more to ask the file for
};

struct SignatureFacts {
  std::string state;  // "good", "none", "unknown" (by none of our keys), "bad"; "": there are no keys to look for
  std::string key;    // id of the key it is about
  std::string text;   // why it is not good
};

[[nodiscard]] PluginFacts facts_of(const LoadedPlugin& plugin, bool with_schemas);

// A plugin as its facts say, which have to be whole: what others see of it is there, its functions are not. For one
// whose instances all run in processes of their own.
[[nodiscard]] std::shared_ptr<const LoadedPlugin> described(const PluginFacts& facts,
                                                            const std::filesystem::path& file);

[[nodiscard]] config::JsonObject::Ptr to_json(const PluginFacts& facts);
[[nodiscard]] config::JsonObject::Ptr to_json(const SignatureFacts& facts);
// Nothing when it is no plugin's facts. What is longer than any true fact is cut.
[[nodiscard]] std::optional<PluginFacts> plugin_facts(const config::Json& json);
[[nodiscard]] SignatureFacts signature_facts(const config::Json& json);

// A file as it is now: device, inode, size, times of change, as text. "" when there is none. Equal texts mean that
// nobody wrote to, replaced or moved the file in between.
[[nodiscard]] std::string identity_of(const std::filesystem::path& file);
[[nodiscard]] std::string identity_of(int fd);

[[nodiscard]] bool is_sha256(const std::string& text);  // 64 lower-case hex digits

}  // namespace dtud::plugins
