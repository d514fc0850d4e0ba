// Which component types and keys a file says it holds (DTU_TYPES), read from the file without running or mapping any of
// it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dtud::plugins {

struct DeclaredTypes {
  enum class Verdict {
    declared,    // `types` is what it holds
    undeclared,  // a shared object for this machine that does not say: must be opened to be asked
    refused,     // cannot be a plugin; `refusal` says why
  };
  Verdict verdict = Verdict::refused;
  std::vector<std::string> types;  // "channel:mqtt", in the order of the file
  std::vector<std::string> keys;   // "modbus" of "key:modbus": keys of the device document its components own
  std::string refusal;             // one line, naming the file
};

[[nodiscard]] DeclaredTypes read_types(const std::filesystem::path& file);

[[nodiscard]] bool is_type_name(std::string_view name);                     // [a-z0-9-]{1,32}
[[nodiscard]] bool is_key_name(std::string_view name);                      // [A-Za-z0-9_]{1,64}
[[nodiscard]] std::string_view kind_name(uint32_t kind);                    // "channel"; "" when dtud does not know it
[[nodiscard]] std::string full_type(uint32_t kind, std::string_view type);  // "channel:mqtt"

}  // namespace dtud::plugins
