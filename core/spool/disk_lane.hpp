// The thread that waits for the disk, so that no other has to: one for all channels, begun by the first job. Jobs run
// in the order they were given. Main lane.
#pragma once
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "lanes/lane.hpp"
#include "spool/disk.hpp"

namespace dtud::spool {

class DiskLane {
 public:
  explicit DiskLane(Lane& main, std::unique_ptr<Disk> disk = make_disk()) : main_(main), disk_(std::move(disk)) {}
  ~DiskLane();  // what was given is still done
  DiskLane(const DiskLane&) = delete;
  DiskLane& operator=(const DiskLane&) = delete;

  [[nodiscard]] Disk& disk() { return *disk_; }  // to be used by jobs; list() also by others

  // Runs job() on the thread, then then(its result) on the main lane, unless `asker` is gone by that time.
  template <typename Job, typename Then>
  void run(std::weak_ptr<void> asker, Job job, Then then) {
    begin();
    lane_->post([this, asker = std::move(asker), job = std::move(job), then = std::move(then)]() mutable {
      auto result = std::make_shared<decltype(job())>(job());
      main_.post([asker = std::move(asker), result, then = std::move(then)]() mutable {
        if (!asker.expired()) then(std::move(*result));
      });
    });
  }

 private:
  void begin();

  Lane& main_;
  const std::unique_ptr<Disk> disk_;
  std::unique_ptr<Lane> lane_;
  std::thread thread_;
};

}  // namespace dtud::spool
