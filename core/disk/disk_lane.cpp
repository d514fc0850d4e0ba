#include "disk/disk_lane.hpp"

namespace dtud {

Lane& DiskLane::lane() {
  std::call_once(begun_, [this] {
    lane_ = std::make_unique<Lane>("disk");
    thread_ = std::thread([lane = lane_.get()] { lane->run(); });
  });
  return *lane_;
}

DiskLane::~DiskLane() {
  if (!lane_) return;
  lane_->stop();
  thread_.join();
}

}  // namespace dtud
