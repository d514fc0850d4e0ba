#include <dtu/sdk.hpp>

#include "channel.hpp"
#include "schema.json.hpp"

DTU_COMPONENT(http_channel, channel_http::HttpChannel, DTU_KIND_CHANNEL, "http", "HTTP", schema_json,
              DTU_CAP_REQUESTS | DTU_CAP_TOPICS | DTU_CAP_CONNECTIONLESS,
              dtu::channel_iface<channel_http::HttpChannel>);

DTU_PLUGIN("org.dtukit.channel-http", "0.1.0", "dtukit", "Apache-2.0", "channel:http", &http_channel);
