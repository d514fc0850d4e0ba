// dtud: puts the folders together. Reads the board file, starts HALs and commands, applies the device file, and carries
// what plugins ask to routing and commands. Main lane, unless a function says otherwise.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "commands/access.hpp"
#include "commands/calls.hpp"
#include "commands/directory.hpp"
#include "config/documents.hpp"
#include "disk/disk_lane.hpp"
#include "events/hub.hpp"
#include "kernel/announcements.hpp"
#include "kernel/answers_out.hpp"
#include "kernel/build_trial.hpp"
#include "kernel/changes.hpp"
#include "kernel/checks.hpp"
#include "kernel/components.hpp"
#include "kernel/device.hpp"
#include "kernel/indicators.hpp"
#include "kernel/network_settings.hpp"
#include "kernel/offline_storage.hpp"
#include "kernel/plugin_upgrade.hpp"
#include "kernel/registration.hpp"
#include "kernel/routed_upcalls.hpp"
#include "kernel/run_lock.hpp"
#include "kernel/service_manager.hpp"
#include "kernel/upgrades.hpp"
#include "lanes/lane.hpp"
#include "lanes/stall_watch.hpp"
#include "log/log.hpp"
#include "plugins/context.hpp"
#include "plugins/folders.hpp"
#include "plugins/instance.hpp"
#include "plugins/instances.hpp"
#include "plugins/isolation/isolation.hpp"
#include "plugins/killers.hpp"
#include "plugins/kv.hpp"
#include "routing/router.hpp"

namespace dtud {

struct KernelOptions {
  std::string board_file;
  std::string device_file, state_dir, socket;  // "" = as the board file says
  bool check = false;                          // only load(): nothing is written
  std::vector<plugins::BuiltIn> built_in;
};

class Kernel : public RoutedUpcalls {
 public:
  enum class End { stop, restart, reboot };

  Kernel(KernelOptions options, Lane& lane, Log& log);
  ~Kernel() override;

  // Reads both documents, and takes the locks of the state and runtime directories unless it is a check. Findings of
  // the board file, and of the device file, are appended. False: the board file cannot be used, or another dtud runs.
  bool load(config::Findings& findings);
  void start();
  void reload();  // reads the device file again
  // Stops everything in order and then the lane.
  void shutdown(End how);
  [[nodiscard]] End end() const { return end_; }

  // For the kernel's own commands and the control API.
  Log& log() { return log_; }
  Lane& lane() { return lane_; }
  DiskLane& disk() { return disk_; }
  Components& components() { return components_; }
  routing::Router& router() { return router_; }
  OfflineStorage& storage() { return storage_; }
  Device& device() { return device_; }
  Changes& changes() { return changes_; }
  Upgrades& upgrades() { return upgrades_; }
  NetworkSettings& network_settings() { return network_settings_; }
  PluginUpgrade& plugin_upgrade() { return plugin_upgrade_; }
  commands::Directory& directory() { return directory_; }
  commands::Calls& calls() { return calls_; }
  AnswersOut& answers() { return answers_; }
  commands::Access& access() { return access_; }
  plugins::Metrics& metrics() { return metrics_; }
  events::Hub& events() { return events_; }
  [[nodiscard]] const plugins::isolation::Isolation& isolation() const { return isolation_; }
  [[nodiscard]] const config::BoardConfig& board() const { return board_; }
  [[nodiscard]] const KernelOptions& options() const { return options_; }
  [[nodiscard]] const std::vector<plugins::InstancePtr>& members() const { return members_; }
  [[nodiscard]] uint64_t stalls() const { return stalled_.load(); }
  plugins::Instances& instances() { return instances_; }
  [[nodiscard]] plugins::Instance* instance(const std::string& name);  // "channel 1", "hal sim"; null: there is none
  [[nodiscard]] int64_t started_ns() const { return started_ns_; }
  // Restarts dtud or the board, once what is queued as answers is out (at most 3 s).
  void restart_soon(End how);
  void restart_soon() {
    restart_soon(board_.reset == "reboot" ? End::reboot : End::restart);
  }  // as the board file says

  // plugins::Upcalls, but for those that go to the router
  void started(plugins::Instance&) override;
  void stopping(plugins::Instance&) override;
  void stopped(plugins::Instance&) override;
  void state_changed(plugins::Instance&, uint64_t source, int32_t state, const dtu_error*) override;
  dtu_status reply(plugins::Instance&, const dtu_reply&) override;
  dtu_status invoke(plugins::Instance&, const dtu_request&, plugins::Asking, dtu_error*) override;
  dtu_status read_point(plugins::Instance&, const dtu_point_request&, plugins::Asking, dtu_error*) override;
  dtu_status write_point(plugins::Instance&, const dtu_point_request&, plugins::Asking, dtu_error*) override;
  dtu_status await_point(plugins::Instance&, const dtu_point_request&, plugins::Asking, dtu_error*) override;
  void cancel(plugins::Instance&, uint64_t number) override;
  void after_answers(plugins::Instance&, uint32_t deadline_ms, plugins::Asking) override;
  dtu_status list_points(std::string_view prefix, void (*each)(void*, const dtu_point_info*), void* ctx) override;
  dtu_status list_commands(std::string_view prefix, plugins::CommandSink each, void* ctx) override;

 private:
  void stalled(const StallWatch::Stall& stall);  // on the watch's thread
  [[nodiscard]] bool is_well();                  // a restart of dtud is not what would help most
  void tell_of_death();
  [[nodiscard]] bool take_back_build();         // true: dtud restarts with the build before
  [[nodiscard]] std::string held_hals() const;  // those in quarantine, and why; "" = none
  void add_member(uint32_t kind, const config::ComponentConfig& config);
  // The members that own keys of the device document get those of this one.
  void give_keys(const config::DeviceConfig& device, Device::Changed& changed);
  void register_offers(plugins::Instance& instance);
  [[nodiscard]] std::shared_ptr<const commands::Listing> listing();
  void learn_initial_password();
  [[nodiscard]] std::string why_busy() const;  // for an upgrade of a plugin
  [[nodiscard]] bool connected() const;        // a channel carries
  [[nodiscard]] bool proven() const;           // dtud does what it is for
  void stop_members();
  static void settled(void* self);
  // False: another dtud uses it. `key`: of board.json.
  [[nodiscard]] bool can_keep_in(const std::string& folder, const char* key, const char* content,
                                 config::Findings& findings);
  [[nodiscard]] bool can_listen(config::Findings& findings);
  [[nodiscard]] bool take_runtime_folder(config::Findings& findings);
  [[nodiscard]] bool lock(const std::string& folder, const char* key, config::Findings& findings);

  const KernelOptions given_;
  KernelOptions options_;
  Lane& lane_;
  Log& log_;
  std::atomic<uint64_t> stalled_{0};
  RunLock run_lock_;
  DiskLane disk_;  // outlives all that write
  std::unique_ptr<plugins::KvStore> kv_;
  std::unique_ptr<plugins::Folders> folders_;
  plugins::Killers killers_;  // outlives the instances, whose end is no death
  Components components_;     // outlives the instances: an abandoned one may still look at its tables
  Checks checks_;
  StallWatch stalls_;
  plugins::Metrics metrics_;
  plugins::Inbox inbox_;
  events::Hub events_;
  plugins::Context context_;
  plugins::Instances instances_;
  plugins::isolation::Isolation isolation_;
  OfflineStorage storage_;
  routing::Router router_;
  std::vector<plugins::InstancePtr> members_;  // HALs and commands
  Announcements announcements_;
  commands::Directory directory_;
  commands::Access access_;
  commands::Calls calls_;
  AnswersOut answers_;
  Device device_;
  Changes changes_;
  Registration registration_;
  Indicators indicators_;
  NetworkSettings network_settings_;
  Upgrades upgrades_;
  Watchdog watchdog_;
  std::string board_text_;
  config::BoardConfig board_;
  BuildTrial build_trial_;
  PluginUpgrade plugin_upgrade_;
  uint64_t settled_timer_ = 0;  // runs once nothing has changed its state for a while
  End restart_how_ = End::restart;
  int64_t started_ns_ = 0;
  bool ending_ = false, unwell_ = false, restarting_ = false;
  End end_ = End::stop;
};

}  // namespace dtud
