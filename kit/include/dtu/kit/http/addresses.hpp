// Host names to addresses. Blocks; for the client's thread.
#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace http {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// Throws Broken when there is none.
using Lookup = std::function<std::vector<Address>(const std::string& host, uint16_t port)>;

// The C library's resolver, bounded: two tries of 2 s per name server, once more for a search domain. It cannot be
// interrupted.
[[nodiscard]] std::vector<Address> system_lookup(const std::string& host, uint16_t port);

}  // namespace http
