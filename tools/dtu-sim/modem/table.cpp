#include "table.hpp"

#include <array>

namespace sim::modem {

const AtCommand* find_command(std::string_view name, unsigned variants) {
  using Table = const std::vector<AtCommand>& (*)();
  constexpr std::array<Table, 8> kTables{general_commands, sim_commands, radio_commands,    packet_commands,
                                         socket_commands,  sms_commands, location_commands, firmware_commands};
  for (const Table table : kTables)
    for (const AtCommand& command : table())
      if (command.name == name) return (command.variants & variants) != 0 ? &command : nullptr;
  return nullptr;
}

void accept(Modem& /*modem*/, const Call& /*call*/, Answer& /*answer*/) {}

}  // namespace sim::modem
