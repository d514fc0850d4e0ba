// Another build of a plugin takes the place of the one that runs: it is loaded beside it, every instance goes over
// (InstanceMove), one after the other, and the choice is written down. When one does not work as well as before, or
// takes none of the messages that wait for it, all go back and the build is marked as failed. Main lane.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/documents.hpp"
#include "kernel/announcements.hpp"
#include "kernel/build_trial.hpp"
#include "kernel/changes.hpp"
#include "kernel/components.hpp"
#include "kernel/instance_move.hpp"
#include "plugins/loader/store.hpp"

namespace dtud {

class PluginUpgrade {
 public:
  struct Parts {
    Lane& lane;
    Log& log;
    Components& components;
    Changes& changes;
    InstanceMove::Parts move;
    std::vector<plugins::InstancePtr>& members;  // HALs and commands; none is added or removed during an upgrade
    // The board document as it was at the start, read with these schemas.
    std::function<std::optional<config::BoardConfig>(const config::Schemas&, config::Findings&)> read_board;
    std::function<std::string()> busy;  // why nothing may be replaced now; "" = it may
    Announcements& tell;
    BuildTrial& trial;
  };
  struct Request {
    plugins::Installed build;                    // one that the store keeps; or
    std::string back;                            // the id of a plugin: to the build it had before
    bool force = false;                          // also an older version, or one that failed before
    uint32_t deadline_ms = kDefaultDeadline_ms;  // for each instance
  };
  static constexpr uint32_t kDefaultDeadline_ms = 10'000, kLongestDeadline_ms = 120'000;
  // error: "" when it took; else what was wrong, and what runs now.
  using Done = std::function<void(const std::string& error)>;

  explicit PluginUpgrade(Parts parts);
  ~PluginUpgrade();
  PluginUpgrade(const PluginUpgrade&) = delete;
  PluginUpgrade& operator=(const PluginUpgrade&) = delete;

  // done is called once. A refusal and an end are on the disk by then.
  void start(const Request& request, Done done);
  // dtud ends: whatever is under way is left as it is.
  void stop();
  // How far it is, or how the last one ended: see docs/control-api.md.
  [[nodiscard]] std::string state() const;
  // At the start: a build that is tried stays so for the time it has left, at most.
  void go_on_proving();
  // From Kernel. True: its successor takes over what it offers.
  bool stopped(plugins::Instance& instance) { return at_ < moves_.size() && moves_[at_]->stopped(instance); }

 private:
  using Plugin = std::shared_ptr<const plugins::LoadedPlugin>;
  enum class Stage { idle, beginning, moving, settling, choosing, going_back };  // beginning, choosing: on the disk
  struct Target {
    plugins::InstancePtr* slot;
    InstanceMove::Code to;
  };
  // "", or why it is refused.
  std::string plan(const Request& request);
  std::string load(const Request& request);
  [[nodiscard]] std::filesystem::path file_before(const std::string& id) const;
  void choose(plugins::Store::Then then);
  void forget_failed(const std::string& why);
  std::string check_build(const Request& request);
  std::string find_targets();
  std::string add_channels(const config::Schemas& schemas);
  std::string add_members(const config::Schemas& schemas);
  [[nodiscard]] const plugins::LoadedComponent* successor(const plugins::LoadedComponent& of) const;
  [[nodiscard]] const plugins::LoadedComponent& beside(const plugins::LoadedComponent& now,
                                                       const plugins::LoadedComponent& next) const;
  [[nodiscard]] std::vector<plugins::InstancePtr*> slots() const;

  void step();
  void next();
  void commit();
  void committed();
  enum class Blame { build, us };
  void go_back(const std::string& why, Blame blame = Blame::build);
  void next_back();
  void gone_back();
  void end(const std::string& error);
  static void tick(void* self) { static_cast<PluginUpgrade*>(self)->step(); }
  static void proven(void* self) { static_cast<PluginUpgrade*>(self)->parts_.trial.over(); }
  [[nodiscard]] BuildTrial::Record record(bool chosen) const;
  // fn, unless the upgrade that is under way now is over by then.
  template <typename Fn>
  [[nodiscard]] auto while_under_way(Fn fn) const {
    return [run = std::weak_ptr<bool>(run_), fn = std::move(fn)](const auto&... said) {
      if (!run.expired()) fn(said...);
    };
  }

  const Parts parts_;
  uint64_t timer_ = 0, proof_timer_ = 0;

  // Of the one that is under way, or of the last.
  std::shared_ptr<bool> run_;
  Request request_;
  Plugin old_, build_;
  std::vector<Target> targets_;
  std::vector<config::ChannelConfig> channels_;  // of targets_, as the new schema reads them
  config::OwnedKeys owned_;                      // likewise
  std::vector<std::unique_ptr<InstanceMove>> moves_;
  size_t at_ = 0;
  Stage stage_ = Stage::idle;
  Blame blame_ = Blame::build;               // of going back
  int64_t settled_ns_ = 0, owed_by_ns_ = 0;  // owed_by: when a message that waits must have come to its end
  std::string error_;
  Done done_;
  bool ending_ = false;
  // For state(): kept when the rest is let go.
  struct Moved {
    std::string instance;
    int64_t ms;
  };
  std::vector<Moved> moved_;
  std::string id_, result_, from_version_, from_file_, to_version_, to_file_;
  size_t total_ = 0;
};

}  // namespace dtud
