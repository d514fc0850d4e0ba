// dtu.folder/1: a folder for each instance that asks for one, <dir>/<instance>, mode 0700. How much is in it is counted
// by the disk lane: when it is first asked for, and once a minute from then on.
#pragma once
#include <dtu/services.h>

#include <map>
#include <memory>
#include <string>

#include "disk/disk_lane.hpp"
#include "lanes/lane.hpp"
#include "lanes/thread_safety.hpp"

namespace dtud::plugins {

class Instance;

// Made and destroyed on the main lane.
class Folders {
 public:
  static constexpr int64_t kLookEvery_ns = 60'000'000'000;
  static constexpr size_t kMostFiles = 100'000;  // of one instance; one with more is over its quota

  Folders(Lane& main, DiskLane& disk, std::string dir, uint64_t quota);
  ~Folders();
  Folders(const Folders&) = delete;
  Folders& operator=(const Folders&) = delete;
  [[nodiscard]] const std::string& dir() const { return dir_; }
  [[nodiscard]] uint64_t quota() const { return quota_; }

  // On the instance's lane. Makes the folder. DTU_AGAIN: it is over its quota, `path` is given all the same; DTU_E_IO:
  // `path` says why there is none.
  dtu_status path(Instance& of, std::string& path);
  dtu_status usage(Instance& of, dtu_folder_usage& usage);
  void look();  // any thread: counts all of them soon

 private:
  struct Folder {
    dtu_instance* owner;
    std::string path;
    uint64_t used = 0;
    bool counted = false;
  };
  void counted(const std::string& instance, uint64_t used);
  static void look_due(void* self);

  Lane& main_;
  DiskLane& disk_;
  const std::string dir_;
  const uint64_t quota_;
  uint64_t timer_;
  const std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  Mutex mutex_;
  std::map<std::string, Folder> folders_ DTU_GUARDED_BY(mutex_);
  bool looking_ DTU_GUARDED_BY(mutex_) = false;
};

}  // namespace dtud::plugins
