// A channel that completes at once: what is left is the way there and back.
#include <dtu/sdk.hpp>

namespace {

class Instant : public dtu::Component, public dtu::ChannelIface {
 public:
  Instant(dtu::Host host, std::string_view /*config*/) : Component(host) {}
  dtu_status start() override {
    host_.report(DTU_STATE_UP);
    return DTU_OK;
  }
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override {
    for (*taken = 0; *taken < n; ++*taken) host_.complete(msgs[*taken].token, DTU_OK);
    return DTU_OK;
  }
};

DTU_COMPONENT(component, Instant, DTU_KIND_CHANNEL, "instant", "Completes at once", R"({"type": "object"})", 0,
              dtu::channel_iface<Instant>);

}  // namespace

DTU_PLUGIN("org.dtukit.bench.instant", "1.0.0", "dtukit", "Apache-2.0", "channel:instant", &component);
