// The part of board.json that belongs to this HAL.
#pragma once
#include <dtu/sdk/check.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "board/config.hpp"

namespace hal_linux {

struct Rs485Config {
  bool kernel = false;  // false: switched off
  bool rts_on_send = true;
  uint32_t delay_before_ms = 0, delay_after_ms = 0;
  bool rx_during_tx = false;
};

struct PortConfig {
  std::string id, device, title;
  std::optional<Rs485Config> rs485;  // absent: left as the driver has it
  bool low_latency = false;          // false: left as the driver has it
};

enum class Bias { as_is, disabled, pull_down, pull_up };

struct PinConfig {
  uint32_t number = 0;  // n of gpio.<n>: the board's name for it
  std::string chip;     // "/dev/gpiochip0"
  uint32_t line = 0;
  bool active_low = false, output = false;
  int initial = 0;  // of an output
  Bias bias = Bias::as_is;
};

struct InstallerConfig {
  std::string kind;                           // "firmware", "package"
  std::vector<std::string> install;           // {file}, {version}, {size} and {sha256} are put in
  std::vector<std::string> facts, mark_good;  // empty: there is none
  std::string version_file;                   // "": there is none
  std::string restart;                        // "dtud", "board", "none"; "": as board.json says
  uint32_t timeout_s = 1800;
};

struct Config {
  std::vector<PortConfig> ports;
  std::vector<PinConfig> pins;
  std::vector<InstallerConfig> installers;
  BoardConfig board;
};

// `json` satisfies the schema. Throws DTU_E_INVALID when two ports name one device, two pins one line, or a program is
// not named by its absolute path.
Config read_config(std::string_view json);
// The same, and what is not there now: devices, chips, programs. See dtu_ops.check.
void check_config(std::string_view json, const dtu::Findings& found);

}  // namespace hal_linux
