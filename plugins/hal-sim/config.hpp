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

struct Config {
  std::map<std::string, std::string> points;  // name -> JSON value
  std::vector<std::string> absent;
  uint32_t read_delay_ms = 0;
  bool drift = false;
  std::vector<PortConfig> ports;
};

// `json` satisfies the schema; what is left out has the schema's default.
Config read_config(std::string_view json);

}  // namespace hal_sim
