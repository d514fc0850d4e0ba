// What dtud itself tells as events: docs/control-api.md lists them. Main lane.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "events/hub.hpp"
#include "lanes/lane.hpp"
#include "plugins/instance.hpp"
#include "plugins/instances.hpp"
#include "routing/router.hpp"

namespace dtud {

class Announcements {
 public:
  struct Parts {
    Lane& lane;
    events::Hub& hub;
    plugins::Instances& instances;
    const routing::Router& router;
    const std::vector<plugins::InstancePtr>& members;  // of the board file
  };
  explicit Announcements(Parts parts);
  ~Announcements();
  Announcements(const Announcements&) = delete;
  Announcements& operator=(const Announcements&) = delete;

  // The events that dtud tells, as a plugin lists its own.
  [[nodiscard]] static const std::vector<events::Declared>& declared();

  // The members of the board file were started: system.started comes when all of them run or have failed, 10 s later
  // at the latest.
  void board_started();
  void look_at_start(bool over);
  // plugin.state, and channel.state if it is a channel. After whoever has to know of the change itself.
  void state_changed(const plugins::Instance& instance);
  void stopped(const plugins::Instance& instance);
  // port.state of each port that is not as it was told last.
  void look_at_ports();
  // config.applied. After the answer to whoever changed it.
  void config_applied(uint64_t revision, const std::vector<std::string>& changed);
  void config_rolled_back(uint64_t revision, const std::string& why);
  void plugin_rolled_back(const std::string& plugin, const std::string& from, const std::string& to,
                          const std::string& why);
  void access_locked(const std::string& source, int64_t seconds);

 private:
  static constexpr int64_t kSecond = 1'000'000'000;
  static constexpr int64_t kStartedWithin_ns = 10 * kSecond, kFaultsEvery_ns = kSecond;
  void look_at_faults();

  Parts parts_;
  uint64_t start_timer_ = 0, fault_timer_ = 0;
  bool starting_ = false;
  // Shared with whoever notes a fault: a thread of a plugin may still do so when this is gone.
  std::shared_ptr<std::atomic<bool>> faults_due_ = std::make_shared<std::atomic<bool>>(false);
  int64_t faults_told_ns_ = -kFaultsEvery_ns;
  std::map<const plugins::Faults*, uint64_t> faults_told_;             // how many of each
  std::map<std::string, std::pair<int32_t, std::string>> ports_told_;  // state and error by name
};

}  // namespace dtud
