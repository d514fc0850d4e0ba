#include <dtu/kit/http/addresses.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <cstring>
#include <memory>
#include <net/lookup_error.hpp>

#include <dtu/kit/http/message.hpp>

namespace http {
namespace {

constexpr size_t kMost = 8;

}  // namespace

std::vector<Address> system_lookup(const std::string& host, uint16_t port) {
  // The resolver's settings belong to the thread, so this changes nobody else's; and resolv.conf is looked at anew.
  if (::res_init() == 0) {
    _res.retrans = 2;
    _res.retry = 2;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) throw Broken(Trouble::failed, net::describe_lookup(error, host));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  std::vector<Address> out;
  for (const addrinfo* a = found; a != nullptr && out.size() < kMost; a = a->ai_next) {
    Address& address = out.emplace_back();
    address.length = a->ai_addrlen;
    std::memcpy(&address.storage, a->ai_addr, a->ai_addrlen);
  }
  return out;
}

}  // namespace http
