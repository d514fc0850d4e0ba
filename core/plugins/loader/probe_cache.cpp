#include "plugins/loader/probe_cache.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "config/json_value.hpp"

namespace dtud::plugins {
namespace {

using config::as_integer;
using config::as_text;
using config::Json;
using config::JsonArray;
using config::JsonObject;
using Verdict = CacheEntry::Verdict;

constexpr int64_t kVersion = 1;
constexpr size_t kLongestFile = 1U << 20U, kLongestText = 4096;
constexpr std::array<const char*, 3> kVerdicts{"good", "suspect", "quarantined"};

JsonObject::Ptr to_json(const CacheEntry& e) {
  auto o = config::make_object();
  o->set("path", e.path);
  o->set("identity", e.identity);
  o->set("context", e.context);
  o->set("sha256", e.sha256);
  o->set("verdict", std::string(kVerdicts.at(static_cast<size_t>(e.verdict))));
  o->set("reason", e.reason);
  o->set("count", static_cast<int64_t>(e.count));
  o->set("time_ns", e.time_ns);
  o->set("signature", to_json(e.signature));
  if (!e.plugin.components.empty()) o->set("plugin", to_json(e.plugin));
  return o;
}

std::optional<CacheEntry> entry_of(const Json& json) {
  const JsonObject* o = config::as_object(json);
  if (o == nullptr) return {};
  const auto text = [o](const char* key) { return as_text(o->get(key)).substr(0, kLongestText); };
  const auto* verdict = std::find(kVerdicts.begin(), kVerdicts.end(), text("verdict"));
  CacheEntry e{text("path"),
               text("identity"),
               text("context"),
               text("sha256"),
               Verdict::good,
               text("reason"),
               0,
               0,
               signature_facts(o->get("signature")),
               {}};
  auto plugin = plugin_facts(o->get("plugin"));
  const bool whole = verdict != kVerdicts.end() && !e.path.empty() && e.path[0] == '/' && !e.identity.empty() &&
                     (e.sha256.empty() || is_sha256(e.sha256));
  if (!whole || (verdict == kVerdicts.begin() && (!plugin || e.sha256.empty()))) return {};
  e.verdict = static_cast<Verdict>(verdict - kVerdicts.begin());
  e.count = static_cast<uint32_t>(std::clamp<int64_t>(as_integer(o->get("count")), 0, UINT32_MAX));
  e.time_ns = as_integer(o->get("time_ns"));
  if (plugin) e.plugin = std::move(*plugin);
  return e;
}

std::string text_of(const std::vector<CacheEntry>& entries) {
  auto o = config::make_object();
  JsonArray::Ptr list = new JsonArray;
  for (const CacheEntry& e : entries) list->add(to_json(e));
  o->set("version", kVersion);
  o->set("entries", list);
  return config::to_json(Json(o)) + "\n";
}

void forget_schemas(PluginFacts& plugin) {
  plugin.whole = false;
  for (ComponentFacts& c : plugin.components) {
    c.schema.clear();
    for (events::Declared& event : c.events) event.schema.clear();
    for (DeclaredKey& key : c.keys) key.schema.clear();
  }
}

}  // namespace

ProbeCache::ProbeCache(std::string file, bool read_only)
    : file_(std::make_shared<config::StateFile>(std::move(file), kLongestFile)) {
  file_->set_read_only(read_only);
}

std::string ProbeCache::load() {
  changed_ = false;
  entries_.clear();
  const std::string problem = read(entries_);
  unread_ = file_->unread();
  return problem;
}

std::string ProbeCache::read(std::vector<CacheEntry>& to) {
  std::string problem;
  const auto json = file_->read(problem);
  if (!json) return problem;
  const JsonObject* o = config::as_object(*json);
  const Json list = o->get("entries");
  const JsonArray* entries = config::as_list(list);
  if (entries == nullptr || as_integer(o->get("version")) != kVersion)
    return file_->reject("it has no entries of version 1") + "; every plugin is probed again";
  size_t unknown = 0;
  for (const Json& one : *entries) {
    auto entry = entry_of(one);
    const bool known = entry && std::any_of(to.begin(), to.end(), [&](const auto& e) { return e.path == entry->path; });
    if (!entry || known || to.size() >= kMost)
      ++unknown;
    else
      to.push_back(std::move(*entry));
  }
  if (unknown == 0) return {};
  changed_ = true;
  return file_->reject(std::to_string(unknown) + " of the entries cannot be used; the other entries are used");
}

std::string ProbeCache::save() {
  const Job job = saving();
  const std::string problem = job ? job() : "";
  if (!problem.empty()) not_saved();
  return problem;
}

ProbeCache::Job ProbeCache::saving() {
  if (!changed_) return nullptr;
  if (std::exchange(unread_, false)) {
    std::vector<CacheEntry> before;
    const std::string ignored = read(before);  // said at the start
    for (CacheEntry& e : before)
      if (find(e.path) == nullptr && entries_.size() < kMost) entries_.push_back(std::move(e));
  }
  std::string text = text_of(entries_);
  // With schemas that are longer than any, the file would not be read again: then whoever needs them asks a probe.
  if (text.size() > kLongestFile / 2) {
    for (CacheEntry& e : entries_) forget_schemas(e.plugin);
    text = text_of(entries_);
  }
  changed_ = false;
  return [file = file_, text = std::move(text)] {
    config::FileError error;
    return file->write(text, error) ? std::string() : error.text;
  };
}

const CacheEntry* ProbeCache::find(const std::string& path) const {
  const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const CacheEntry& e) { return e.path == path; });
  return it == entries_.end() ? nullptr : &*it;
}

const CacheEntry* ProbeCache::quarantined(const std::string& sha256) const {
  const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const CacheEntry& e) {
    return e.verdict == Verdict::quarantined && !sha256.empty() && e.sha256 == sha256;
  });
  return it == entries_.end() ? nullptr : &*it;
}

void ProbeCache::put(CacheEntry entry) {
  changed_ = true;
  entries_.erase(
      std::remove_if(entries_.begin(), entries_.end(), [&](const CacheEntry& e) { return e.path == entry.path; }),
      entries_.end());
  entries_.push_back(std::move(entry));
  if (entries_.size() <= kMost) return;
  const auto good = std::find_if(entries_.begin(), entries_.end() - 1,
                                 [](const CacheEntry& e) { return e.verdict == Verdict::good; });
  entries_.erase(good == entries_.end() - 1 ? entries_.begin() : good);
}

}  // namespace dtud::plugins
