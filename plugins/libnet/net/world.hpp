// Chance and the name service, as a test may replace them.
#pragma once
#include <net/backoff.hpp>
#include <net/resolver.hpp>

namespace net {

struct World {
  Backoff::Random random = random_fraction;
  Resolver::Lookup lookup = system_lookup;
};

}  // namespace net
