// The device as its document describes it: makes ports, channels and links what a new document says, touching only what
// changed. Main lane.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/documents.hpp"
#include "kernel/components.hpp"
#include "kernel/offline_storage.hpp"
#include "plugins/context.hpp"
#include "routing/router.hpp"

namespace dtud {

class Device {
 public:
  using Changed = std::vector<std::string>;  // "channel 1", "port 2"
  using Applied = std::function<void(const Changed&)>;

  Device(plugins::Context& context, routing::Router& router, Components& components, OfflineStorage& storage)
      : context_(context), router_(router), components_(components), storage_(storage) {}

  // Afterwards things are as `next` says; what is unchanged went on meanwhile. Applied one after the other.
  void apply(std::shared_ptr<const config::DeviceConfig> next, Applied applied);
  // Called for each document when the links that do not fit it are gone: makes the owners of changed keys anew, and
  // names them.
  void on_owned(std::function<void(const config::DeviceConfig&, Changed&)> owned) { owned_changed_ = std::move(owned); }
  // Told whenever a document was applied.
  void on_rebuilt(std::function<void(const config::DeviceConfig&)> rebuilt) { rebuilt_ = std::move(rebuilt); }
  // Says why a port may have no HAL; "": nothing is known.
  void on_no_hal(std::function<std::string()> why) { why_no_hal_ = std::move(why); }
  // The newest that was given, applied already or not.
  [[nodiscard]] const config::DeviceConfig& config() const { return changes_.empty() ? *now_ : *changes_.back().next; }

  // Starts channel `id`, 0 = all, that auto_connect 0 left alone; they stay wanted. False: there is no such channel.
  bool connect(uint32_t id);

  // A HAL or a command component is running: its ports are opened, the links that speak its dialects get their
  // sessions.
  void hal_started(plugins::Instance& hal);
  void speaker_started(plugins::Instance& speaker);

  // One of them is gone for good.
  void forget(const plugins::Instance& instance);
  // Channels whose plugin was replaced run with these settings now; nothing is done to them.
  void took_over(const config::ChannelConfig& channel);
  [[nodiscard]] bool idle() const { return changes_.empty(); }

  // Stops all channels within the deadline, then calls done. Nothing is applied from now on.
  void stop_channels(uint32_t deadline_ms, std::function<void()> done);

 private:
  struct Change {
    std::shared_ptr<const config::DeviceConfig> next;
    Applied applied;
  };
  void begin();
  void stop_outdated(const std::shared_ptr<const config::DeviceConfig>& next, std::function<void()> then);
  void rebuild();
  void drop_outdated_links();
  void match_ports();
  void match_channels();
  void make_links();
  void make_link(routing::Port* port, const std::string& mode, std::vector<routing::Channel*> channels,
                 const config::PacketConfig& packet);
  void open(routing::Port& port);
  [[nodiscard]] plugins::Instance* speaker_of(const std::string& dialect) const;
  static routing::OutboxLimits limits_of(const config::ChannelConfig& config, const routing::Port* port);

  plugins::Context& context_;
  routing::Router& router_;
  Components& components_;
  OfflineStorage& storage_;
  std::shared_ptr<const config::DeviceConfig> now_ = std::make_shared<config::DeviceConfig>();
  std::shared_ptr<const config::DeviceConfig> before_;
  std::deque<Change> changes_;  // the first is being applied
  Changed changed_;
  std::function<void(const config::DeviceConfig&)> rebuilt_;
  std::function<std::string()> why_no_hal_;
  std::function<void(const config::DeviceConfig&, Changed&)> owned_changed_;
  bool ending_ = false;
  struct PortOffer {
    std::string id, device;
    plugins::Instance* hal;
  };
  std::vector<PortOffer> offers_;  // what running HALs have
  std::vector<plugins::Instance*> speakers_;
};

}  // namespace dtud
