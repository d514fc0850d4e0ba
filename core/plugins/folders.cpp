#include "plugins/folders.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "plugins/instance.hpp"

namespace dtud::plugins {
namespace {

// What the files of a folder take of the disk. Links are not followed. A folder that cannot be read counts as far as it
// can be.
uint64_t used_by(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  uint64_t used = 0;
  size_t files = 0;
  for (fs::recursive_directory_iterator file(path, fs::directory_options::skip_permission_denied, error), end;
       !error && file != end; file.increment(error)) {
    struct stat facts {};
    if (::lstat(file->path().c_str(), &facts) != 0) continue;
    if (!S_ISDIR(facts.st_mode)) {
      const auto size = static_cast<uint64_t>(facts.st_size), blocks = static_cast<uint64_t>(facts.st_blocks) * 512;
      used += S_ISREG(facts.st_mode) ? std::max(blocks, std::min(size, blocks + 512)) : 512;
    }
    if (++files >= Folders::kMostFiles) return UINT64_MAX;
  }
  return used;
}

std::string as_file_name(std::string instance) {
  for (char& c : instance)
    if (c == ' ' || c == '/') c = '-';
  return instance;
}

bool make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return true;
  if (errno != EEXIST) return false;
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return false;
  errno = ENOTDIR;
  return S_ISDIR(facts.st_mode);
}

}  // namespace

Folders::Folders(Lane& main, DiskLane& disk, std::string dir, uint64_t quota)
    : main_(main), disk_(disk), dir_(std::move(dir)), quota_(quota), timer_(main.timers().create(look_due, this)) {}

Folders::~Folders() { main_.timers().destroy(timer_); }

dtu_status Folders::path(Instance& of, std::string& path) {
  path = dir_ + "/" + as_file_name(of.name());
  for (const std::string& folder : {dir_, path})
    if (!make_folder(folder)) {
      path = "cannot make " + folder + ": " + std::generic_category().message(errno);
      return DTU_E_IO;
    }
  bool is_new = false, over = false;
  {
    Lock lock(mutex_);
    const auto [it, fresh] = folders_.try_emplace(of.name());
    it->second.owner = of.handle().as_abi();
    it->second.path = path;
    is_new = fresh;
    over = it->second.used > quota_;
  }
  if (is_new) look();
  return over ? DTU_AGAIN : DTU_OK;
}

dtu_status Folders::usage(Instance& of, dtu_folder_usage& usage) {
  Lock lock(mutex_);
  const auto it = folders_.find(of.name());
  usage.used = it != folders_.end() ? it->second.used : 0;
  usage.quota = quota_;
  return it != folders_.end() && it->second.counted ? DTU_OK : DTU_PENDING;
}

void Folders::look_due(void* self) { static_cast<Folders*>(self)->look(); }

void Folders::look() {
  std::vector<std::pair<std::string, std::string>> all;  // instance, path
  {
    Lock lock(mutex_);
    if (std::exchange(looking_, true)) return;
    for (const auto& [instance, folder] : folders_) all.emplace_back(instance, folder.path);
  }
  const auto count = [all = std::move(all)] {
    std::vector<std::pair<std::string, uint64_t>> used;
    for (const auto& [instance, path] : all) used.emplace_back(instance, used_by(path));
    return used;
  };
  disk_.run(alive_, count, [this](const std::vector<std::pair<std::string, uint64_t>>& used) {
    bool more = false;
    {
      Lock lock(mutex_);
      looking_ = false;
      more = used.size() != folders_.size();  // one was made meanwhile
    }
    for (const auto& [instance, bytes] : used) counted(instance, bytes);
    if (more) return look();
    main_.timers().arm(timer_, monotonic_ns() + kLookEvery_ns);
  });
}

void Folders::counted(const std::string& instance, uint64_t used) {
  dtu_instance* owner = nullptr;
  {
    Lock lock(mutex_);
    const auto it = folders_.find(instance);
    if (it == folders_.end()) return;
    it->second.used = used;
    it->second.counted = true;
    owner = it->second.owner;
  }
  if (used <= quota_) return;
  if (const Handle* handle = Handle::find(owner); handle != nullptr)
    handle->faults.load()->note(
        Fault::quota, "folder",
        "keeps " +
            (used == UINT64_MAX ? "over " + std::to_string(kMostFiles) + " files" : std::to_string(used) + " bytes") +
            " in its folder, allowed are " + std::to_string(quota_) + " (plugins.folder_mb of the board file)");
}

}  // namespace dtud::plugins
