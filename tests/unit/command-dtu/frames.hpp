// Frames as a sender writes them, and a sink that keeps what a parser found.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "frame_parser.hpp"

namespace command_dtu::test {

inline std::string checked(std::string_view data) {
  return std::to_string(data.size()) + "," + std::to_string(crc32(CrcKind::zlib, data)) + "," + std::string(data);
}
inline std::string local(std::string_view json) { return "99," + checked(json); }

struct Found {
  bool local;
  uint32_t channel;
  std::string topic;
  std::string payload;
  bool operator==(const Found& o) const {
    return local == o.local && channel == o.channel && topic == o.topic && payload == o.payload;
  }
};
inline void PrintTo(const Found& f, std::ostream* out) {
  *out << (f.local ? "local " : "") << f.channel << " topic " << f.topic << " \"" << f.payload << "\"";
}

class Collector : public FrameSink {
 public:
  void on_frame(const Frame& f) override {
    frames.push_back({f.local, f.channel, std::string(f.topic), std::string(f.payload)});
  }
  void on_drop(Drop reason, uint64_t bytes) override { dropped[static_cast<size_t>(reason)] += bytes; }
  [[nodiscard]] uint64_t drops(Drop reason) const { return dropped[static_cast<size_t>(reason)]; }
  [[nodiscard]] uint64_t all_drops() const {
    uint64_t sum = 0;
    for (const uint64_t d : dropped) sum += d;
    return sum;
  }

  std::vector<Found> frames;
  std::array<uint64_t, drop_names.size()> dropped{};
};

// Channel 1 is a stream, 2 has topics 0, 1 and "up", 3 has topics of any number.
inline FrameRules command_rules() {
  FrameRules rules;
  rules.channels = {{1, false, {}}, {2, true, {"0", "1", "up"}}, {3, true, {}}};
  return rules;
}
inline FrameRules through_rules(bool topics) {
  FrameRules rules;
  rules.through = true;
  rules.channels = {{4, topics, {}}};
  if (topics) rules.channels[0].publish = {"0", "1"};
  return rules;
}

}  // namespace command_dtu::test
