#include "plugins/loader/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "config/json_value.hpp"
#include "lanes/descriptor.hpp"
#include "lanes/wall_clock.hpp"

namespace dtud::plugins {
namespace {

namespace fs = std::filesystem;
using config::as_text;
using config::Json;
using config::JsonArray;
using config::JsonObject;

constexpr int64_t kVersion = 1;
constexpr size_t kLongestIndex = 256U << 10U, kLongestText = 1024;
constexpr uint64_t kSpare = 1U << 20U;  // bytes that must stay free on the disk
constexpr uint64_t kMostSignature = 4096;
constexpr char kStaged[] = "staged-";

std::string failure(const std::string& what) { return what + ": " + std::generic_category().message(errno); }

JsonObject::Ptr to_json(const Installed& i) {
  auto o = config::make_object();
  o->set("id", i.id);
  o->set("version", i.version);
  o->set("sha256", i.sha256);
  o->set("file", i.file);
  o->set("time_ns", i.time_ns);
  o->set("signature", to_json(i.signature));
  o->set("previous", i.previous);
  return o;
}

std::optional<Installed> installed_of(const Json& json) {
  const JsonObject* o = config::as_object(json);
  if (o == nullptr) return {};
  const auto text = [o](const char* key) { return as_text(o->get(key)).substr(0, kLongestText); };
  Installed i{text("id"),
              text("version"),
              text("sha256"),
              text("file"),
              config::as_integer(o->get("time_ns")),
              signature_facts(o->get("signature")),
              text("previous")};
  const auto fits = [](const std::string& sha256) { return sha256.empty() || is_sha256(sha256); };
  const bool whole = !i.id.empty() && fits(i.sha256) && fits(i.previous) && i.sha256 != i.previous;
  return whole ? std::optional<Installed>(std::move(i)) : std::nullopt;
}

// All of it, and on disk. "" or why not.
std::string copy(int from, uint64_t most, const fs::path& to, mode_t mode) {
  const Descriptor out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!out) return failure("cannot write " + to.string());
  std::array<char, 65536> piece{};
  for (uint64_t copied = 0;;) {
    const ssize_t n = ::read(from, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("cannot read it");
    if (n == 0) break;
    copied += static_cast<uint64_t>(n);
    if (copied > most) return "it has more than " + std::to_string(most) + " bytes";
    for (ssize_t done = 0; done < n;) {
      const ssize_t wrote = ::write(out.get(), piece.data() + done, static_cast<size_t>(n - done));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return failure("cannot write " + to.string());
      done += wrote;
    }
  }
  return ::fsync(out.get()) == 0 ? "" : failure("cannot write " + to.string());
}

fs::path signature_of(const fs::path& file) { return file.string() + ".sig"; }

// What was staged gets its place in the folder, unless it is not what was probed. "" or why not.
std::string place(const fs::path& staged, const std::string& identity, const fs::path& to) {
  if (identity_of(staged) != identity) return staged.string() + " changed while it was being installed";
  std::error_code ec;
  // The signature first: a file without the one that belongs to it must never stand there under its name.
  fs::remove(signature_of(to), ec);
  if (::rename(signature_of(staged).c_str(), signature_of(to).c_str()) != 0 && errno != ENOENT)
    return failure("cannot write " + signature_of(to).string());
  return ::rename(staged.c_str(), to.c_str()) == 0 ? "" : failure("cannot write " + to.string());
}

// wanted: SHA-256 of the builds that stay; nothing: all of them.
void remove_others(const fs::path& folder, const std::optional<std::set<std::string>>& wanted) {
  std::error_code ec;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
    const std::string name = it->path().filename();
    const bool staged = name.rfind(kStaged, 0) == 0;
    const std::string content = name.substr(0, name.find('.'));
    std::error_code ignored;
    if (staged || (wanted && is_sha256(content) && wanted->count(content) == 0)) fs::remove(it->path(), ignored);
  }
}

}  // namespace

Store::Store(fs::path folder, bool read_only)
    : folder_(std::move(folder)),
      file_(std::make_shared<config::StateFile>((folder_ / "installed.json").string(), kLongestIndex)) {
  file_->set_read_only(read_only);
}

std::string Store::load() {
  index_.list.clear();
  index_.failed.clear();
  std::string problem;
  const auto json = file_->read(problem);
  unread_ = file_->unread();
  const JsonObject* o = json ? config::as_object(*json) : nullptr;
  const Json list = o != nullptr ? o->get("plugins") : Json();
  const JsonArray* plugins = config::as_list(list);
  if (o != nullptr && (plugins == nullptr || config::as_integer(o->get("version")) != kVersion))
    problem = file_->reject("it has no list of plugins of version 1");
  if (!problem.empty()) return problem + "; no plugin counts as installed by dtuctl";
  if (o == nullptr) return {};
  size_t unknown = 0;
  for (const Json& one : *plugins)
    if (auto installed = installed_of(one);
        installed && index_.list.size() < kMostPlugins && find(installed->id) == nullptr)
      index_.list.push_back(std::move(*installed));
    else
      ++unknown;
  const Json failed = o->get("failed");
  if (const JsonArray* builds = config::as_list(failed))
    for (const Json& one : *builds)
      if (const JsonObject* build = config::as_object(one); build != nullptr && index_.failed.size() < kMostFailed)
        index_.failed.push_back({as_text(build->get("sha256")), as_text(build->get("why")).substr(0, kLongestText)});
  if (unknown == 0) return {};
  problem = file_->reject(std::to_string(unknown) + " of the plugins in it cannot be used; the other plugins are used");
  config::FileError error;
  return file_->write(text_of(index_), error) ? problem : problem + "; " + error.text;
}

const Installed* Store::find_in(const Index& index, const std::string& id) {
  const auto it = std::find_if(index.list.begin(), index.list.end(), [&](const Installed& i) { return i.id == id; });
  return it == index.list.end() ? nullptr : &*it;
}

fs::path Store::stage(const fs::path& file, std::string& error) const {
  const Descriptor from(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat st = {};
  if (!from || ::fstat(from.get(), &st) != 0) return error = failure(file.string() + ": cannot be opened"), fs::path();
  if (!S_ISREG(st.st_mode)) return error = file.string() + ": is not a regular file", fs::path();
  struct statvfs disk = {};
  if (::statvfs(folder_.c_str(), &disk) != 0) return error = failure(folder_.string() + " cannot be used"), fs::path();
  if (uint64_t{disk.f_bavail} * disk.f_frsize < static_cast<uint64_t>(st.st_size) + kSpare)
    return error = folder_.string() + " has not enough free space for " + file.string(), fs::path();

  fs::path copied = folder_ / (std::string(kStaged) + std::to_string(::getpid()) + ".so");
  drop(copied);
  error = copy(from.get(), kMostBytes, copied, 0600);
  const Descriptor signature(::open(signature_of(file).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (error.empty() && signature) error = copy(signature.get(), kMostSignature, signature_of(copied), 0600);
  if (error.empty()) return copied;
  error = file.string() + ": is not installed: " + error;
  drop(copied);
  return {};
}

void Store::drop(const fs::path& staged) {
  std::error_code ec;
  fs::remove(staged, ec);
  fs::remove(signature_of(staged), ec);
}

// Each task begins when the one before is over: it changes what that one left.
void Store::take(Task task) {
  tasks_.push_back(std::move(task));
  next();
}

void Store::next() {
  if (busy_ || tasks_.empty()) return;
  busy_ = true;
  Task task = std::move(tasks_.front());
  tasks_.pop_front();
  const auto index = std::make_shared<Index>(index_);
  std::string refusal;
  if (task.change) {
    refusal = unread_ ? file_->name() + " could not be read when dtud started, and is not replaced: restart dtud"
                      : task.change(*index);
  }
  std::string text = task.change && refusal.empty() ? text_of(*index) : std::string();
  std::optional<std::set<std::string>> wanted(std::in_place);
  for (const Installed& i : index->list)
    for (const std::string& sha256 : {i.sha256, i.previous}) wanted->insert(sha256);
  if (unread_) wanted.reset();
  Job job = [file = file_, folder = folder_, refusal = std::move(refusal), text = std::move(text), files = task.files,
             staged = task.staged, tidies = task.tidies, wanted = std::move(wanted)] {
    std::string problem = refusal;
    if (problem.empty() && files) problem = files();
    config::FileError error;
    // This also brings the folder to the disk, and with it what was renamed in it.
    if (problem.empty() && !text.empty() && !file->write(text, error)) problem = error.text;
    if (!problem.empty() && !staged.empty()) drop(staged);
    const bool known = !fs::exists(fs::symlink_status(file->name() + std::string(config::kRejected)));
    if (problem.empty() && tidies) remove_others(folder, known ? wanted : std::nullopt);
    return problem;
  };
  run_(std::move(job), [this, index, changes = task.change != nullptr, then = task.then](const std::string& problem) {
    if (problem.empty() && changes) index_ = std::move(*index);
    busy_ = false;
    if (then) then(problem);
    next();
  });
}

void Store::tidy(Then then) { take({nullptr, nullptr, {}, true, std::move(then)}); }

std::string Store::room_for(const Index& index, const Probed& probed, const std::string& from) {
  if (probed.plugin.id.empty()) return from + ": the plugin has no id: ask the vendor for a new build";
  if (find_in(index, probed.plugin.id) == nullptr && index.list.size() >= kMostPlugins)
    return std::to_string(kMostPlugins) + " plugins are installed, and no more are allowed: remove one";
  return {};
}

void Store::keep(const fs::path& staged, const Probed& probed, const std::string& from, Then then) {
  Job files = [staged, identity = probed.identity, to = path_of(probed.sha256),
               refusal = room_for(index_, probed, from)] {
    return refusal.empty() ? place(staged, identity, to) : refusal;
  };
  take({nullptr, std::move(files), staged, false, std::move(then)});
}

void Store::put(const fs::path& staged, const Probed& probed, const std::string& from, Then then) {
  const Installed now{
      probed.plugin.id, probed.plugin.version, probed.sha256, from, wall_clock_ns(), probed.signature, ""};
  const auto change = [probed, from, now](Index& index) {
    std::string refusal = room_for(index, probed, from);
    if (refusal.empty()) install(index, now);
    return refusal;
  };
  Job files = [staged, identity = probed.identity, to = path_of(probed.sha256)] { return place(staged, identity, to); };
  take({change, std::move(files), staged, true, std::move(then)});
}

void Store::install(Index& index, Installed now) {
  if (const Installed* before = find_in(index, now.id); before != nullptr)
    now.previous = before->sha256 == now.sha256 ? before->previous : before->sha256;
  std::vector<Installed>& list = index.list;
  list.erase(std::remove_if(list.begin(), list.end(), [&](const Installed& i) { return i.id == now.id; }), list.end());
  forget(index, now.sha256);
  list.push_back(std::move(now));
}

void Store::forget(Index& index, const std::string& sha256) {
  std::vector<Failed>& failed = index.failed;
  failed.erase(std::remove_if(failed.begin(), failed.end(), [&](const Failed& f) { return f.sha256 == sha256; }),
               failed.end());
}

void Store::choose(Installed now, Then then) {
  const auto change = [now = std::move(now)](Index& index) { return install(index, now), std::string(); };
  take({change, nullptr, {}, true, std::move(then)});
}

void Store::go_back(const std::string& id, Then then) {
  const auto change = [id](Index& index) -> std::string {
    for (Installed& i : index.list) {
      if (i.id != id) continue;
      std::swap(i.sha256, i.previous);
      i.version.clear();  // whoever opens it will see
      i.signature = {};
      i.time_ns = wall_clock_ns();
      return {};
    }
    return id + " is not installed by dtuctl";
  };
  take({change, nullptr, {}, true, std::move(then)});
}

void Store::remove(const std::string& id, Then then) {
  const auto change = [id](Index& index) -> std::string {
    std::vector<Installed>& list = index.list;
    const size_t before = list.size();
    list.erase(std::remove_if(list.begin(), list.end(), [&](const Installed& i) { return i.id == id; }), list.end());
    return list.size() == before ? id + " is not installed by dtuctl: see dtuctl plugins" : "";
  };
  take({change, nullptr, {}, true, std::move(then)});
}

void Store::mark_failed(const std::string& sha256, const std::string& why, Then then) {
  const auto change = [sha256, why = why.substr(0, kLongestText)](Index& index) {
    forget(index, sha256);
    index.failed.push_back({sha256, why});
    if (index.failed.size() > kMostFailed) index.failed.erase(index.failed.begin());
    return std::string();
  };
  take({change, nullptr, {}, true, std::move(then)});
}

std::string Store::why_failed(const std::string& sha256) const {
  for (const Failed& f : index_.failed)
    if (f.sha256 == sha256) return f.why;
  return {};
}

std::string Store::text_of(const Index& index) {
  auto o = config::make_object();
  JsonArray::Ptr plugins = new JsonArray;
  for (const Installed& i : index.list) plugins->add(to_json(i));
  o->set("version", kVersion);
  o->set("plugins", plugins);
  JsonArray::Ptr builds = new JsonArray;
  for (const Failed& f : index.failed) {
    auto one = config::make_object();
    one->set("sha256", f.sha256);
    one->set("why", f.why);
    builds->add(one);
  }
  o->set("failed", builds);
  return config::to_json(Json(o)) + "\n";
}

}  // namespace dtud::plugins
