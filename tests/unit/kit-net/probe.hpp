// An instance that does nothing, to have a dtu::Host in the hand.
#pragma once
#include <dtu/sdk.hpp>
#include <string_view>

#include "host/test_host.hpp"

namespace net::test {

class Idle : public dtu::Component {
 public:
  Idle(dtu::Host host, std::string_view /*config*/) : Component(host) {}
};
inline constexpr dtu_component kIdle{sizeof(dtu_component),   DTU_KIND_CHANNEL,      "idle",  "Idle", "{}", 0,
                                     dtu::Glue<Idle>::create, &dtu::Glue<Idle>::ops, nullptr, 0};

class Probe {
 public:
  explicit Probe(dtu::test::TestHost& host) : instance_(host.create(kIdle)), host_(host.table(), instance_.handle()) {}
  [[nodiscard]] dtu::Host host() const { return host_; }

 private:
  dtu::test::Instance instance_;
  dtu::Host host_;
};

}  // namespace net::test
