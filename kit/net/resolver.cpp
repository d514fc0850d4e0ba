#include <dtu/kit/net/resolver.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <cstring>
#include <utility>

#include "net/lookup_error.hpp"

namespace net {
namespace {

constexpr size_t kMostAddresses = 16;
constexpr std::chrono::milliseconds kIdle{1000};  // a thread that waits for the next name costs memory

}  // namespace

Resolved system_lookup(const std::string& host, uint16_t port) {
  // The C library's resolver settings belong to the thread, so this changes nobody else's.
  if (::res_init() == 0) {
    _res.retrans = 2;
    _res.retry = 2;
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  Resolved r;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    r.error = describe_lookup(error, host);
    return r;
  }
  for (const addrinfo* a = found; a != nullptr && r.addresses.size() < kMostAddresses; a = a->ai_next) {
    Address& address = r.addresses.emplace_back();
    address.length = a->ai_addrlen;
    std::memcpy(&address.storage, a->ai_addr, a->ai_addrlen);
  }
  ::freeaddrinfo(found);
  return r;
}

Resolver::Resolver(dtu::Host host, Lookup lookup, Done done)
    : lookup_(std::move(lookup)), done_(std::move(done)), worker_(host, {1, "dtu-resolver", kIdle}) {}

void Resolver::start(const std::string& host, uint16_t port) {
  busy_ = worker_.run([lookup = lookup_, host, port] { return lookup(host, port); },
                      [this, host](const dtu::Worked<Resolved>& result) { finished(result, host); });
}

void Resolver::finished(const dtu::Worked<Resolved>& result, const std::string& host) {
  busy_ = false;
  if (result.ok()) return done_(*result.value);
  done_({{}, "the name " + host + " cannot be looked up: " + result.error});
}

}  // namespace net
