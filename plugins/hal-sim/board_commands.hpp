// The commands of the simulated board: nothing is sent, said or set; a point keeps what was asked for last.
#pragma once
#include <dtu/sdk/component.hpp>

#include <array>
#include <string>
#include <string_view>

namespace hal_sim {

struct BoardCommand {
  const char *name, *title, *args_schema;
  const char *point, *point_title;             // of what was asked for last; null before
  std::string (*kept)(std::string_view args);  // its value. Throws DTU_E_INVALID naming the argument
  uint32_t flags = 0;                          // beside DTU_COMMAND_PASSWORD
};

extern const std::array<BoardCommand, 3> kBoardCommands;

[[nodiscard]] const BoardCommand* board_command(std::string_view name);  // null: there is none
[[nodiscard]] dtu_command_info info_of(const BoardCommand& command);

}  // namespace hal_sim
