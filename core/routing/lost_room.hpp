// Notices a channel or a port that answered that it is full and never said that it has room again: its messages would
// wait for ever. It is tried again after a while. One that takes a message then had room and did not say so, which is
// counted; one that is full still only is slow. Costs nothing while nothing is full. Main lane.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "lanes/lane.hpp"
#include "plugins/instance.hpp"

namespace dtud::routing {

struct Channel;
struct Port;

class LostRoom {
 public:
  struct Limits {
    int64_t ns = 30'000'000'000;  // full for so long, with messages waiting
    int64_t look_every_ns = 10'000'000'000;
  };
  // Exactly one of both: it may be offered messages again.
  using TryAgain = std::function<void(Channel*, Port*)>;

  LostRoom(Lane& lane, const std::vector<std::unique_ptr<Channel>>& channels,
           const std::vector<std::unique_ptr<Port>>& ports, TryAgain try_again);
  ~LostRoom();
  LostRoom(const LostRoom&) = delete;
  LostRoom& operator=(const LostRoom&) = delete;

  void set_limits(const Limits& limits) { limits_ = limits; }
  void expect() {  // something is full
    if (!armed_) arm();
  }
  // A function took messages although the last word was that it is full.
  static void found(const plugins::Instance& instance, const char* function);

 private:
  void arm();
  static void look(void* self);
  bool look_at(Channel& channel, int64_t now);
  bool look_at(Port& port, int64_t now);

  Lane& lane_;
  const std::vector<std::unique_ptr<Channel>>& channels_;
  const std::vector<std::unique_ptr<Port>>& ports_;
  const TryAgain try_again_;
  Limits limits_;
  uint64_t timer_;
  bool armed_ = false;
};

}  // namespace dtud::routing
