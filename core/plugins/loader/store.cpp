#include "plugins/loader/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
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

}  // namespace

Store::Store(fs::path folder, bool read_only)
    : folder_(std::move(folder)), index_((folder_ / "installed.json").string(), kLongestIndex) {
  index_.set_read_only(read_only);
}

std::string Store::load() {
  list_.clear();
  failed_.clear();
  std::string problem;
  const auto json = index_.read(problem);
  const JsonObject* o = json ? config::as_object(*json) : nullptr;
  const Json list = o != nullptr ? o->get("plugins") : Json();
  const JsonArray* plugins = config::as_list(list);
  if (o != nullptr && (plugins == nullptr || config::as_integer(o->get("version")) != kVersion))
    problem = index_.reject("it has no list of plugins of version 1");
  if (!problem.empty()) return problem + "; no plugin counts as installed by dtuctl";
  if (o == nullptr) return {};
  size_t unknown = 0;
  for (const Json& one : *plugins)
    if (auto installed = installed_of(one); installed && list_.size() < kMostPlugins && find(installed->id) == nullptr)
      list_.push_back(std::move(*installed));
    else
      ++unknown;
  const Json failed = o->get("failed");
  if (const JsonArray* builds = config::as_list(failed))
    for (const Json& one : *builds)
      if (const JsonObject* build = config::as_object(one); build != nullptr && failed_.size() < kMostFailed)
        failed_.push_back({as_text(build->get("sha256")), as_text(build->get("why")).substr(0, kLongestText)});
  if (unknown == 0) return {};
  problem = index_.reject(std::to_string(unknown) + " of the plugins in it cannot be used; the other plugins are used");
  const std::string unsaved = save(list_, failed_);
  return unsaved.empty() ? problem : problem + "; " + unsaved;
}

void Store::tidy() const {
  std::set<std::string> wanted;
  for (const Installed& i : list_)
    for (const std::string& sha256 : {i.sha256, i.previous}) wanted.insert(sha256);
  std::error_code ec;
  const bool unknown =
      index_.unread() || fs::exists(fs::symlink_status(index_.name() + std::string(config::kRejected)));
  for (fs::directory_iterator it(folder_, ec), end; !ec && it != end; it.increment(ec)) {
    const std::string name = it->path().filename();
    const bool staged = name.rfind(kStaged, 0) == 0;
    const std::string content = name.substr(0, name.find('.'));
    std::error_code ignored;
    if (staged || (!unknown && is_sha256(content) && wanted.count(content) == 0)) fs::remove(it->path(), ignored);
  }
}

const Installed* Store::find(const std::string& id) const {
  const auto it = std::find_if(list_.begin(), list_.end(), [&](const Installed& i) { return i.id == id; });
  return it == list_.end() ? nullptr : &*it;
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

std::string Store::keep(const fs::path& staged, const Probed& probed, const std::string& from) {
  const auto give_up = [&](std::string why) {
    drop(staged);
    return why;
  };
  const Installed* before = find(probed.plugin.id);
  if (probed.plugin.id.empty()) return give_up(from + ": the plugin has no id: ask the vendor for a new build");
  if (before == nullptr && list_.size() >= kMostPlugins)
    return give_up(std::to_string(kMostPlugins) + " plugins are installed, and no more are allowed: remove one");
  if (identity_of(staged) != probed.identity) return give_up(staged.string() + " changed while it was being installed");
  const fs::path to = path_of(probed.sha256);
  std::error_code ec;
  // The signature first: a file without the one that belongs to it must never stand there under its name.
  fs::remove(signature_of(to), ec);
  if (::rename(signature_of(staged).c_str(), signature_of(to).c_str()) != 0 && errno != ENOENT)
    return give_up(failure("cannot write " + signature_of(to).string()));
  if (::rename(staged.c_str(), to.c_str()) != 0) return give_up(failure("cannot write " + to.string()));
  return {};
}

std::string Store::put(const fs::path& staged, const Probed& probed, const std::string& from) {
  if (std::string error = keep(staged, probed, from); !error.empty()) return error;
  return choose({probed.plugin.id, probed.plugin.version, probed.sha256, from, wall_clock_ns(), probed.signature, ""});
}

std::string Store::choose(Installed now) {
  if (const Installed* before = find(now.id); before != nullptr)
    now.previous = before->sha256 == now.sha256 ? before->previous : before->sha256;
  std::vector<Installed> list = list_;
  list.erase(std::remove_if(list.begin(), list.end(), [&](const Installed& i) { return i.id == now.id; }), list.end());
  std::vector<Failed> failed = failed_;
  failed.erase(std::remove_if(failed.begin(), failed.end(), [&](const Failed& f) { return f.sha256 == now.sha256; }),
               failed.end());
  list.push_back(std::move(now));
  return replace(std::move(list), std::move(failed));
}

std::string Store::go_back(const std::string& id) {
  std::vector<Installed> list = list_;
  for (Installed& i : list) {
    if (i.id != id) continue;
    std::swap(i.sha256, i.previous);
    i.version.clear();  // whoever opens it will see
    i.signature = {};
    i.time_ns = wall_clock_ns();
    return replace(std::move(list), failed_);
  }
  return id + " is not installed by dtuctl";
}

std::string Store::remove(const std::string& id) {
  std::vector<Installed> list = list_;
  list.erase(std::remove_if(list.begin(), list.end(), [&](const Installed& i) { return i.id == id; }), list.end());
  if (list.size() == list_.size()) return id + " is not installed by dtuctl: see dtuctl plugins";
  return replace(std::move(list), failed_);
}

std::string Store::mark_failed(const std::string& sha256, const std::string& why) {
  std::vector<Failed> failed = failed_;
  failed.erase(std::remove_if(failed.begin(), failed.end(), [&](const Failed& f) { return f.sha256 == sha256; }),
               failed.end());
  failed.push_back({sha256, why.substr(0, kLongestText)});
  if (failed.size() > kMostFailed) failed.erase(failed.begin());
  return replace(list_, std::move(failed));
}

std::string Store::why_failed(const std::string& sha256) const {
  for (const Failed& f : failed_)
    if (f.sha256 == sha256) return f.why;
  return {};
}

std::string Store::replace(std::vector<Installed> list, std::vector<Failed> failed) {
  if (index_.unread()) return index_.name() + " could not be read when dtud started, and is not replaced: restart dtud";
  if (std::string error = save(list, failed); !error.empty()) return error;
  list_ = std::move(list);
  failed_ = std::move(failed);
  return {};
}

// Also brings the folder to the disk, and with it what was renamed in it.
std::string Store::save(const std::vector<Installed>& list, const std::vector<Failed>& failed) {
  auto o = config::make_object();
  JsonArray::Ptr plugins = new JsonArray;
  for (const Installed& i : list) plugins->add(to_json(i));
  o->set("version", kVersion);
  o->set("plugins", plugins);
  JsonArray::Ptr builds = new JsonArray;
  for (const Failed& f : failed) {
    auto one = config::make_object();
    one->set("sha256", f.sha256);
    one->set("why", f.why);
    builds->add(one);
  }
  o->set("failed", builds);
  config::FileError error;
  return index_.write(config::to_json(Json(o)) + "\n", error) ? "" : error.text;
}

}  // namespace dtud::plugins
