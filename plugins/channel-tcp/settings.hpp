// The channel's part of the device document, read.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace channel_tcp {

struct Settings {
  bool server = false;
  std::string host;  // client: name or address; server: the numeric address to listen on
  uint16_t port = 0;
  std::string ping;
  uint32_t heartbeat_s = 0;
  uint32_t keep_alive_s = 300;
  uint32_t max_clients = 8;
  bool hold_when_empty = false;
  uint32_t slow_client_s = 10;
  uint32_t reconnect_min_ms = 500;
  uint32_t reconnect_max_ms = 60000;
};

// Throws dtu::Failure (DTU_E_INVALID) naming the key, its value and what is allowed. Unknown keys are the host's.
[[nodiscard]] Settings read_settings(std::string_view json);

}  // namespace channel_tcp
