// Placeholders (D25) in what a configuration names: client id, topics, the will and the birth message.
#pragma once
#include <dtu/sdk/placeholders.hpp>
#include <string>

#include "config.hpp"

namespace channel_mqtt {

[[nodiscard]] dtu::PlaceholderSet placeholders_in(const Config& config);
// Puts the values in. Returns what is wrong with a topic that came of it, "" when nothing is.
[[nodiscard]] std::string fill_placeholders(Config& config, const dtu::PlaceholderValues& values);

}  // namespace channel_mqtt
