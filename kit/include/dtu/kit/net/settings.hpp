// Reading a channel's part of the device document, and the keys every channel to one peer has. Each function throws
// dtu::Failure (DTU_E_INVALID) naming the key, its value and what is allowed. Unknown keys are the host's.
#pragma once
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <dtu/sdk/check.hpp>
#include <string>
#include <string_view>

namespace net {

[[noreturn]] void refuse(const std::string& key, const std::string& value, const std::string& allowed);
[[nodiscard]] Poco::JSON::Object::Ptr parse_object(std::string_view json);
[[nodiscard]] std::string read_text(const Poco::JSON::Object& o, const std::string& key, const std::string& standard);
[[nodiscard]] uint32_t read_number(const Poco::JSON::Object& o, const std::string& key, uint32_t standard,
                                   int64_t least, int64_t most);

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
void read_peer(const Poco::JSON::Object& o, PeerSettings* peer);
void check_peer(const PeerSettings& peer);
// What is set and has no effect.
void find_unused(const PeerSettings& peer, const dtu::Findings& found);

}  // namespace net
