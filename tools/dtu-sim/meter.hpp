// The simulated meter without its serial line: bytes in, bytes out.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "frames.hpp"
#include "readings.hpp"

namespace sim {

enum class Syntax { lines, command_frames, through_frames };

struct MeterSettings {
  Syntax syntax = Syntax::lines;
  bool json = false;  // readings as JSON, else CSV
  uint32_t channel = 1;
  std::optional<uint32_t> topic;
  uint32_t seed = 1;
  int64_t every_ms = 1000;
};

struct MeterCounts {
  uint64_t readings = 0;
  uint64_t queries = 0;
  uint64_t unknown = 0;  // of the queries
  uint64_t dropped_bytes = 0;
};

class Meter {
 public:
  static constexpr int64_t kMostEveryMs = 3'600'000;
  static constexpr size_t kMostLine = 1024;

  explicit Meter(const MeterSettings&);

  // The next reading, ready for the line.
  [[nodiscard]] std::string reading();
  // Takes what arrived on the line and gives the answers to it. on_query is told each query and its answer.
  using OnQuery = std::function<void(const std::string& query, const std::string& answer)>;
  [[nodiscard]] std::string receive(std::string_view bytes, const OnQuery& on_query);
  // No byte for a while: an incomplete frame will not be completed.
  [[nodiscard]] std::string silence(const OnQuery& on_query);

  [[nodiscard]] int64_t every_ms() const { return settings_.every_ms; }
  [[nodiscard]] MeterCounts counts() const;

 private:
  [[nodiscard]] std::string wrap(const std::string& text) const;
  std::string take(std::string query, const OnQuery&);
  std::string answer(const std::string& query);
  std::string receive_lines(std::string_view bytes, const OnQuery&);

  MeterSettings settings_;
  Layout layout_;
  Measurements measurements_;
  FrameReader frames_;
  std::string line_;
  MeterCounts counts_;
};

}  // namespace sim
