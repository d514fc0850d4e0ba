#include <dtu/message.h>

#include <mqtt/connect_options.hpp>
#include <utility>

namespace mqtt {
namespace {

// Larger than any message we can hand on, with room for its topic and properties.
constexpr uint32_t kLargestPacket = DTU_PAYLOAD_MAX + (128U << 10U);
constexpr uint32_t kNeverExpires = 0xFFFFFFFF;

void add_number(MQTTProperties& properties, MQTTPropertyCodes code, uint32_t value) {
  MQTTProperty property{};
  property.identifier = code;
  property.value.integer4 = value;
  MQTTProperties_add(&properties, &property);
}

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

ConnectOptions::ConnectOptions(const Options& options, std::string uri)
    : uri_(std::move(uri)),
      uris_{uri_.data()},
      will_(MQTTAsync_willOptions_initializer),
      tls_(MQTTAsync_SSLOptions_initializer),
      properties_(MQTTProperties_initializer) {
  const bool v5 = options.version == Version::v5;
  MQTTAsync_connectOptions v3_defaults = MQTTAsync_connectOptions_initializer;
  MQTTAsync_connectOptions v5_defaults = MQTTAsync_connectOptions_initializer5;
  connect_ = v5 ? v5_defaults : v3_defaults;
  connect_.MQTTVersion = v5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;  // said, so that Paho does not fall back to 3.1
  connect_.serverURIcount = 1;
  connect_.serverURIs = uris_;
  connect_.keepAliveInterval = static_cast<int>(options.keep_alive_s);
  connect_.connectTimeout = static_cast<int>(options.connect_timeout_ms / 1000 + 5);  // ours comes first
  connect_.automaticReconnect = 0;
  connect_.username = or_null(options.username);
  connect_.password = or_null(options.password);
  (v5 ? connect_.cleanstart : connect_.cleansession) = options.clean_session ? 1 : 0;
  if (v5) add_session_properties(options);
  if (!options.will.topic.empty()) {
    will_.topicName = options.will.topic.c_str();
    will_.payload.data = options.will.payload.data();
    will_.payload.len = static_cast<int>(options.will.payload.size());
    will_.qos = options.will.qos;
    will_.retained = options.will.retain ? 1 : 0;
    connect_.will = &will_;
  }
  if (options.tls.on) {
    tls_.trustStore = or_null(options.tls.ca);
    tls_.disableDefaultTrustStore = options.tls.ca.empty() ? 0 : 1;
    tls_.keyStore = or_null(options.tls.cert);
    tls_.privateKey = or_null(options.tls.key);
    tls_.enableServerCertAuth = options.tls.verify ? 1 : 0;
    tls_.verify = options.tls.verify ? 1 : 0;  // the host name
    tls_.sslVersion = MQTT_SSL_VERSION_DEFAULT;
    connect_.ssl = &tls_;
  }
}

void ConnectOptions::add_session_properties(const Options& options) {
  add_number(properties_, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, kLargestPacket);
  if (!options.clean_session) add_number(properties_, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, kNeverExpires);
  connect_.connectProperties = &properties_;
}

ConnectOptions::~ConnectOptions() { MQTTProperties_free(&properties_); }

}  // namespace mqtt
