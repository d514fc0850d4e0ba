// The durable state of instances: a file per key in <kv_dir>/<instance>/. It is read once, when it is first asked for;
// then get() answers from memory, and what changes is written by the disk lane. A value that cannot be read is not
// lost: its file is renamed to KEY.rejected when a new value replaces it.
#pragma once
#include <dtu/services.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "disk/disk_lane.hpp"
#include "lanes/thread_safety.hpp"

namespace dtud::plugins {

// Of one instance; it outlives the runs of it. Any thread.
class KvFolder {
 public:
  static constexpr size_t kLongestValue = 64U << 10U;
  static constexpr size_t kMostWaiting = 4096;  // changes that are not on the disk yet

  KvFolder(const std::string& kv_dir, const std::string& instance);

  // The newest value that change() took. DTU_E_IO: it cannot be read; problem() says why.
  dtu_status get(std::string_view key, std::string& value);
  // Nothing as value: the key is removed. DTU_PENDING: taken, and write() has to be called on the disk lane.
  // `number` comes back from there.
  dtu_status change(std::string_view key, std::optional<std::string_view> value, uint64_t number);
  [[nodiscard]] std::string problem() const;

  struct Outcome {
    uint64_t number;
    dtu_status status;    // DTU_OK: on the disk; DTU_E_IO
    std::string problem;  // of a failure
  };
  // On the disk lane. Writes what waits, of each key only the newest value; what became of every change, in their
  // order.
  [[nodiscard]] std::vector<Outcome> write();

 private:
  struct Value {
    std::optional<std::string> newest, on_disk;
    bool unreadable = false;  // there is a file, and what is in it is not known
    bool waits = false;       // `newest` is to be written
  };
  struct Change {
    std::string key;
    uint64_t number;
  };
  void read_once() DTU_REQUIRES(mutex_);
  [[nodiscard]] std::string put(const std::string& key, const std::optional<std::string>& value, bool unreadable) const;

  const std::string parent_, dir_;
  mutable Mutex mutex_;
  std::map<std::string, Value, std::less<>> values_ DTU_GUARDED_BY(mutex_);
  std::vector<Change> waiting_ DTU_GUARDED_BY(mutex_);
  size_t bytes_ DTU_GUARDED_BY(mutex_) = 0;  // of keys and newest values
  bool read_ DTU_GUARDED_BY(mutex_) = false;
  std::string problem_ DTU_GUARDED_BY(mutex_);
};

// Of all instances. Any thread.
class KvStore {
 public:
  KvStore(std::string dir, DiskLane& disk) : dir_(std::move(dir)), disk_(disk) {}
  [[nodiscard]] const std::string& dir() const { return dir_; }
  [[nodiscard]] DiskLane& disk() { return disk_; }
  [[nodiscard]] std::shared_ptr<KvFolder> folder(const std::string& instance);
  // Waits until what was taken is written. False: not within that time. For a process that is about to end.
  [[nodiscard]] bool settle(std::chrono::milliseconds most);

 private:
  const std::string dir_;
  DiskLane& disk_;
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<KvFolder>> folders_ DTU_GUARDED_BY(mutex_);
};

}  // namespace dtud::plugins
