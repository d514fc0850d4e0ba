#include <sys/socket.h>

#include <algorithm>
#include <dtu/kit/net/resolver.hpp>
#include <dtu/sdk/text.hpp>
#include <mqtt/resolve.hpp>

namespace mqtt {
namespace {

// "192.0.2.1:0" and "[2001:db8::1]:0" without the port and the brackets.
std::string host_of(const net::Address& address) {
  std::string text = address.text();
  text.erase(std::min(text.rfind(':'), text.size()));
  return text.front() == '[' ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

std::vector<std::string> resolve(const std::string& host) {
  if (net::numeric_address(host, 0)) return {host};
  net::Resolved found = net::system_lookup(host, 0);
  if (found.addresses.empty()) throw dtu::Failure(DTU_E_IO, found.error);
  // A connection over IPv6 that leads nowhere costs a whole attempt, so IPv4 goes first.
  std::stable_partition(found.addresses.begin(), found.addresses.end(),
                        [](const net::Address& a) { return a.storage.ss_family == AF_INET; });
  std::vector<std::string> out;
  for (const net::Address& address : found.addresses)
    if (std::string text = host_of(address); std::find(out.begin(), out.end(), text) == out.end())
      out.push_back(std::move(text));
  return out;
}

}  // namespace mqtt
