// What the simulated meter measures. The same seed gives the same readings, always.
#pragma once
#include <cstdint>
#include <random>
#include <string>

namespace sim {

struct Reading {
  uint64_t number = 0;  // from 1
  double energy_wh = 0;
  double voltage_v = 0;
  double current_a = 0;
};

class Measurements {
 public:
  explicit Measurements(uint32_t seed);

  // The next reading, `interval_ms` of simulated time later.
  const Reading& advance(int64_t interval_ms);
  [[nodiscard]] const Reading& current() const { return reading_; }

 private:
  double step(double width);  // from -width to width

  std::mt19937 random_;
  Reading reading_;
};

[[nodiscard]] std::string to_csv(const Reading&);   // 1,1000.013,230.1,4.52
[[nodiscard]] std::string to_json(const Reading&);  // {"number":1,"energy_wh":1000.013,...}

}  // namespace sim
