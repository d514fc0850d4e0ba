// offline_storage: gives each channel's outbox its backlog as the device document says, and the folders for it. Main
// lane.
#pragma once
#include <functional>
#include <string>

#include "routing/router.hpp"

namespace dtud {

class OfflineStorage {
 public:
  OfflineStorage(Lane& lane, Log& log, DiskLane& disk);
  ~OfflineStorage();
  OfflineStorage(const OfflineStorage&) = delete;
  OfflineStorage& operator=(const OfflineStorage&) = delete;

  // Before the first channel. What outlives a restart of the board is in state_dir, what only dtud's end in
  // runtime_dir.
  void set_folders(const std::string& state_dir, const std::string& runtime_dir);
  // The channel's outbox keeps what its configuration says from now on. Also one whose storage is off, while something
  // of an earlier time is left for it.
  void keep(routing::Router& router, routing::Channel& channel);
  // Writes what only memory has to the disk, then calls done, after some seconds in any case.
  void flush(routing::Router& router, std::function<void()> done);

  [[nodiscard]] const routing::Storage& storage() const { return storage_; }
  [[nodiscard]] spool::Disk::Space space() const;  // of the file system with state_dir

 private:
  void warn_of_flash();
  static void too_late(void* self);

  Lane& lane_;
  Log& log_;
  spool::DiskLane disk_;
  routing::Storage storage_;
  std::function<void()> flushed_;
  uint64_t timer_ = 0;
  bool warned_ = false;
};

}  // namespace dtud
