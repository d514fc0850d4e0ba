#include <dtu/kit/port/direction.hpp>

#include <algorithm>
#include <cstddef>

namespace dtu_port {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000, kNsPerUs = 1'000;
constexpr int64_t kSoonest_ns = 100'000, kLatest_ns = 10'000'000;  // between two looks

}  // namespace

std::optional<DirectionPin> direction_pin(const dtu_port_settings& s) {
  constexpr size_t kWithPin = offsetof(dtu_port_settings, direction_level) + sizeof s.direction_level;
  if (s.struct_size < kWithPin || s.direction_gpio < 0) return std::nullopt;
  return DirectionPin{s.direction_gpio, s.direction_level != 0 ? 1 : 0};
}

int64_t byte_ns(const dtu_port_settings& s) {
  const uint32_t bits = 1 + s.databits + (s.parity != DTU_PARITY_NONE ? 1U : 0U) + s.stopbits;
  return int64_t{bits} * kNsPerSecond / s.baud;
}

Direction::Direction(dtu::Host host, const dtu_port_settings& settings, Set set)
    : host_(host),
      set_(std::move(set)),
      send_level_(direction_pin(settings)->sending),
      byte_ns_(byte_ns(settings)),
      timer_(host, [this] { look(); }) {
  set_(1 - send_level_);
}

Direction::~Direction() {
  (void)dtu::guarded(nullptr, [this] { return set_(1 - send_level_), DTU_OK; });
}

void Direction::serve(std::function<bool()> drained, std::function<void(const std::string&)> failed) {
  drained_ = std::move(drained);
  failed_ = std::move(failed);
}

void Direction::send() {
  if (sending_) return;
  set_(send_level_);
  sending_ = true;
  end_ns_ = 0;
}

void Direction::wrote(uint64_t bytes) {
  if (!sending_) return;
  const int64_t now = host_.monotonic_ns();
  end_ns_ = std::max(end_ns_, now) + static_cast<int64_t>(bytes) * byte_ns_;
  again_ns_ = std::clamp(byte_ns_, kSoonest_ns, kLatest_ns);
  timer_.arm_us(static_cast<uint64_t>((end_ns_ - now + kNsPerUs - 1) / kNsPerUs));
}

void Direction::receive() {
  timer_.disarm();
  set_(1 - send_level_);
  if (std::exchange(sending_, false)) ++turns_;
}

// Flow control may hold the rest back for long: the looks become rarer.
void Direction::look() {
  if (!sending_) return;
  if (drained_ && !drained_()) {
    timer_.arm_us(static_cast<uint64_t>(again_ns_ / kNsPerUs));
    again_ns_ = std::min(2 * again_ns_, kLatest_ns);
    return;
  }
  dtu_error e{};
  if (dtu::guarded(&e, [this] { return receive(), DTU_OK; }) != DTU_OK && failed_) failed_(e.message);
}

}  // namespace dtu_port
