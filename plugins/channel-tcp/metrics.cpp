#include "metrics.hpp"

namespace channel_tcp {
namespace {

struct Name {
  const char* key;
  const char* metric;
  const char* help;
};
constexpr Name kNames[] = {
    {"connects", "tcp_connects", "Connections made or accepted"},
    {"disconnects", "tcp_disconnects", "Connections ended"},
    {"refused_clients", "tcp_refused_clients", "Clients closed at once because max_clients were connected"},
    {"slow_clients", "tcp_slow_clients", "Clients disconnected because they took no data for slow_client_s"},
    {"discarded_messages", "tcp_discarded_messages", "Uplink messages dropped for want of a client"},
    {"discarded_bytes", "tcp_discarded_bytes", "Bytes of the uplink messages dropped for want of a client"},
    {"lost_downlink_bytes", "tcp_lost_downlink_bytes", "Bytes received that could not be handed on before the end"},
};
static_assert(sizeof kNames / sizeof *kNames == static_cast<size_t>(Count::size_));

}  // namespace

Metrics::Metrics(dtu::Host host) : host_(host), service_(host.service<dtu_metrics_service>(DTU_METRICS_SERVICE)) {
  if (service_ == nullptr) return;
  for (size_t i = 0; i < kSize; ++i) {
    if (service_->add(host_.instance(), DTU_METRIC_COUNTER, dtu::str(kNames[i].metric), dtu::str(kNames[i].help),
                      &ids_[i]) != DTU_OK)
      ids_[i] = 0;
  }
}

void Metrics::add(Count which, uint64_t by) {
  const auto i = static_cast<size_t>(which);
  values_[i] += by;
  if (ids_[i] != 0) service_->increase(host_.instance(), ids_[i], by);
}

void Metrics::show(Poco::JSON::Object& out) const {
  for (size_t i = 0; i < kSize; ++i) out.set(kNames[i].key, values_[i]);
}

}  // namespace channel_tcp
