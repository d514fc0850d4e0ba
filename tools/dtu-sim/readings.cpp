#include "readings.hpp"

#include <algorithm>
#include <cstdio>

namespace sim {
namespace {

std::string format(const char* pattern, const Reading& r) {
  char text[160];
  std::snprintf(text, sizeof text, pattern, static_cast<unsigned long long>(r.number), r.energy_wh, r.voltage_v,
                r.current_a);
  return text;
}

}  // namespace

Measurements::Measurements(uint32_t seed) : random_(seed), reading_{0, 1000.0, 230.0, 5.0} {}

double Measurements::step(double width) {
  // Not a standard distribution: those differ from library to library.
  return (static_cast<double>(random_()) / static_cast<double>(std::mt19937::max()) * 2.0 - 1.0) * width;
}

const Reading& Measurements::advance(int64_t interval_ms) {
  constexpr double kMsPerHour = 3'600'000.0;
  ++reading_.number;
  reading_.voltage_v = std::clamp(reading_.voltage_v + step(0.5), 207.0, 253.0);
  reading_.current_a = std::clamp(reading_.current_a + step(0.2), 0.0, 32.0);
  reading_.energy_wh += reading_.voltage_v * reading_.current_a * static_cast<double>(interval_ms) / kMsPerHour;
  return reading_;
}

std::string to_csv(const Reading& r) { return format("%llu,%.3f,%.1f,%.2f", r); }

std::string to_json(const Reading& r) {
  return format(R"({"number":%llu,"energy_wh":%.3f,"voltage_v":%.1f,"current_a":%.2f})", r);
}

}  // namespace sim
