#include "channel.hpp"
#include "schema.json.hpp"

using channel_mqtt::Channel;

DTU_COMPONENT(mqtt_channel, Channel, DTU_KIND_CHANNEL, "mqtt", "MQTT broker", schema_json, DTU_CAP_TOPICS,
              dtu::channel_iface<Channel>);
DTU_PLUGIN("org.dtukit.channel-mqtt", "0.1.0", "dtukit", "Apache-2.0", "channel:mqtt", &mqtt_channel);
