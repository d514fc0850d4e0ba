// The part of board.json that belongs to the simulated board.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hal_sim {

struct PortConfig {
  std::string id, link, title;  // link: "" = none
};

struct FirmwareConfig {
  std::string fail;              // where an upgrade fails, "": nowhere
  uint32_t install_ms = 200;     // an installation takes
  std::string restart = "dtud";  // what it needs then; "": as board.json says
};

struct Config {
  std::map<std::string, std::string> points;  // name -> JSON value
  std::vector<std::string> absent;
  uint32_t read_delay_ms = 0;
  bool drift = false;
  std::vector<PortConfig> ports;
  FirmwareConfig firmware;
};

// `json` satisfies the schema; what is left out has the schema's default.
Config read_config(std::string_view json);

}  // namespace hal_sim
