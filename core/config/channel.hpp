// conf.<id>: one channel. Its protocol's schema and the kernel's own keys judge it together.
#pragma once
#include <optional>

#include "config/components.hpp"

namespace dtud::config {

// 1 to 98 (D6), or nothing after saying what is wrong with the key.
[[nodiscard]] std::optional<uint32_t> channel_id(const std::string& key, Report& report);

struct ReadChannel {
  std::optional<ChannelConfig> config;  // nothing: it has an error
  Paths secrets;
};
// `document`: the top-level keys in normal form: what the channel does not say itself.
[[nodiscard]] ReadChannel read_channel(uint32_t id, const Json& given, const JsonObject& document, Components& channels,
                                       Report& report);

// offline_storage in normal form: "off", "on" or "always".
[[nodiscard]] std::string storage_word(const Json& value);

}  // namespace dtud::config
