// Short messages: the two storages, and what the network delivers.
#pragma once
#include <string>
#include <vector>

#include "modem.hpp"

namespace sim::modem {

// A message arrives: announced or printed as AT+CNMI says, or kept by the network while there is no room for it.
void deliver_message(Modem&, ShortMessage);
// What the network kept, now that there may be room.
void deliver_waiting(Modem&);

}  // namespace sim::modem
