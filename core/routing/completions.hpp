// Notices a channel that took a message and does not say what became of it although it is up: its instance is started
// anew, and what it had in flight is sent again. Slow links get time for their bytes. Costs nothing while nothing is in
// flight, and a look a minute else. Main lane.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "lanes/lane.hpp"

namespace dtud::routing {

struct Channel;

class Completions {
 public:
  struct Limits {
    int64_t ns = 300'000'000'000;     // for the oldest message in flight, and
    int64_t ns_per_byte = 2'000'000;  // for each byte in flight: 500 a second
    int64_t look_every_ns = 60'000'000'000;
  };

  Completions(Lane& lane, const std::vector<std::unique_ptr<Channel>>& channels);
  ~Completions();
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  void set_limits(const Limits& limits) { limits_ = limits; }
  void expect() {  // something is in flight
    if (!armed_) arm();
  }

 private:
  void arm();
  static void look(void* self);
  void look_at(Channel& channel, int64_t now);

  Lane& lane_;
  const std::vector<std::unique_ptr<Channel>>& channels_;
  Limits limits_;
  uint64_t timer_;
  bool armed_ = false;
};

}  // namespace dtud::routing
