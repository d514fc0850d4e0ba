// The keys that every channel to one peer has. `config` satisfies its schema, as everything does that dtud hands to a
// plugin, so only what a schema cannot say is checked here: it throws dtu::Failure (DTU_E_INVALID) naming the key, its
// value and what is allowed.
#pragma once
#include <cstdint>
#include <dtu/sdk/check.hpp>
#include <dtu/sdk/json.hpp>
#include <string>

namespace net {

[[noreturn]] void refuse(const std::string& key, const std::string& value, const std::string& allowed);

struct PeerSettings {
  std::string host;  // name or address, without brackets
  uint16_t port = 0;
  std::string ping;
  uint32_t heartbeat_s = 0;
  uint32_t keep_alive_s = 0;
  uint32_t reconnect_min_ms = 500;
  uint32_t reconnect_max_ms = 60000;
};
// Takes over what is there; `peer` holds the defaults. Whether host and port name a peer, check_peer says.
void read_peer(const dtu::Json& config, PeerSettings* peer);
void check_peer(const PeerSettings& peer);
// What is set and has no effect.
void find_unused(const PeerSettings& peer, const dtu::Findings& found);

}  // namespace net
