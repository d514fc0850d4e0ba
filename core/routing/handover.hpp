// An instance is being replaced by another of the same name. What it was given is brought to an end first, what comes
// meanwhile waits in the queues of its channel or its ports, and what it had read already is taken from it. Main lane.
// hurry(), quiet() and collect() are for the time before it is stopped.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "routing/router.hpp"

namespace dtud::routing {

class Handover {
 public:
  // From now on `from` is given nothing more. The channel, ports and links it serves must outlive this.
  Handover(Router& router, plugins::Instance& from);
  ~Handover();  // what waits goes on, with whoever serves it then
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  // Asks it to push out what it took.
  void hurry(uint32_t deadline_ms);
  // Nothing it was given is under way any more. Asked again and again: a HAL on a lane of its own answers later.
  [[nodiscard]] bool quiet();
  // Takes from it what it read and found no room for, over the bounds if need be. Once this is true, nothing more can
  // be got: stop it in the same turn, before it reads on.
  [[nodiscard]] bool collect();
  // What worked at the beginning and does not now; "": everything works.
  [[nodiscard]] std::string missing() const;
  // Anything worked at the beginning.
  [[nodiscard]] bool carried() const { return carried_ || !ports_.empty() || !spoken_.empty(); }

 private:
  [[nodiscard]] bool lines_are_drained();

  static constexpr int64_t kGrace = 64 << 10;  // what one read of a HAL or a connection made
  Router& router_;
  plugins::Instance& from_;
  Channel* channel_ = nullptr;  // whose instance it is
  bool carried_ = false;
  std::vector<Port*> ports_;   // of it, those that were up
  std::vector<Link*> spoken_;  // whose dialect it speaks
  struct Asked {               // outlives this: its lane may come back late
    bool under_way = false, drained = false, collected = false;
  };
  std::shared_ptr<Asked> asked_ = std::make_shared<Asked>();
  bool collecting_ = false;
};

}  // namespace dtud::routing
