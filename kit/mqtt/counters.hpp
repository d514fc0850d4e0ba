// What dtu.metrics/1 shows of a client. Does nothing where the host does not offer it.
#pragma once
#include <array>
#include <dtu/sdk/host.hpp>

namespace mqtt {

enum class Count {
  publishes,
  acks,
  rejected,
  received,
  downlink_dropped,
  downlink_overflows,
  retained_dropped,
  reconnects,
  refused
};

class Counters {
 public:
  explicit Counters(dtu::Host host) : host_(host), service_(host.service<dtu_metrics_service>(DTU_METRICS_SERVICE)) {}

  void start() {  // [lane] not before start(): create() may only look services up
    if (service_ == nullptr) return;
    for (size_t i = 0; i < kNames.size(); ++i)
      service_->add(host_.instance(), DTU_METRIC_COUNTER, dtu::str(kNames[i].name), dtu::str(kNames[i].help), &ids_[i]);
  }
  void add(Count what, uint64_t by = 1) noexcept {  // [any]
    if (service_ != nullptr && by > 0) service_->increase(host_.instance(), ids_[static_cast<size_t>(what)], by);
  }

 private:
  struct Named {
    std::string_view name, help;
  };
  static constexpr std::array<Named, 9> kNames{{
      {"mqtt_publishes", "Messages handed to the MQTT client"},
      {"mqtt_acks", "Messages of QoS 1 and 2 the broker acknowledged"},
      {"mqtt_rejected", "Messages that can never be published: no such topic id, too large, refused by the broker"},
      {"mqtt_received", "Messages received from the broker"},
      {"mqtt_downlink_dropped", "Messages from the broker that were dropped: no room (QoS 0 only), or over 1 MiB"},
      {"mqtt_downlink_overflows",
       "Times the channel disconnected because messages came faster than the port took them"},
      {"mqtt_retained_dropped", "Retained messages that were dropped: the subscription does not deliver them"},
      {"mqtt_reconnects", "Connections made again after one was lost"},
      {"mqtt_refused", "Refusals by the broker that may be about something else than the message (0x80, 0x83, 0x87)"},
  }};
  dtu::Host host_;
  const dtu_metrics_service* service_;
  std::array<uint64_t, kNames.size()> ids_{};
};

}  // namespace mqtt
