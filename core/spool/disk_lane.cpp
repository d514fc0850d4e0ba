#include "spool/disk_lane.hpp"

namespace dtud::spool {

void DiskLane::begin() {
  if (lane_) return;
  lane_ = std::make_unique<Lane>("disk");
  thread_ = std::thread([lane = lane_.get()] { lane->run(); });
}

DiskLane::~DiskLane() {
  if (!lane_) return;
  lane_->stop();
  thread_.join();
}

}  // namespace dtud::spool
