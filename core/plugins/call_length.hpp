// Counts a call into a plugin that held a lane which must not block, at its end. The stall watch sees such a call by
// chance only, but also a shorter one: what it told of is not counted again. A busy machine alone holds up no call for
// as long as this.
#pragma once
#include "lanes/lane.hpp"
#include "plugins/faults.hpp"

namespace dtud::plugins {

// Lives as long as the call. function: a literal.
class CallLength {
 public:
  CallLength(Faults& faults, const Lane& lane, const Lane::Running& running, const char* function, bool may_block)
      : faults_(faults), lane_(lane), running_(running), function_(function), may_block_(may_block) {}
  CallLength(const CallLength&) = delete;
  CallLength& operator=(const CallLength&) = delete;
  ~CallLength() {
    if (may_block_) return;
    if (const int64_t held_ns = running_.held_ns(); held_ns >= kSlow_ns && !running_.told()) note(held_ns);
  }

 private:
  static constexpr int64_t kSlow_ns = 500'000'000;
  void note(int64_t held_ns) const noexcept {
    faults_.note(Fault::slow, function_,
                 "has blocked lane " + lane_.name() + " for " + std::to_string(held_ns / 1'000'000) + " ms");
  }

  Faults& faults_;
  const Lane& lane_;
  const Lane::Running& running_;
  const char* const function_;
  const bool may_block_;
};

}  // namespace dtud::plugins
