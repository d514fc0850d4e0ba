#include "kernel/upgrades.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "config/json_text.hpp"
#include "config/places.hpp"
#include "kernel/service_manager.hpp"

namespace dtud {
namespace {

using commands::Answer;
using commands::Done;
using upgrade::FactsByKind;

constexpr uint32_t kFactsDeadline_ms = 30'000, kMarkDeadline_ms = 60'000;
constexpr size_t kMostWaiters = 64, kMostKinds = 32, kLongestText = 64;

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

dtu_str text(const std::string& s) { return {s.data(), s.size()}; }

}  // namespace

Upgrades::Upgrades(Parts parts)
    : parts_(std::move(parts)),
      boot_id_(read_boot_id()),
      errand_(parts_.lane, *this),
      jitter_(static_cast<uint32_t>(monotonic_ns())),
      timer_(parts_.lane.timers().create(run_wake, this)) {}

Upgrades::~Upgrades() { parts_.lane.timers().destroy(timer_); }

void Upgrades::start(const config::BoardConfig& board, const std::string& state_dir) {
  restart_rule_ = board.reset == "reboot" ? "board" : "dtud";
  upgrade_ = std::make_unique<upgrade::Upgrade>(static_cast<upgrade::Surroundings&>(*this), board.upgrade,
                                                state_dir + "/upgrade");
  upgrade_->start();
}

void Upgrades::stop() {
  if (upgrade_ != nullptr) upgrade_->stop();
}

void Upgrades::started(plugins::Instance& hal) {
  if (hal.tables().firmware.facts == nullptr) return;
  if (std::find(hals_.begin(), hals_.end(), &hal) == hals_.end()) hals_.push_back(&hal);
  if (upgrade_ != nullptr) upgrade_->board_changed();
}

void Upgrades::stopping(const plugins::Instance& hal) {
  hals_.erase(std::remove(hals_.begin(), hals_.end(), &hal), hals_.end());
  for (auto it = providers_.begin(); it != providers_.end();)
    it = it->second == &hal ? providers_.erase(it) : std::next(it);
  if (installer_ == &hal) installer_ = nullptr;
}

void Upgrades::wake_at(int64_t ns) {
  if (ns == 0)
    parts_.lane.timers().disarm(timer_);
  else
    parts_.lane.timers().arm(timer_, ns);
}

void Upgrades::changed(bool step) {
  if (upgrade_ == nullptr) return;  // it is being made
  const std::string state = upgrade_->state();
  followers_.erase(std::remove_if(followers_.begin(), followers_.end(), [](const auto& f) { return f.expired(); }),
                   followers_.end());
  for (const auto& weak : followers_)
    if (const auto follower = weak.lock()) (*follower)(state);
  if (!step) return;
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    if (it->seen == upgrade_->seen()) {
      ++it;
      continue;
    }
    const Done done = std::move(it->done);
    it = waiters_.erase(it);
    done({DTU_OK, state, ""});
  }
}

void Upgrades::await(uint64_t seen, const Done& done) {
  if (seen != upgrade_->seen()) return done({DTU_OK, state(), ""});
  waiters_.push_back({seen, done});
  if (waiters_.size() <= kMostWaiters) return;
  const Done oldest = std::move(waiters_.front().done);  // most likely given up by its asker
  waiters_.pop_front();
  oldest({DTU_AGAIN, "", "too many callers wait for the next step of an upgrade"});
}

std::shared_ptr<void> Upgrades::follow(Follower follower) {
  auto kept = std::make_shared<Follower>(std::move(follower));
  followers_.push_back(kept);
  (*kept)(state());
  return kept;
}

std::string Upgrades::begin_errand(const std::string& job) {
  return errand_.begin(config::child_program("dtu-fetch").string(), job);
}

// --- the board -------------------------------------------------------------------------------------------------------

struct Upgrades::Gathering {
  size_t open = 1;  // one for the asker itself, so that it ends last
  FactsByKind facts;
  std::function<void(const FactsByKind&)> done;
  void one_less() {
    if (--open == 0) done(facts);
  }
};

void Upgrades::facts(std::function<void(const FactsByKind&)> done) {
  auto all = std::make_shared<Gathering>();
  all->done = std::move(done);
  for (plugins::Instance* hal : hals_) {
    uint64_t call = 0;
    ++all->open;
    const auto put = [](plugins::Instance& provider, uint64_t id, dtu_error* error) {
      return provider.tables().firmware.facts(provider.self(), id, error);
    };
    const auto refusal = parts_.calls.ask(
        *hal, "facts", put, nullptr, kFactsDeadline_ms,
        [this, all, hal](const Answer& answer) {
          learn(*hal, answer, all->facts);
          all->one_less();
        },
        call);
    if (refusal.status != DTU_OK) all->one_less();
  }
  parts_.lane.post([all] { all->one_less(); });
}

void Upgrades::offered(const std::function<void(bool)>& done) {
  if (!providers_.empty()) return done(true);
  facts([done](const FactsByKind& facts) { done(!facts.empty()); });
}

void Upgrades::learn(plugins::Instance& hal, const Answer& answer, FactsByKind& to) {
  if (std::find(hals_.begin(), hals_.end(), &hal) == hals_.end()) return;  // gone meanwhile
  config::Findings findings;
  const auto json = config::read_json(answer.json, "facts", findings);
  const config::JsonObject* kinds = json ? config::as_object(*json) : nullptr;
  if (answer.status != DTU_OK || kinds == nullptr)
    return parts_.log.error(hal.name(),
                            "does not report the running firmware: " +
                                (answer.status != DTU_OK ? answer.error : "the answer is not a JSON object"));
  for (const auto& [kind, value] : *kinds) {
    const config::JsonObject* said = config::as_object(value);
    if (said == nullptr || to.size() >= kMostKinds || to.count(kind) != 0) continue;
    upgrade::Facts facts;
    facts.version = config::as_text(said->get("version")).substr(0, kLongestText);
    facts.slot = config::as_text(said->get("slot")).substr(0, kLongestText);
    facts.confirmed = config::as_flag(said->get("confirmed"), true);
    facts.rolled_back = config::as_flag(said->get("rolled_back"));
    to.emplace(kind, std::move(facts));
    providers_[kind] = &hal;
  }
}

void Upgrades::fail_later(const Done& done, dtu_status status, std::string why) {
  parts_.lane.post([done, status, why = std::move(why)] { done({status, "", why}); });
}

void Upgrades::install(const std::string& kind, const std::string& file, const std::string& version, uint32_t seconds,
                       Done done) {
  const auto provider = providers_.find(kind);
  if (provider == providers_.end())
    return fail_later(done, DTU_E_CLOSED, "the HAL that installs " + kind + " is not running");
  installer_ = provider->second;
  const auto put = [kind, file, version](plugins::Instance& hal, uint64_t id, dtu_error* error) {
    const dtu_firmware_image image{sizeof image, 0, text(kind), text(file), text(version)};
    return hal.tables().firmware.install(hal.self(), &image, id, error);
  };
  const auto refusal = parts_.calls.ask(
      *installer_, "the installation", put, installer_->tables().firmware.cancel, seconds * 1000,
      [this, done](const Answer& answer) {
        installer_ = nullptr;
        done(answer);
      },
      install_call_);
  if (refusal.status != DTU_OK) fail_later(done, refusal.status, refusal.error);
}

void Upgrades::install_progress(std::function<void(int32_t)> done) {
  plugins::Instance* hal = installer_;
  if (hal == nullptr || !hal->alive() || hal->tables().firmware.progress == nullptr) return;
  hal->call(
      [hal, call = install_call_] {
        int32_t percent = -1;
        (void)hal->guarded("progress", nullptr, [&] {
          percent = hal->tables().firmware.progress(hal->self(), call);
          return DTU_OK;
        });
        return percent;
      },
      [done = std::move(done)](int32_t percent) { done(std::clamp(percent, -1, 100)); });
}

bool Upgrades::cancel_install() {
  plugins::Instance* hal = installer_;
  if (hal == nullptr || !hal->alive() || hal->tables().firmware.cancel == nullptr) return false;
  hal->call(
      [hal, call = install_call_] {
        return hal->guarded("cancel", nullptr, [&] {
          hal->tables().firmware.cancel(hal->self(), call);
          return DTU_OK;
        });
      },
      [](dtu_status) {});
  return true;
}

void Upgrades::mark_good(const std::string& kind, Done done) {
  const auto provider = providers_.find(kind);
  if (provider == providers_.end())
    return fail_later(done, DTU_E_CLOSED, "the HAL that installs " + kind + " is not running");
  plugins::Instance& hal = *provider->second;
  if (hal.tables().firmware.mark_good == nullptr)
    return fail_later(done, DTU_E_UNSUPPORTED, hal.name() + " cannot mark an upgrade as good");
  const auto put = [kind](plugins::Instance& to, uint64_t id, dtu_error* error) {
    return to.tables().firmware.mark_good(to.self(), text(kind), id, error);
  };
  uint64_t call = 0;
  const auto refusal = parts_.calls.ask(hal, "mark good", put, nullptr, kMarkDeadline_ms, done, call);
  if (refusal.status != DTU_OK) fail_later(done, refusal.status, refusal.error);
}

void Upgrades::read_point(const std::string& name, std::function<void(std::optional<double>)> done) {
  const auto understood = [done](const Answer& answer) {
    const std::string digits = answer.json.compare(0, 1, "\"") == 0 ? answer.json.substr(1) : answer.json;
    char* end = nullptr;
    const double value = std::strtod(digits.c_str(), &end);
    const bool number = answer.status == DTU_OK && end != digits.c_str() && (*end == '\0' || *end == '"');
    done(number ? std::optional<double>(value) : std::nullopt);
  };
  const auto refusal = parts_.calls.read_point(name, nullptr, understood);
  if (refusal.status != DTU_OK) parts_.lane.post([done] { done(std::nullopt); });
}

std::optional<uint64_t> Upgrades::free_bytes(const std::string& folder) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return std::nullopt;
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace dtud
