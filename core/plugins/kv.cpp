#include "plugins/kv.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <future>
#include <set>
#include <system_error>

#include "config/state_file.hpp"

namespace dtud::plugins {
namespace {

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= 64 && key.front() != '.' &&
         key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
             std::string_view::npos;
}

bool is_rejected(std::string_view key) {
  const std::string_view end = config::kRejected;
  return key.size() > end.size() && key.substr(key.size() - end.size()) == end;
}

bool is_link(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_symlink(std::filesystem::symlink_status(path, error));
}

bool make_folder(const std::string& path) { return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST; }

std::string folder_of(const std::string& kv_dir, std::string instance) {
  for (char& c : instance)
    if (c == ' ' || c == '/') c = '-';
  return kv_dir + "/" + instance;
}

}  // namespace

KvFolder::KvFolder(const std::string& kv_dir, const std::string& instance)
    : parent_(kv_dir), dir_(folder_of(kv_dir, instance)) {}

std::string KvFolder::problem() const {
  Lock lock(mutex_);
  return problem_;
}

// A folder that cannot be listed is like one that is not there: each key of it that is asked for is tried by itself.
void KvFolder::read_once() {
  if (read_) return;
  read_ = true;
  std::error_code error;
  std::set<std::string> keys;
  for (std::filesystem::directory_iterator file(dir_, error), end; !error && file != end; file.increment(error))
    if (std::string name = file->path().filename(); is_key(name) && !is_rejected(name)) keys.insert(std::move(name));
  for (const std::string& key : keys) {
    config::FileError why;
    Value value;
    if (is_link(dir_ + "/" + key))  // not dtud's: it could lead anywhere
      why.text = dir_ + "/" + key + " is a link: remove it";
    else
      value.on_disk = config::read_file(dir_ + "/" + key, kLongestValue, why);
    if (!value.on_disk && why.code == ENOENT) continue;
    value.unreadable = !value.on_disk.has_value();
    if (value.unreadable) problem_ = why.text;
    value.newest = value.on_disk;
    bytes_ += key.size() + (value.newest ? value.newest->size() : 0);
    values_.emplace(key, std::move(value));
  }
}

dtu_status KvFolder::get(std::string_view key, std::string& value) {
  if (!is_key(key)) return DTU_E_INVALID;
  Lock lock(mutex_);
  read_once();
  const auto it = values_.find(key);
  if (it == values_.end()) return DTU_E_NOT_FOUND;
  if (!it->second.newest) return it->second.unreadable ? DTU_E_IO : DTU_E_NOT_FOUND;
  value = *it->second.newest;
  return DTU_OK;
}

dtu_status KvFolder::change(std::string_view key, std::optional<std::string_view> value, uint64_t number) {
  if (!is_key(key) || is_rejected(key) || (value && value->size() > kLongestValue)) return DTU_E_INVALID;
  Lock lock(mutex_);
  read_once();
  if (waiting_.size() >= kMostWaiting) return DTU_AGAIN;
  auto it = values_.find(key);
  const bool known = it != values_.end();
  const size_t before = known ? key.size() + (it->second.newest ? it->second.newest->size() : 0) : 0;
  const size_t after = value ? key.size() + value->size() : 0;
  if (after > before && bytes_ - before + after > DTU_KV_MAX) return DTU_AGAIN;
  if (!known) it = values_.emplace(std::string(key), Value{}).first;
  bytes_ = bytes_ - before + (value ? after : key.size());
  it->second.newest.reset();
  if (value) it->second.newest.emplace(*value);
  it->second.waits = true;
  waiting_.push_back({std::string(key), number});
  return DTU_PENDING;
}

std::string KvFolder::put(const std::string& key, const std::optional<std::string>& value, bool unreadable) const {
  const std::string file = dir_ + "/" + key;
  config::FileError error;
  if (value)
    for (const std::string& folder : {parent_, dir_})
      if (!make_folder(folder)) return "cannot make " + folder + ": " + std::generic_category().message(errno);
  if ((unreadable || is_link(file)) && !config::set_aside(file, error)) return error.text;
  const bool done = value ? config::write_file(file, *value, error) : config::remove_file(file, error);
  return done ? std::string() : error.text;
}

std::vector<KvFolder::Outcome> KvFolder::write() {
  struct Job {
    std::string key;
    std::optional<std::string> value;
    bool unreadable;
    std::string problem = {};
  };
  std::vector<Change> changes;
  std::vector<Job> jobs;
  {
    Lock lock(mutex_);
    changes.swap(waiting_);
    for (const Change& change : changes) {
      Value& value = values_.find(change.key)->second;
      if (!std::exchange(value.waits, false)) continue;  // an older change of the same key has it written
      jobs.push_back({change.key, value.newest, value.unreadable});
    }
  }
  for (Job& job : jobs) job.problem = put(job.key, job.value, job.unreadable);

  Lock lock(mutex_);
  std::map<std::string_view, const Job*> done;
  for (const Job& job : jobs) {
    done[job.key] = &job;
    const auto it = values_.find(job.key);
    Value& value = it->second;
    if (job.problem.empty()) {
      value.on_disk = job.value;
      value.unreadable = false;
    } else {
      problem_ = job.problem;
    }
    if (value.waits) continue;  // a newer value came meanwhile
    const size_t before = value.newest ? value.newest->size() : 0;
    if (!job.problem.empty()) value.newest = value.on_disk;
    bytes_ = bytes_ - before + (value.newest ? value.newest->size() : 0);
    if (value.newest || value.unreadable) continue;
    bytes_ -= job.key.size();
    values_.erase(it);
  }
  std::vector<Outcome> outcomes;
  outcomes.reserve(changes.size());
  for (const Change& change : changes) {
    const Job& job = *done.at(change.key);
    outcomes.push_back({change.number, job.problem.empty() ? DTU_OK : DTU_E_IO, job.problem});
  }
  return outcomes;
}

bool KvStore::settle(std::chrono::milliseconds most) {
  {
    Lock lock(mutex_);
    if (folders_.empty()) return true;
  }
  const auto written = std::make_shared<std::promise<void>>();
  auto done = written->get_future();
  disk_.run(
      written, [written] { return written->set_value(), true; }, [](bool) {});
  return done.wait_for(most) == std::future_status::ready;
}

std::shared_ptr<KvFolder> KvStore::folder(const std::string& instance) {
  Lock lock(mutex_);
  std::shared_ptr<KvFolder>& folder = folders_[instance];
  if (folder == nullptr) folder = std::make_shared<KvFolder>(dir_, instance);
  return folder;
}

}  // namespace dtud::plugins
