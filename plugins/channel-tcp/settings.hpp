// The channel's part of the device document, read.
#pragma once
#include <cstdint>
#include <dtu/kit/net/networks.hpp>
#include <dtu/kit/net/settings.hpp>
#include <dtu/kit/tls/settings.hpp>
#include <dtu/sdk/check.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "server_list.hpp"

namespace channel_tcp {

struct Settings : net::PeerSettings {  // server: host is the numeric address to listen on
  Settings() { keep_alive_s = 300; }
  bool server = false;
  tls::Settings tls;
  std::vector<ServerName> backup;  // client: the servers after host:port
  uint32_t backup_after = 3;       // failed rounds in a row before the next server
  uint32_t return_s = 0;           // seconds on a backup before the first is tried again; 0: never
  uint32_t max_clients = 8;
  bool kick_old = false;                // when_full "kick-old"
  bool answers_to_asker = false;        // answers "asker"
  std::vector<net::Network> allowed;    // empty: all
  std::vector<net::Network> read_only;  // empty: none
  bool rfc2217 = false;
  std::string port_id;  // serialID of the host: the port that RFC 2217 clients set
  bool hold_when_empty = false;
  uint32_t slow_client_s = 10;
  bool register_once = false;  // reg_on "start": only the first client gets the registration message
};

// Throws dtu::Failure (DTU_E_INVALID) naming the key, its value and what is allowed. Unknown keys are the host's.
[[nodiscard]] Settings read_settings(std::string_view json);
// Tells of each fault, of what has no effect, and of the files of TLS; claims its address. See dtu_ops.check.
void check_settings(std::string_view json, const dtu::Findings& found);

}  // namespace channel_tcp
