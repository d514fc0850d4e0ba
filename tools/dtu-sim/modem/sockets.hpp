// Sockets of the module, for scripts and for the loop that waits for their peers.
#pragma once
#include <string>

#include "modem.hpp"

namespace sim::modem {

// Bytes arrived for a socket: kept and announced, or pushed, as it was opened. Nothing if it is not open.
void socket_received(Modem&, int id, std::string_view bytes);
// The far end closed it.
void socket_closed(Modem&, int id);
// The network takes a context away.
void drop_context(Modem&, int context);

}  // namespace sim::modem
