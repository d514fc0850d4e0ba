// Who listens on a TCP port of this machine.
#pragma once
#include <cstdint>
#include <string>

namespace channel_tcp {

// "another channel of this program", "pid 123 (nginx)"; "" when it cannot be told, as for a program of another user.
// Walks through /proc: for a message, not for each try.
[[nodiscard]] std::string holder_of(uint16_t port);

}  // namespace channel_tcp
