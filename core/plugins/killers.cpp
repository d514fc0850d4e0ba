#include "plugins/killers.hpp"

#include <string.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <utility>

#include "config/json_value.hpp"
#include "log/counted.hpp"
#include "log/utf8.hpp"

namespace dtud::plugins {
namespace {

using config::as_integer;
using config::as_text;
using config::Json;
using config::JsonArray;
using config::JsonObject;

constexpr int64_t kVersion = 1;
constexpr size_t kLongestFile = 64U << 10U, kLongestText = 256;

std::string how_it_ended(const LastCalls& last) {
  if (last.cause == LastCalls::kExit) return "ended by a call of exit()";
  if (last.cause == 0) return "was ended by signal 9 (SIGKILL), by _exit() or with the power";
  const char* name = ::sigabbrev_np(static_cast<int>(last.cause));
  return "died of signal " + std::to_string(last.cause) + (name == nullptr ? "" : std::string(" (SIG") + name + ")") +
         (last.outside ? ", which another process sent" : "");
}

bool counts(const LastCalls& last) {
  if (!last.same_boot || last.cause == 0 || !last.in) return false;
  return !last.outside || last.cause == SIGABRT;
}

std::string hex(uint64_t number) {
  std::array<char, 17> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number, 16).ptr;
  return {text.data(), end};
}

uint64_t number_in(const std::string& text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return number;
}

}  // namespace

uint64_t origin_of(std::string_view plugin, uint64_t build, std::string_view config) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const auto add = [&](std::string_view bytes) {
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  };
  add(plugin);
  add({"\0", 1});
  add(hex(build));
  add({"\0", 1});
  add(config);
  return hash;
}

void Killers::begin(const std::string& folder) {
  load(folder);
  std::string trouble;
  const auto last = page_.begin(folder, trouble);
  if (!trouble.empty()) log_.warning("plugins", trouble);
  if (!last) return;
  Death death;
  death.how = how_it_ended(*last);
  if (last->in) {
    death.instance = last->in->name;
    death.plugin = last->in->plugin;
    death.function = last->in->function.empty() ? "a function" : last->in->function;
  }
  for (const LastCalls::Call& call : last->beside)
    death.beside += (death.beside.empty() ? "" : ", ") + call.name + " in " +
                    (call.function.empty() ? "a function" : call.function);
  death.counts = counts(*last);
  if (death.counts) count(*last, death);
  last_ = std::move(death);
}

void Killers::count(const LastCalls& last, Death& death) {
  const LastCalls::Call& in = *last.in;
  Known now{in.name, in.plugin, in.origin};
  const auto same = std::find_if(known_.begin(), known_.end(), [&](const Known& k) { return k.name == in.name; });
  if (same != known_.end()) {
    if (same->origin == in.origin) now = *same;
    known_.erase(same);
  }
  std::rotate(now.at_ns.begin(), now.at_ns.begin() + 1, now.at_ns.end());
  now.at_ns.back() = last.ended_ns;
  now.how = "dtud " + death.how + " in " + death.function;
  ++now.deaths;
  const int64_t window = last.outside ? kHangWindow_ns : kWindow_ns;
  const int64_t first = now.at_ns.front();
  now.held = now.held || (first > 0 && last.ended_ns >= first && last.ended_ns - first <= window);
  death.deaths = now.deaths;
  death.held = now.held;
  if (known_.size() >= kMostKnown) known_.erase(known_.begin());
  known_.push_back(std::move(now));
  save();
}

const Killers::Known* Killers::find(const std::string& name) const {
  const auto it = std::find_if(known_.begin(), known_.end(), [&](const Known& k) { return k.name == name; });
  return it != known_.end() ? &*it : nullptr;
}

std::string Killers::why_held(const std::string& name, uint64_t origin) const {
  const Known* known = find(name);
  if (known == nullptr || !known->held || known->origin != origin) return {};
  return "dtud died in calls of it, " + counted(known->deaths, "time") + ", the last time: " + known->how +
         ". It is not created until you run dtuctl plugins retry '" + name +
         "', change its configuration, or use another build of plugin " + known->plugin;
}

bool Killers::has_killed(const std::string& name) const { return find(name) != nullptr; }

void Killers::forgive(const std::string& name) {
  const auto of = [&](const Known& k) { return k.name == name; };
  const auto end = std::remove_if(known_.begin(), known_.end(), of);
  if (end == known_.end()) return;
  known_.erase(end, known_.end());
  save();
}

// --- kept ------------------------------------------------------------------------------------------------------------

void Killers::load(const std::string& folder) {
  file_ = std::make_shared<config::StateFile>(folder + "/deaths.json", kLongestFile);
  std::string problem;
  const auto json = file_->read(problem);
  const JsonObject* o = json ? config::as_object(*json) : nullptr;
  if (o != nullptr && as_integer(o->get("version")) != kVersion) {
    problem = file_->reject("it has no list of deaths of version 1");
    o = nullptr;
  }
  if (!problem.empty()) log_.warning("plugins", problem + "; no instance is held for having ended dtud");
  // A board that was started again is to have another try.
  if (o == nullptr || boot_id().empty() || as_text(o->get("boot")) != boot_id()) return;
  const Json list = o->get("instances");
  const JsonArray* instances = config::as_list(list);
  if (instances == nullptr) return;
  for (const Json& one : *instances) {
    const JsonObject* i = config::as_object(one);
    if (i == nullptr || known_.size() >= kMostKnown) continue;
    const auto text = [i](const char* key) { return valid_utf8(as_text(i->get(key)), kLongestText); };
    Known k{text("name"), text("plugin"), number_in(text("origin"))};
    const Json times = i->get("at_ns");
    if (const JsonArray* at = config::as_list(times))
      for (size_t n = 0; n < kMost && n < at->size(); ++n)
        k.at_ns.at(n) = as_integer(at->get(static_cast<unsigned>(n)));
    k.deaths = static_cast<uint32_t>(std::clamp<int64_t>(as_integer(i->get("deaths")), 1, UINT32_MAX));
    k.how = text("how");
    k.held = config::as_flag(i->get("held"));
    if (!k.name.empty() && find(k.name) == nullptr) known_.push_back(std::move(k));
  }
}

void Killers::save() {
  if (file_ == nullptr) return;
  auto o = config::make_object();
  JsonArray::Ptr list = new JsonArray;
  for (const Known& k : known_) {
    auto one = config::make_object();
    one->set("name", k.name);
    one->set("plugin", k.plugin);
    one->set("origin", hex(k.origin));
    JsonArray::Ptr at = new JsonArray;
    for (const int64_t ns : k.at_ns) at->add(ns);
    one->set("at_ns", at);
    one->set("deaths", static_cast<int64_t>(k.deaths));
    one->set("how", k.how);
    one->set("held", k.held);
    list->add(one);
  }
  o->set("version", kVersion);
  o->set("boot", boot_id());
  o->set("instances", list);
  const auto write = [file = file_, text = config::to_json(Json(o)) + "\n"] {
    config::FileError error;
    return file->write(text, error) ? std::string() : error.text;
  };
  const auto told = [this](const std::string& problem) {
    if (!problem.empty()) log_.warning("plugins", problem + ": the deaths of dtud are counted only until the next one");
  };
  if (disk_ == nullptr) return told(write());
  disk_->run(here_, write, told);
}

}  // namespace dtud::plugins
