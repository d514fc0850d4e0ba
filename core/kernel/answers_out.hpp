// Knows whether the answers that were given have left, and lets work wait for that: a restart, a change of the
// document, what a plugin asks for with after_answers. An answer has left when its dialect has made messages of it, the
// channel has completed them or the port has drained, and when the local client has fetched it. Main lane.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "commands/calls.hpp"
#include "routing/router.hpp"

namespace dtud {

class AnswersOut {
 public:
  AnswersOut(Lane& lane, commands::Calls& calls, routing::Router& router);
  AnswersOut(const AnswersOut&) = delete;
  AnswersOut& operator=(const AnswersOut&) = delete;
  ~AnswersOut();

  [[nodiscard]] bool given();  // all that were given are out
  [[nodiscard]] bool all();    // and no call from a channel or a port waits for its answer

  // Calls `then` when given() is so, at the latest after the deadline; never within this call, because the answer
  // before it may still be on its way from another lane. owner and number: for forget().
  void wait(uint32_t deadline_ms, std::function<void()> then, const void* owner = nullptr, uint64_t number = 0);
  void forget(const void* owner, uint64_t number);
  void forget(const void* owner);

  // Held by an answer to a local client until the client has it, or is gone. Freed on any thread.
  [[nodiscard]] std::shared_ptr<void> local() const { return local_; }

 private:
  struct Waiter {
    int64_t latest_ns = 0;
    std::function<void()> then;
    const void* owner = nullptr;
    uint64_t number = 0;
  };
  static void look(void* self);

  Lane& lane_;
  commands::Calls& calls_;
  routing::Router& router_;
  std::shared_ptr<void> local_ = std::make_shared<char>();
  std::vector<Waiter> waiters_;
  uint64_t timer_ = 0;
};

}  // namespace dtud
