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

constexpr uint32_t kFactsDeadline_ms = 30'000, kMarkDeadline_ms = 60'000, kCancelDeadline_ms = 60'000;
constexpr const char *kFacts = "firmware.facts", *kInstall = "firmware.install", *kMarkGood = "firmware.mark_good",
                     *kCancel = "firmware.cancel", *kProgress = "firmware.progress";
constexpr size_t kMostWaiters = 64, kMostKinds = 32, kLongestText = 64;

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

// The facts of one board: what its firmware.facts answered.
struct Said {
  const plugins::Instance* board;
  Answer answer;
};

}  // namespace

Upgrades::Upgrades(Parts parts)
    : parts_(std::move(parts)),
      boot_id_(read_boot_id()),
      errand_(parts_.lane, *this),
      jitter_(static_cast<uint32_t>(monotonic_ns())),
      timer_(parts_.lane.timers().create(run_wake, this)) {
  progress_ = parts_.events.follow(kProgress, [this](const events::Event& event, uint32_t) { progressed(event); });
}

Upgrades::~Upgrades() {
  parts_.events.unfollow(progress_);
  parts_.lane.timers().destroy(timer_);
}

void Upgrades::start(const config::BoardConfig& board, const std::string& state_dir) {
  restart_rule_ = board.reset == "reboot" ? "board" : "dtud";
  upgrade_ = std::make_unique<upgrade::Upgrade>(static_cast<upgrade::Surroundings&>(*this), board.upgrade,
                                                state_dir + "/upgrade");
  upgrade_->start();
}

void Upgrades::stop() {
  if (upgrade_ != nullptr) upgrade_->stop();
}

void Upgrades::offered_by(plugins::Instance& board) {
  if (!board.alive() || !offers(board, kFacts)) return;
  if (!runs(&board)) boards_.push_back(&board);
  if (upgrade_ != nullptr) upgrade_->board_changed();
}

void Upgrades::stopping(const plugins::Instance& board) {
  boards_.erase(std::remove(boards_.begin(), boards_.end(), &board), boards_.end());
  for (auto it = providers_.begin(); it != providers_.end();)
    it = it->second == &board ? providers_.erase(it) : std::next(it);
  if (installer_ == &board) installer_ = nullptr;
}

bool Upgrades::runs(const plugins::Instance* board) const {
  return std::find(boards_.begin(), boards_.end(), board) != boards_.end();
}

bool Upgrades::offers(const plugins::Instance& board, const char* command) const {
  return parts_.directory.command(command, &board) != nullptr;
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

void Upgrades::call(const plugins::Instance& board, const char* command, std::string args, uint32_t deadline_ms,
                    Done done) {
  commands::Request request;
  request.command = command;
  request.args = std::move(args);
  request.to = board.name();
  request.deadline_ms = deadline_ms;
  const Answer refusal = parts_.calls.invoke(request, nullptr, done);
  if (refusal.status != DTU_OK) fail_later(done, refusal.status, refusal.error);
}

// In the order of board.json, whoever answers first: a kind that two boards have is the first one's.
struct Upgrades::Gathering {
  size_t open = 1;  // one for the asker itself, so that it ends last
  std::list<Said> said;
  std::function<void()> done;
  void one_less() {
    if (--open == 0) done();
  }
};

void Upgrades::facts(std::function<void(const FactsByKind&)> done) {
  auto all = std::make_shared<Gathering>();
  all->done = [this, said = &all->said, done = std::move(done)] {
    FactsByKind facts;
    for (const Said& one : *said) learn(one.board, one.answer, facts);
    done(facts);
  };
  const auto offered = parts_.directory.commands().find(kFacts);
  if (offered != parts_.directory.commands().end())
    for (const commands::Command& offer : offered->second) {
      if (!runs(offer.provider)) continue;
      ++all->open;
      Said& to = all->said.emplace_back(Said{offer.provider, {}});
      call(*offer.provider, kFacts, "{}", kFactsDeadline_ms, [all, &to](const Answer& answer) {
        to.answer = answer;
        all->one_less();
      });
    }
  parts_.lane.post([all] { all->one_less(); });
}

void Upgrades::offered(const std::function<void(bool)>& done) {
  if (!providers_.empty()) return done(true);
  facts([done](const FactsByKind& facts) { done(!facts.empty()); });
}

void Upgrades::learn(const plugins::Instance* board, const Answer& answer, FactsByKind& to) {
  if (!runs(board)) return;  // gone meanwhile
  config::Findings findings;
  const auto json = config::read_json(answer.json, "facts", findings);
  const config::JsonObject* kinds = json ? config::as_object(*json) : nullptr;
  if (answer.status != DTU_OK || kinds == nullptr)
    return parts_.log.error(board->name(),
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
    providers_[kind] = board;
  }
}

void Upgrades::fail_later(const Done& done, dtu_status status, std::string why) {
  parts_.lane.post([done, status, why = std::move(why)] { done({status, "", why}); });
}

void Upgrades::install(const upgrade::Image& image, uint32_t seconds, Done done) {
  const auto provider = providers_.find(image.kind);
  if (provider == providers_.end())
    return fail_later(done, DTU_E_CLOSED, "the HAL that installs " + image.kind + " is not running");
  installer_ = provider->second;
  auto args = config::make_object();
  args->set("kind", image.kind);
  args->set("file", image.file);
  args->set("size", image.size);
  args->set("sha256", image.sha256);
  args->set("version", image.version);
  call(*installer_, kInstall, config::to_json(config::Json(args)), seconds * 1000,
       [this, done = std::move(done)](const Answer& answer) {
         installer_ = nullptr;
         done(answer);
       });
}

void Upgrades::progressed(const events::Event& event) {
  if (installer_ == nullptr || event.source != installer_->name() || (event.flags & DTU_EVENT_GONE) != 0) return;
  config::Findings findings;
  const auto json = config::read_json(event.json, kProgress, findings);
  const config::JsonObject* said = json ? config::as_object(*json) : nullptr;
  if (said == nullptr) return;
  const int64_t percent = config::as_integer(said->get("percent"), -1);
  upgrade_->progressed(static_cast<int32_t>(std::clamp<int64_t>(percent, -1, 100)));
}

bool Upgrades::cancel_install(Done done) {
  if (installer_ == nullptr || !offers(*installer_, kCancel)) return false;
  call(*installer_, kCancel, "{}", kCancelDeadline_ms, std::move(done));
  return true;
}

void Upgrades::mark_good(const std::string& kind, Done done) {
  const auto provider = providers_.find(kind);
  if (provider == providers_.end())
    return fail_later(done, DTU_E_CLOSED, "the HAL that installs " + kind + " is not running");
  const plugins::Instance& board = *provider->second;
  if (!offers(board, kMarkGood))
    return fail_later(done, DTU_E_UNSUPPORTED, board.name() + " cannot mark an upgrade as good");
  auto args = config::make_object();
  args->set("kind", kind);
  call(board, kMarkGood, config::to_json(config::Json(args)), kMarkDeadline_ms, std::move(done));
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
