#include "reset_point.hpp"

#include <dtu/invoke.h>
#include <dtu/points.h>

namespace hal_ec600 {
namespace {

// The HAL that has it may start after this one, and may be taken in later.
constexpr uint64_t kFirstLookMs = 10'000, kNextLookMs = 60'000;

}  // namespace

void ResetPoint::start() {
  if (point_.empty()) return;
  timer_.emplace(host_, [this] { look(); });
  timer_->arm_ms(kFirstLookMs);
}

void ResetPoint::look() {
  std::string why = find();
  if (why != trouble_ && !why.empty()) host_.warn("reset_point: " + why);
  trouble_ = std::move(why);
  if (!trouble_.empty() && timer_) timer_->arm_ms(kNextLookMs);
}

std::string ResetPoint::find() const {
  const auto* service = host_.service<dtu_invoke_service>(DTU_INVOKE_SERVICE);
  if (service == nullptr || !DTU_HAS(service, dtu_invoke_service, list_points)) return {};
  struct Found {
    std::string_view name;
    bool there = false, writable = false;
  } found{point_};
  const auto each = [](void* ctx, const dtu_point_info* info) noexcept {
    auto& f = *static_cast<Found*>(ctx);
    if (std::string_view(info->name.ptr, info->name.len) != f.name) return;
    f.there = true;
    f.writable = (info->flags & DTU_POINT_WRITABLE) != 0;
  };
  if (service->list_points(host_.instance(), dtu::str(point_), each, &found) != DTU_OK) return {};
  if (!found.there) return "this board has no point " + point_;
  return found.writable ? "" : "the point " + point_ + " cannot be written: make it an output";
}

}  // namespace hal_ec600
