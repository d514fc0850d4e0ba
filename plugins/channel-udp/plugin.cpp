#include <dtu/sdk.hpp>

#include "channel.hpp"
#include "schema.json.hpp"

DTU_COMPONENT(udp, channel_udp::UdpChannel, DTU_KIND_CHANNEL, "udp", "UDP", schema_json, 0,
              dtu::channel_iface<channel_udp::UdpChannel>);

DTU_PLUGIN("org.dtukit.channel-udp", "0.1.0", "dtukit", "Apache-2.0", "channel:udp", &udp);
