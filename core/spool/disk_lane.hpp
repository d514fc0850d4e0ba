// The disk lane, with the disk that the jobs of the spool use.
#pragma once
#include <memory>
#include <utility>

#include "disk/disk_lane.hpp"
#include "spool/disk.hpp"

namespace dtud::spool {

class DiskLane {
 public:
  explicit DiskLane(dtud::DiskLane& lane, std::unique_ptr<Disk> disk = make_disk())
      : lane_(lane), disk_(std::move(disk)) {}

  [[nodiscard]] Disk& disk() { return *disk_; }  // to be used by jobs; list() also by others

  // See dtud::DiskLane. The disk lives until the job is done.
  template <typename Job, typename Then>
  void run(std::weak_ptr<void> asker, Job job, Then then) {
    lane_.run(
        std::move(asker), [disk = disk_, job = std::move(job)]() mutable { return job(); }, std::move(then));
  }

 private:
  dtud::DiskLane& lane_;
  const std::shared_ptr<Disk> disk_;
};

}  // namespace dtud::spool
