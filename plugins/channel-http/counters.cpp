#include "counters.hpp"

namespace channel_http {
namespace {

struct Name {
  const char* key;
  const char* metric;
  const char* help;
};
constexpr Name kNames[] = {
    {"requests", "http_requests", "Requests made"},
    {"delivered", "http_delivered", "Messages delivered"},
    {"rejected", "http_rejected", "Messages that can never be delivered: HTTP 4xx, or an unknown request id"},
    {"failures", "http_failures", "Requests that failed and are repeated"},
    {"connections", "http_connections", "Connections made"},
    {"redirects", "http_redirects", "Redirects followed"},
    {"lost_answers", "http_lost_answers", "Answers to delivered messages that could not be passed on"},
};
static_assert(sizeof kNames / sizeof *kNames == static_cast<size_t>(Count::size_));

}  // namespace

Counters::Counters(dtu::Host host) : host_(host), service_(host.service<dtu_metrics_service>(DTU_METRICS_SERVICE)) {
  if (service_ == nullptr) return;
  for (size_t i = 0; i < kSize; ++i) {
    if (service_->add(host_.instance(), DTU_METRIC_COUNTER, dtu::str(kNames[i].metric), dtu::str(kNames[i].help),
                      &ids_[i]) != DTU_OK)
      ids_[i] = 0;
  }
}

void Counters::add(Count which, uint64_t by) {
  const auto i = static_cast<size_t>(which);
  values_[i] += by;
  if (ids_[i] != 0) service_->increase(host_.instance(), ids_[i], by);
}

void Counters::show(Poco::JSON::Object& out) const {
  for (size_t i = 0; i < kSize; ++i) out.set(kNames[i].key, values_[i]);
}

}  // namespace channel_http
