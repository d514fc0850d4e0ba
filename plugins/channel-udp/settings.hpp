// The channel's part of the device document, read.
#pragma once
#include <dtu/kit/net/settings.hpp>
#include <string_view>

namespace channel_udp {

using Settings = net::PeerSettings;

// Throws dtu::Failure (DTU_E_INVALID) naming the key, its value and what is allowed. Unknown keys are the host's.
[[nodiscard]] Settings read_settings(std::string_view json);

}  // namespace channel_udp
