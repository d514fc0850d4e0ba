// How the firmware of a board is upgraded, as board.json says under "upgrade".
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace dtud::config {

struct UpgradeConfig {
  std::vector<std::string> keys;  // Ed25519 public keys: base64, or paths of PEM files
  bool allow_http = false;        // also without a SHA-256 or a signature
  uint64_t max_bytes = 256U << 20U;
  uint64_t bytes_per_day = 0;  // 0: no bound
  std::string window;          // "22:00-05:00", local time; "": always
  uint32_t deadline_h = 72, stall_s = 60, retry_s = 10, install_s = 3600, confirm_s = 300;
  std::string ca, cert, key;  // of TLS, PEM files; ca "": the system's
};

}  // namespace dtud::config
