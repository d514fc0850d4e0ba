// Taking an order: is it one, may its asker give it, does the board install such a thing, and is now the time.
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "upgrade/upgrade.hpp"
#include "upgrade/version.hpp"

namespace dtud::upgrade {
namespace {

std::string forbidden(const Upgrade::Switches& switches, bool force) {
  if (!switches.ota) return "upgrades are switched off (ota is 0: function code 62)";
  if (!switches.fota && !force)
    return "upgrades are switched off (fota is 0: function code 55); use force to order one";
  return {};
}

struct Need {
  const char* point;
  const char* unit;
  int64_t least;
};

std::vector<Need> needs_of(const Conditions& c) {
  std::vector<Need> needs;
  if (c.min_battery_mv) needs.push_back({"battery.mv", " mV", *c.min_battery_mv});
  if (c.min_battery_percent) needs.push_back({"battery.percent", " %", *c.min_battery_percent});
  if (c.min_csq) needs.push_back({"radio.csq", "", *c.min_csq});
  return needs;
}

constexpr double kSignalUnknown = 99;

// One point after the other; then(why not).
void check_points(Surroundings& around, std::vector<Need> needs, std::function<void(const std::string&)> then) {
  if (needs.empty()) return then("");
  const Need need = needs.back();
  needs.pop_back();
  around.read_point(need.point, [&around, need, needs = std::move(needs),
                                 then = std::move(then)](std::optional<double> value) mutable {
    const std::string wanted = std::to_string(need.least) + need.unit + " is required";
    if (!value || (std::string(need.point) == "radio.csq" && *value == kSignalUnknown))
      return then(std::string(need.point) + " is unknown, and at least " + wanted);
    if (*value < static_cast<double>(need.least))
      return then(std::string(need.point) + " is " + std::to_string(static_cast<int64_t>(*value)) + need.unit +
                  ", at least " + wanted);
    check_points(around, std::move(needs), std::move(then));
  });
}

}  // namespace

void Upgrade::order(const config::JsonObject& args, const std::string& source, const Switches& switches,
                    commands::Done done) {
  Order order;
  const std::string wrong = read_order(args, rules_, order);
  order.source = source;
  if (!wrong.empty()) return done({DTU_E_INVALID, "", wrong});
  if (const std::string no = forbidden(switches, order.force); !no.empty()) return done({DTU_E_UNSUPPORTED, "", no});
  if (!running_) return done({DTU_E_CLOSED, "", "dtud is stopping"});
  if (!is_over(record_.step)) {
    if (same(order, record_.order)) return done({DTU_OK, state(), ""});
    return done({DTU_AGAIN, "",
                 "order " + std::to_string(record_.id) + ", " + describe(record_.order) + ", is under way (" +
                     name_of(record_.step) + "): wait for its end, or cancel it"});
  }
  if (asked_)
    return done({DTU_AGAIN, "", "another order, " + describe(asked_->order) + ", is being checked: try again"});
  asked_ = Asked{++asks_, std::move(order), std::move(done)};
  around_.facts([this, same = still_asked()](const FactsByKind& facts) {
    if (same()) judge(facts);
  });
}

std::function<bool()> Upgrade::still_asked() const {
  return [this, id = asks_] { return running_ && asked_ && asked_->id == id; };
}

void Upgrade::refuse(dtu_status status, const std::string& why) {
  const Asked asked = std::move(*asked_);
  asked_.reset();
  asked.done({status, "", why});
}

void Upgrade::judge(const FactsByKind& facts) {
  offers_ = facts;
  const Order& order = asked_->order;
  const auto found = facts.find(order.kind);
  if (found == facts.end()) {
    std::string offered;
    for (const auto& [kind, unused] : facts) offered += (offered.empty() ? "" : ", ") + kind;
    return refuse(DTU_E_UNSUPPORTED, "unsupported by this board: it installs no " + order.kind +
                                         (offered.empty() ? "" : ", but " + offered));
  }
  const Facts& runs = found->second;
  if (!order.force && order.version.empty())
    return refuse(DTU_E_INVALID, "the order has no version: give version or force");
  if (!order.force && !runs.version.empty() && compare_versions(order.version, runs.version) <= 0)
    return refuse(DTU_E_INVALID,
                  order.version + " is not newer than the running " + runs.version + ": use force to install it");
  check_conditions(order.conditions, order.size, [this, runs, same = still_asked()](const std::string& why) {
    if (!same()) return;
    if (!why.empty()) return refuse(DTU_E_UNSUPPORTED, why);
    accept(runs);
  });
}

void Upgrade::check_conditions(const Conditions& conditions, uint64_t room,
                               std::function<void(const std::string&)> then) {
  (void)::mkdir(folder_.c_str(), 0700);  // what is in its way is told of by the first file
  const uint64_t need = room + conditions.free_bytes;
  if (need != 0) {
    const auto free = around_.free_bytes(folder_);
    if (!free) return then("the free space in " + folder_ + " is unknown");
    if (*free < need)
      return then(std::to_string(*free) + " bytes are free in " + folder_ + ", " + std::to_string(need) +
                  " are needed");
  }
  check_points(around_, needs_of(conditions), std::move(then));
}

void Upgrade::accept(const Facts& runs) {
  Record next;
  next.id = record_.id + 1;
  next.order = asked_->order;
  next.step = Step::checked;
  next.previous_version = runs.version;
  next.previous_slot = runs.slot;
  store(next, Files::go_before, [this, next, same = still_asked()](bool stored) {
    if (!same()) return;
    if (!stored) return refuse(DTU_E_IO, "the order cannot be stored in " + folder_ + ": is the disk full?");
    accepted(next);
  });
}

void Upgrade::accepted(const Record& next) {
  record_ = next;
  began_ns_ = around_.now_ns();
  have_ = came_ = 0;
  failures_ = 0;
  retry_ns_ = 0;
  percent_ = -1;
  have_signature_ = verified_ = false;
  ++turn_;
  ++seen_;
  around_.say(Level::info, "order " + std::to_string(record_.id) + " by " + record_.order.source + ": " +
                               describe(record_.order) + " instead of " +
                               (next.previous_version.empty() ? "the running version" : next.previous_version));
  around_.changed(true);
  const Asked asked = std::move(*asked_);
  asked_.reset();
  asked.done({DTU_OK, state(), ""});
  if (record_.step == Step::checked) download();
}

}  // namespace dtud::upgrade
