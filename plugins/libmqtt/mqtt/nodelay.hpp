// Paho leaves Nagle's algorithm on and does not lend its socket, so small messages of QoS 0 wait up to 40 ms for the
// acknowledgement of the one before.
#pragma once
#include <cstdint>
#include <string>

namespace mqtt {

// Sets TCP_NODELAY on this process's connections to `address` (numeric) and `port`. Harmless on any but ours.
void send_at_once(const std::string& address, uint16_t port);

}  // namespace mqtt
