// The AT commands: one row each.
#pragma once
#include <string_view>
#include <vector>

#include "answer.hpp"
#include "call.hpp"
#include "profile.hpp"

namespace sim::modem {

using Handler = void (*)(Modem&, const Call&, Answer&);

// What has to be there before the command does anything; else its error says what is missing.
enum class Need {
  nothing,
  sim,       // +CME ERROR 10 to 14
  messages,  // +CMS ERROR 310 to 316: the SIM, and "SMS DONE" was said
};

struct AtCommand {
  std::string_view name;
  unsigned variants;
  Need need;
  // The line of the test form; "" answers only OK, null answers ERROR. A form without handler answers ERROR.
  const char* test;
  Handler execute;
  Handler read;
  Handler set;
};

// By what they are about, each in the file of that name.
[[nodiscard]] const std::vector<AtCommand>& general_commands();
[[nodiscard]] const std::vector<AtCommand>& sim_commands();
[[nodiscard]] const std::vector<AtCommand>& radio_commands();
[[nodiscard]] const std::vector<AtCommand>& packet_commands();
[[nodiscard]] const std::vector<AtCommand>& socket_commands();
[[nodiscard]] const std::vector<AtCommand>& sms_commands();
[[nodiscard]] const std::vector<AtCommand>& location_commands();
[[nodiscard]] const std::vector<AtCommand>& firmware_commands();

// Null when no variant in `variants` has it.
[[nodiscard]] const AtCommand* find_command(std::string_view name, unsigned variants);

// A handler for what is accepted and changes nothing that can be seen here.
void accept(Modem&, const Call&, Answer&);

}  // namespace sim::modem
