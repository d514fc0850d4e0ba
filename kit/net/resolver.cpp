#include <dtu/kit/net/resolver.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <cstring>
#include <exception>
#include <utility>

#include "net/lookup_error.hpp"

namespace net {
namespace {

constexpr size_t kMostAddresses = 16;

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
    : host_(host),
      post_(host.need<dtu_post_service>(DTU_POST_SERVICE)),
      lookup_(std::move(lookup)),
      done_(std::move(done)) {}

Resolver::~Resolver() {
  if (thread_.joinable()) thread_.join();
}

void Resolver::start(const std::string& host, uint16_t port) {
  thread_ = std::thread([this, host, port] {
    try {
      result_ = lookup_(host, port);
    } catch (const std::exception& e) {
      result_.error = "the name " + host + " cannot be looked up: " + e.what();
    }
    dtu_post(
        &post_, host_.instance(), [](void* self) { static_cast<Resolver*>(self)->finished(); }, this);
  });
}

void Resolver::finished() {
  thread_.join();  // its last act was to post this
  const Resolved result = std::exchange(result_, {});
  done_(result);
}

}  // namespace net
