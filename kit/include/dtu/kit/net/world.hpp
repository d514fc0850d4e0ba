// Chance and the name service, as a test may replace them.
#pragma once
#include <dtu/kit/net/backoff.hpp>
#include <dtu/kit/net/resolver.hpp>

namespace net {

struct World {
  Backoff::Random random = random_fraction;
  Resolver::Lookup lookup = system_lookup;
};

}  // namespace net
