// Upgrades in this dtud: what their steps (core/upgrade) need of boards, calls, channels and processes. Main lane.
#pragma once
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "commands/calls.hpp"
#include "commands/directory.hpp"
#include "config/documents.hpp"
#include "disk/disk_lane.hpp"
#include "events/hub.hpp"
#include "lanes/lane.hpp"
#include "log/log.hpp"
#include "plugins/instance.hpp"
#include "upgrade/errand.hpp"
#include "upgrade/upgrade.hpp"

namespace dtud {

class Upgrades final : private upgrade::Surroundings, private upgrade::Errand::Owner {
 public:
  // restart: "dtud" or "board". proven: a channel carries, or there is none that could.
  struct Parts {
    Lane& lane;
    Log& log;
    DiskLane& disk;
    commands::Directory& directory;
    commands::Calls& calls;
    events::Hub& events;
    std::function<void(const std::string& how)> restart;
    std::function<bool()> proven;
  };
  explicit Upgrades(Parts parts);
  ~Upgrades() override;

  void start(const config::BoardConfig& board, const std::string& state_dir);
  void stop();
  void offered_by(plugins::Instance& board);  // it has started, and what it offers is in the directory
  void stopping(const plugins::Instance& board);
  void look() {  // a channel changed its state
    if (upgrade_ != nullptr) upgrade_->look();
  }

  [[nodiscard]] upgrade::Upgrade& present() { return *upgrade_; }  // from start() on
  // Whether somebody can install an upgrade.
  void offered(const std::function<void(bool)>& done);
  // Something is being installed, by a board that must not go now.
  [[nodiscard]] bool installs() const { return installer_ != nullptr || (upgrade_ != nullptr && upgrade_->installs()); }
  [[nodiscard]] std::string state() const { return upgrade_ != nullptr ? upgrade_->state() : "{}"; }
  // Answered with the state once its `seen` is another.
  void await(uint64_t seen, const commands::Done& done);
  // The follower is told the state whenever it changes, also how far it is, until the token is destroyed.
  using Follower = std::function<void(const std::string& state)>;
  [[nodiscard]] std::shared_ptr<void> follow(Follower follower);

 private:
  struct Gathering;
  int64_t now_ns() override { return monotonic_ns(); }
  int64_t unix_s() override { return parts_.lane.unix_ns() / 1'000'000'000; }
  std::string boot_id() override { return boot_id_; }
  uint32_t random() override { return static_cast<uint32_t>(jitter_()); }
  void wake_at(int64_t ns) override;
  void on_disk(std::function<bool()> job, std::function<void(bool)> then) override {
    parts_.disk.run(here_, std::move(job), std::move(then));
  }
  void changed(bool step) override;
  void say(Level level, const std::string& text) override { parts_.log.write(level, "upgrade", text); }
  std::string begin_errand(const std::string& job) override;
  void end_errand() override { errand_.end(); }
  void drop_errand() override { errand_.drop(); }
  void facts(std::function<void(const upgrade::FactsByKind&)> done) override;
  void install(const upgrade::Image& image, uint32_t seconds, commands::Done done) override;
  bool cancel_install(commands::Done done) override;
  void mark_good(const std::string& kind, commands::Done done) override;
  void read_point(const std::string& name, std::function<void(std::optional<double>)> done) override;
  std::optional<uint64_t> free_bytes(const std::string& folder) override;
  void restart(const std::string& how) override { parts_.restart(how); }
  std::string restart_rule() override { return restart_rule_; }
  upgrade::Health health() override { return parts_.proven() ? upgrade::Health::proven : upgrade::Health::unproven; }
  void errand_said(std::string_view line) override { upgrade_->errand_said(line); }
  void errand_ended(const std::string& how) override { upgrade_->errand_ended(how); }

  void learn(const plugins::Instance* board, const commands::Answer& answer, upgrade::FactsByKind& to);
  [[nodiscard]] bool runs(const plugins::Instance* board) const;
  [[nodiscard]] bool offers(const plugins::Instance& board, const char* command) const;
  void call(const plugins::Instance& board, const char* command, std::string args, uint32_t deadline_ms,
            commands::Done done);
  void progressed(const events::Event& event);
  void fail_later(const commands::Done& done, dtu_status status, std::string why);
  static void run_wake(void* self) { static_cast<Upgrades*>(self)->upgrade_->wake(); }

  Parts parts_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  const std::string boot_id_;
  std::string restart_rule_ = "dtud";
  upgrade::Errand errand_;
  std::unique_ptr<upgrade::Upgrade> upgrade_;
  std::vector<const plugins::Instance*> boards_;               // running, with firmware.facts
  std::map<std::string, const plugins::Instance*> providers_;  // by kind, as they said last
  const plugins::Instance* installer_ = nullptr;               // of the installation under way
  uint64_t progress_ = 0;                                      // follows firmware.progress
  struct Waiter {
    uint64_t seen;
    commands::Done done;
  };
  std::list<Waiter> waiters_;
  std::vector<std::weak_ptr<Follower>> followers_;
  std::minstd_rand jitter_;
  uint64_t timer_ = 0;
};

}  // namespace dtud
