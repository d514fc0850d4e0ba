// The part of board.json that belongs to this HAL.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hal_linux {

struct Rs485Config {
  bool kernel = false;  // false: switched off
  bool rts_on_send = true;
  uint32_t delay_before_ms = 0, delay_after_ms = 0;
};

struct PortConfig {
  std::string id, device, title;
  std::optional<Rs485Config> rs485;  // absent: left as the driver has it
};

// `json` satisfies the schema. Throws DTU_E_INVALID when two ports name one device.
std::vector<PortConfig> read_config(std::string_view json);

}  // namespace hal_linux
