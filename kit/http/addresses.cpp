#include <dtu/kit/http/addresses.hpp>

#include <algorithm>
#include <dtu/kit/http/message.hpp>
#include <dtu/kit/net/resolver.hpp>
#include <utility>

namespace http {
namespace {

constexpr size_t kMost = 8;

}  // namespace

std::vector<Address> system_lookup(const std::string& host, uint16_t port) {
  net::Resolved found = net::system_lookup(host, port);
  if (found.addresses.empty()) throw Broken(Trouble::failed, found.error);
  found.addresses.resize(std::min(found.addresses.size(), kMost));
  return std::move(found.addresses);
}

}  // namespace http
