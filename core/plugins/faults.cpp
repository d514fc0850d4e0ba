#include "plugins/faults.hpp"

#include <algorithm>

#include "lanes/lane.hpp"
#include "lanes/wall_clock.hpp"
#include "log/counted.hpp"
#include "log/utf8.hpp"

namespace dtud::plugins {
namespace {

constexpr size_t kLongestText = 244;  // bytes, as a dtu_error

}  // namespace

const char* name_of(Fault kind) {
  constexpr std::array<const char*, kFaultKinds> names{
      "exception",   "slow",          "stall", "stop",  "overrun", "flood", "buffers", "left_behind",
      "completion",  "no_completion", "taken", "reply", "thread",  "late",  "emit",    "malformed",
      "no_writable", "busy",          "died",  "quota", "fatal",   "caller"};
  return names.at(static_cast<size_t>(kind));
}

Faults::Faults(Log& log, std::string instance, std::string plugin, const OnNote& on_note)
    : log_(log), instance_(std::move(instance)), plugin_(std::move(plugin)), on_note_(on_note) {}

void Faults::note(Fault kind, std::string_view function, std::string_view text, uint64_t times) noexcept {
  const int64_t now = monotonic_ns();
  std::string line;
  {
    Lock lock(mutex_);
    Kept& kept = kinds_.at(static_cast<size_t>(kind));
    kept.count += times;
    kept.function = valid_utf8(function, kLongestText);
    kept.text = valid_utf8(log_.scrubber().clean(text), kLongestText);
    kept.at_ns = wall_clock_ns();
    if (on_note_.logs && (kept.logged_ns == 0 || now - kept.logged_ns >= kQuiet_ns)) {
      line = kept.function + " of plugin " + plugin_ + " " + kept.text;
      if (const uint64_t unsaid = kept.count - kept.logged_at - times; unsaid != 0)
        line += " (and " + counted(unsaid, "more time") + " since the last such line)";
      kept.logged_ns = now;
      kept.logged_at = kept.count;
    }
  }
  if (!line.empty()) log_.error(instance_, line);
  if (on_note_.fn) on_note_.fn();
}

void Faults::note_refused_events(std::string_view function, uint64_t times) noexcept {
  // First: whoever hears of the fault may read this count.
  count_refused_events(times);
  note(Fault::flood, function, "tells more than 200 events at once, 20 a second or 64 KiB a second: they are dropped",
       times);
}

void Faults::judge_taken(std::string_view function, dtu_status status, uint32_t taken, uint32_t offered) noexcept {
  const bool none = taken == 0 && status >= 0;
  if (taken <= offered && !none) return;
  note(Fault::taken, function,
       "reports that it took " + std::to_string(taken) + " of " + counted(offered, "message") +
           (taken == 0 ? " and no error" : ""));
}

dtu_status Faults::unacceptable(std::string_view function) noexcept {
  note(Fault::emit, function, "is given a message that is too long, or a length without bytes");
  return DTU_E_INVALID;
}

std::vector<std::pair<Fault, Faults::Occurrence>> Faults::read() const {
  std::vector<std::pair<Fault, Occurrence>> happened;
  Lock lock(mutex_);
  for (size_t i = 0; i < kFaultKinds; ++i)
    if (kinds_.at(i).count != 0) happened.emplace_back(static_cast<Fault>(i), kinds_.at(i));
  return happened;
}

uint64_t Faults::total() const {
  uint64_t sum = 0;
  Lock lock(mutex_);
  for (const Kept& kept : kinds_) sum += kept.count;
  return sum;
}

bool Faults::may_log(bool debug) noexcept {
  const int64_t cost = debug ? kDebugCost : kLineCost, now = monotonic_ns();
  {
    Lock lock(mutex_);
    if (credited_ns_ == 0) credited_ns_ = now;
    const int64_t earned = (now - credited_ns_) / kCredit_ns;
    credited_ns_ += earned * kCredit_ns;
    credit_ = std::min(kMostCredit, credit_ + earned);
    if (credit_ >= cost) {
      credit_ -= cost;
      return true;
    }
  }
  note(Fault::flood, "log", "writes too much: the line is left out");
  return false;
}

Faults& FaultBook::of(const std::string& instance, const std::string& plugin) {
  Lock lock(mutex_);
  const auto same = std::find_if(records_.begin(), records_.end(),
                                 [&](const Faults& f) { return f.instance() == instance && f.plugin() == plugin; });
  Faults& record = same != records_.end() ? *same : records_.emplace_back(log_, instance, plugin, on_note_);
  const auto former =
      std::find_if(newest_.begin(), newest_.end(), [&](const Faults* f) { return f->instance() == instance; });
  if (former != newest_.end())
    *former = &record;
  else
    newest_.push_back(&record);
  return record;
}

Faults* FaultBook::newest(std::string_view instance) const {
  Lock lock(mutex_);
  for (Faults* record : newest_)
    if (record->instance() == instance) return record;
  return nullptr;
}

std::vector<const Faults*> FaultBook::all() const {
  std::vector<const Faults*> list;
  Lock lock(mutex_);
  for (const Faults& record : records_) list.push_back(&record);
  return list;
}

bool Strikes::add(int64_t now_ns) {
  std::rotate(at_.begin(), at_.begin() + 1, at_.end());
  at_.back() = now_ns;
  return at_.front() != 0 && now_ns - at_.front() <= kWindow_ns;
}

}  // namespace dtud::plugins
