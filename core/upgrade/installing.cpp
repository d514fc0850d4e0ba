// From a verified file to a version that runs and has proven itself.
#include <utility>

#include "config/json_text.hpp"
#include "upgrade/upgrade.hpp"
#include "upgrade/version.hpp"

namespace dtud::upgrade {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr uint32_t kMostInstalls = 3, kMostRestarts = 3;
constexpr int64_t kAskBoard_s = 2, kAskHealth_s = 1, kAskConditions_s = 60;

enum class Runs { ordered, before, other };

// The copy that runs tells it, where the board has several and names them; else the version.
Runs what_runs(const Facts& facts, const Record& record) {
  const Order& order = record.order;
  if (facts.rolled_back) return Runs::before;
  const bool slots = !facts.slot.empty() && !record.previous_slot.empty();
  if (slots && facts.slot == record.previous_slot) return Runs::before;
  if (!facts.version.empty() && !order.version.empty()) {
    if (compare_versions(facts.version, order.version) == 0) return Runs::ordered;
    return compare_versions(facts.version, record.previous_version) == 0 ? Runs::before : Runs::other;
  }
  if (slots || facts.version.empty()) return Runs::ordered;  // without versions: the installer's word
  return facts.version == record.previous_version ? Runs::before : Runs::ordered;
}

}  // namespace

void Upgrade::install_when_allowed() {
  const Allowance::Verdict verdict = allowance_.look(around_.unix_s());
  if (!verdict.open) {
    note(verdict.why);
    return around_.wake_at(around_.now_ns() + verdict.look_s * kSecond);
  }
  check_conditions(record_.order.conditions, 0, [this, same = still()](const std::string& why) {
    if (!same() || record_.step != Step::verified) return;
    if (why.empty()) return install();
    if (spent_s() > int64_t{rules_.deadline_h} * 3600) return finish(Step::failed, why);
    note("waits: " + why);
    around_.wake_at(around_.now_ns() + kAskConditions_s * kSecond);
  });
}

void Upgrade::install() {
  if (++record_.installs > kMostInstalls)
    return finish(Step::failed,
                  "the installation was started " + std::to_string(kMostInstalls) + " times and never ended");
  set(Step::installing);
  keep_then([this](bool kept) {
    if (!kept) return finish(Step::failed, "not installed: the progress cannot be stored in " + folder_);
    installing_ = true;
    percent_ = -1;
    around_.wake_at(0);
    around_.install({record_.order.kind, image(), sha256_, record_.order.version, size_}, rules_.install_s,
                    [this, same = still()](const commands::Answer& answer) {
                      if (same()) installed(answer);
                    });
  });
}

void Upgrade::progressed(int32_t percent) {
  if (!running_ || !installing_ || percent == percent_) return;
  percent_ = percent;
  around_.changed(false);
}

void Upgrade::installed(const commands::Answer& answer) {
  installing_ = false;
  if (answer.status != DTU_OK)
    return std::exchange(cancel_asked_, false)
               ? finish(Step::cancelled, "during the installation")
               : finish(Step::failed, "the board did not install the file: " + answer.error);
  config::Findings findings;
  const auto json = config::read_json(answer.json.empty() ? "{}" : answer.json, "", findings);
  const config::JsonObject* said = json ? config::as_object(*json) : nullptr;
  record_.then = said != nullptr ? config::as_text(said->get("restart")) : "";
  if (record_.then != "none" && record_.then != "dtud" && record_.then != "board")
    record_.then = around_.restart_rule();
  if (record_.then == "none") {
    set(Step::confirming, "is installed");
    return keep_then([this](bool) { look_at_board(); });
  }
  restart();
}

void Upgrade::restart() {
  if (++record_.restarts > kMostRestarts)
    return finish(Step::failed, "the file is installed, but " +
                                    std::string(record_.then == "board" ? "the board" : "dtud") +
                                    " did not restart: restart it manually");
  record_.boot = around_.boot_id();
  set(Step::restarting, record_.then == "board" ? "the board restarts" : "dtud restarts");
  keep_then([this](bool) { around_.restart(record_.then); });  // not written: what runs after the restart tells
}

void Upgrade::look_at_board() {
  const bool same_boot = record_.boot == around_.boot_id();
  if (record_.step == Step::restarting && record_.then == "board" && same_boot) return restart();
  ++turn_;  // of several questions the last one counts
  around_.facts([this, same = still()](const FactsByKind& facts) {
    if (same() && !installing_) compare(facts);
  });
}

void Upgrade::compare(const FactsByKind& facts) {
  const auto found = facts.find(record_.order.kind);
  if (found == facts.end()) {
    if (around_.now_ns() > board_by_ns_)
      return finish(Step::failed, "no HAL reports the running " + record_.order.kind + ": the result is unknown");
    note("waits for the board to report the running version");
    return around_.wake_at(around_.now_ns() + kAskBoard_s * kSecond);
  }
  offers_ = facts;
  const Facts& now = found->second;
  const std::string version = now.version.empty() ? "the old version" : now.version;
  switch (what_runs(now, record_)) {
    case Runs::ordered:
      return begin_confirming(now.confirmed);
    case Runs::other:
      if (record_.step == Step::installing) break;
      return finish(Step::failed,
                    now.version + " runs now, " + record_.order.version + " was ordered: not marked good");
    case Runs::before:
      if (record_.step == Step::installing) break;
      return finish(Step::rolled_back, "the board rolled back: " + version + " runs");
  }
  verified_ = false;  // it was interrupted while installing: once more, from the file
  record_.step = Step::verified;
  download();
}

void Upgrade::begin_confirming(bool confirmed) {
  if (confirmed) {
    record_.confirmed = true;
    return finish(Step::took, record_.checked_by.empty() ? "" : "checked by " + record_.checked_by);
  }
  if (record_.step != Step::confirming || confirm_by_ns_ == 0)
    confirm_by_ns_ = around_.now_ns() + int64_t{rules_.confirm_s} * kSecond;
  set(Step::confirming, "runs; a channel must be up within " + std::to_string(rules_.confirm_s) + " s");
  keep_then([this](bool) { look_at_health(); });
}

void Upgrade::look_at_health() {
  const int64_t now = around_.now_ns();
  if (confirm_by_ns_ == 0) return look_at_board();  // dtud was restarted meanwhile
  if (marking_) return;
  if (now > confirm_by_ns_)
    return finish(Step::unconfirmed, "no channel was up within " + std::to_string(rules_.confirm_s) +
                                         " s: not marked good, the board rolls back at its next restart; "
                                         "dtuctl upgrade confirm keeps the new version");
  around_.wake_at(now + kAskHealth_s * kSecond);
  if (around_.health() == Health::unproven) return;
  marking_ = true;
  mark_good([this, same = still()](const commands::Answer& answer) {
    marking_ = false;
    if (!same()) return;
    if (answer.status != DTU_OK) return note("cannot be marked good: " + answer.error);
    record_.confirmed = true;
    finish(Step::took, record_.checked_by.empty() ? "" : "checked by " + record_.checked_by);
  });
}

void Upgrade::mark_good(commands::Done done) { around_.mark_good(record_.order.kind, std::move(done)); }

}  // namespace dtud::upgrade
