#include <dtu/sdk.hpp>

#include "channel.hpp"
#include "schema.json.hpp"

DTU_COMPONENT(tcp, channel_tcp::TcpChannel, DTU_KIND_CHANNEL, "tcp", "TCP", schema_json, 0,
              dtu::channel_iface<channel_tcp::TcpChannel>);

DTU_PLUGIN("org.dtukit.channel-tcp", "0.1.0", "dtukit", "Apache-2.0", "channel:tcp", &tcp);
