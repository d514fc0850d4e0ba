#include "plugins/loader/vetting.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "config/json_text.hpp"
#include "lanes/call_page.hpp"
#include "lanes/wall_clock.hpp"
#include "plugins/loader/trust.hpp"

namespace dtud::plugins {
namespace {

namespace fs = std::filesystem;
using Verdict = CacheEntry::Verdict;

constexpr uint32_t kDeathsToQuarantine = 2;    // of dtud; one may have had another cause: a kill
constexpr uint32_t kRestartsToQuarantine = 5;  // of the board: the power fails often where nobody goes

std::string without_file(const std::string& text, const fs::path& file) {
  const std::string prefix = file.string() + ": ";
  return text.compare(0, prefix.size(), prefix) == 0 ? text.substr(prefix.size()) : text;
}

std::string held_against(const fs::path& file, const CacheEntry& e) {
  return file.string() + ": is quarantined: " + e.reason +
         (e.count > 1 ? ", " + std::to_string(e.count) + " times" : "") +
         ": get another build of it, or have it tried again by dtuctl plugins retry " + file.filename().string();
}

// Where the thing that is written down here stands; a file that is gone stays as it was called.
fs::path resolved(const fs::path& file) {
  std::error_code ec;
  const fs::path real = fs::canonical(file, ec);
  return ec ? file.lexically_normal() : real;
}

}  // namespace

Vetting::Vetting(Setup setup, std::function<void(const std::string&)> say)
    : setup_(std::move(setup)), say_(std::move(say)), cache_(setup_.folder + "/probes.json", setup_.read_only) {}

void Vetting::begin() {
  if (const std::string trouble = cache_.load(); !trouble.empty()) say_(trouble);
  if (setup_.read_only) return;
  make_folder();
  died_of(mark_.take(setup_.folder + "/opening"));
}

void Vetting::make_folder() {
  ::mkdir(fs::path(setup_.folder).parent_path().c_str(), 0750);
  ::mkdir(setup_.folder.c_str(), 0700);
}

void Vetting::keep() {
  if (setup_.read_only) return;
  if (const ProbeCache::Job job = cache_.saving()) run_(job, [this](const std::string& trouble) { kept(trouble); });
}

void Vetting::kept(const std::string& trouble) {
  if (trouble.empty()) return;
  cache_.not_saved();
  if (!std::exchange(not_kept_, true))
    say_("the results of the probes cannot be stored, so every start probes all plugin files: " + trouble);
}

// A signature file that came or went, other keys, another dtud: an answer of before says nothing of now.
std::string Vetting::context_of(const fs::path& file) const {
  std::string all = setup_.version + (setup_.require_signed ? "\nsigned\n" : "\n");
  all += identity_of(fs::path(file.string() + ".sig"));
  for (const std::string& key : setup_.keys) all += "\n" + key + (key[0] == '/' ? identity_of(fs::path(key)) : "");
  char text[20] = {};
  std::snprintf(text, sizeof text, "%016zx", std::hash<std::string>()(all));
  return text;
}

void Vetting::died_of(const std::string& mark) {
  if (mark.empty()) return;
  config::Findings ignored;
  const auto json = config::read_json(mark, "", ignored);
  const config::JsonObject* o = json ? config::as_object(*json) : nullptr;
  if (o == nullptr) return say_(setup_.folder + "/opening is damaged: the plugin file that ended dtud is unknown");
  const std::string path = config::as_text(o->get("path"));
  const std::string identity = config::as_text(o->get("identity"));
  if (path.empty() || identity.empty() || identity_of(fs::path(path)) != identity) return;
  const CacheEntry* before = cache_.find(path);
  CacheEntry e = before != nullptr && before->identity == identity ? *before : CacheEntry{};
  e.path = path;
  e.identity = identity;
  if (const std::string sha256 = config::as_text(o->get("sha256")); is_sha256(sha256)) e.sha256 = sha256;
  const bool board = config::as_text(o->get("boot")) != boot_id();
  e.verdict =
      ++e.count >= (board ? kRestartsToQuarantine : kDeathsToQuarantine) ? Verdict::quarantined : Verdict::suspect;
  e.reason = board ? "the board was started again while dtud opened this file" : "dtud ended while it opened this file";
  e.time_ns = wall_clock_ns();
  say_(path + ": " + e.reason +
       (e.verdict == Verdict::suspect ? "; the file is tried once more" : ", again: the file is quarantined"));
  cache_.put(std::move(e));
  keep();
}

const CacheEntry* Vetting::known(const fs::path& file) const {
  const CacheEntry* e = cache_.find(resolved(file).string());
  return e != nullptr && identity_of(file) == e->identity ? e : nullptr;
}

ProbeJob Vetting::job_for(const fs::path& file) const {
  ProbeJob job{file, setup_.keys, setup_.require_signed, {}, false};
  for (const CacheEntry& e : cache_.entries())
    if (e.verdict == Verdict::quarantined && !e.sha256.empty()) job.held.push_back(e.sha256);
  return job;
}

Vetting::Vetted Vetting::vet(const fs::path& wanted, bool whole) {
  const Trust trust = check_trust(wanted);
  if (!trust.refusal.empty()) {
    Vetted v;
    v.file = trust.file;
    v.refusal = trust.refusal;
    return v;
  }
  const CacheEntry* e = known(trust.file);
  const bool held = e != nullptr && e->verdict == Verdict::quarantined;
  const bool usable = e != nullptr && !e->plugin.components.empty() && e->context == context_of(trust.file) &&
                      (e->plugin.whole || !whole);
  if (!held && !usable) {
    ProbeJob job = job_for(trust.file);
    job.schemas = whole;
    return learn(trust.file, probe(setup_.program, job, setup_.limits));
  }
  return {held ? held_against(trust.file, *e) : "", held, trust.file, e->identity, e->sha256, e->signature, e->plugin};
}

Vetting::Vetted Vetting::learn(const fs::path& file, const Probed& probed) {
  using End = Probed::End;
  Vetted v{"", false, file, identity_of(file), probed.sha256, probed.signature, probed.plugin};
  const CacheEntry* before = cache_.find(file.string());
  const bool same = before != nullptr && !probed.sha256.empty() && before->sha256 == probed.sha256;
  CacheEntry e = same ? *before : CacheEntry{};
  e.path = file.string();
  e.identity = v.identity;
  e.context = context_of(file);
  e.sha256 = probed.sha256;
  e.signature = probed.signature;
  e.time_ns = wall_clock_ns();
  if (probed.end == End::unavailable) {
    if (setup_.require_signed) {
      v.refusal =
          probed.text + ": the probe is needed to check signatures (require_signed), so no plugin file is opened";
    } else if (!std::exchange(no_probe_, true)) {
      say_(probed.text + ": plugin files are opened without being probed");
    }
    return v;
  }
  if (probed.end == End::refused) {
    v.refusal = probed.text;
    cache_.erase_if([&](const CacheEntry& old) { return old.path == e.path; });
    return v;
  }
  if (probed.end == End::good) {
    if (e.verdict == Verdict::quarantined) e.verdict = Verdict::good;  // a person wanted it tried again
    e.plugin = probed.plugin;
    cache_.put(std::move(e));
    return v;
  }
  if (probed.end == End::held) {
    const CacheEntry* known_as = cache_.quarantined(probed.sha256);
    e.reason = known_as != nullptr ? known_as->reason : "a file with the same content is quarantined";
    e.count = known_as != nullptr ? known_as->count : 1;
    e.verdict = Verdict::quarantined;
  } else {
    ++e.count;
    e.reason = without_file(probed.text, file);
    e.verdict = probed.end == End::killed && e.count < kDeathsToQuarantine ? Verdict::suspect : Verdict::quarantined;
  }
  v.quarantined = e.verdict == Verdict::quarantined;
  v.refusal = v.quarantined ? held_against(file, e)
                            : probed.text + ": the file is tried once more when it is needed, then quarantined";
  cache_.put(std::move(e));
  keep();
  return v;
}

LoadResult Vetting::open(const Vetted& vetted) {
  const std::string name = vetted.file.string();
  const auto changed = [&] { return identity_of(vetted.file) != vetted.identity; };
  if (changed()) return Refusal{name + ": was changed after it was probed: try again"};
  auto mark = config::make_object();
  mark->set("path", name);
  mark->set("identity", vetted.identity);
  mark->set("sha256", vetted.sha256);
  mark->set("boot", boot_id());
  mark_.set(config::to_json(config::Json(mark)) + "\n");
  LoadResult result = load(vetted.file, std::hash<std::string>()(vetted.identity));
  mark_.clear();
  // Whoever can do this is root or the user of dtud; that it is not used is all that is left to do.
  if (changed()) return Refusal{name + ": was changed while dtud opened it, and is not used: restart dtud"};
  const CacheEntry* e = cache_.find(name);
  if (std::holds_alternative<Refusal>(result)) {
    cache_.erase_if([&](const CacheEntry& old) { return old.path == name && old.verdict == Verdict::good; });
  } else if (e != nullptr && e->verdict == Verdict::suspect) {
    CacheEntry cleared = *e;
    cleared.verdict = Verdict::good;
    cleared.count = 0;
    cleared.reason.clear();
    cache_.put(std::move(cleared));
  }
  return result;
}

void Vetting::quarantine(const fs::path& file, const std::string& reason) {
  const fs::path path = resolved(file);
  const CacheEntry* before = cache_.find(path.string());
  CacheEntry e = before != nullptr ? *before : CacheEntry{};
  e.path = path.string();
  e.identity = identity_of(path);
  if (e.identity.empty()) return;  // it is gone; nobody will open it
  e.verdict = Verdict::quarantined;
  e.reason = reason;
  ++e.count;
  e.time_ns = wall_clock_ns();
  say_(held_against(path, e));
  cache_.put(std::move(e));
  keep();
}

std::vector<std::string> Vetting::forgive(const std::string& name) {
  const std::string path = name.find('/') == std::string::npos ? name : resolved(name).string();
  std::set<std::string> contents;
  std::vector<std::string> paths;
  for (const CacheEntry& e : cache_.entries())
    if (e.verdict != Verdict::good && (e.path == path || fs::path(e.path).filename() == name || e.plugin.id == name ||
                                       (!e.sha256.empty() && e.sha256 == name)))
      contents.insert(e.sha256.empty() ? e.path : e.sha256);
  cache_.erase_if([&](const CacheEntry& e) {
    const bool forgiven = e.verdict != Verdict::good && contents.count(e.sha256.empty() ? e.path : e.sha256) != 0;
    if (forgiven) paths.push_back(e.path);
    return forgiven;
  });
  if (!paths.empty()) keep();
  return paths;
}

}  // namespace dtud::plugins
