// Host names to addresses. Blocks; for the client's thread.
#pragma once
#include <cstdint>
#include <dtu/kit/net/socket.hpp>
#include <functional>
#include <string>
#include <vector>

namespace http {

using Address = net::Address;

// Throws Broken when there is none.
using Lookup = std::function<std::vector<Address>(const std::string& host, uint16_t port)>;

// The first 8 of net::system_lookup(), which says how long it may take.
[[nodiscard]] std::vector<Address> system_lookup(const std::string& host, uint16_t port);

}  // namespace http
