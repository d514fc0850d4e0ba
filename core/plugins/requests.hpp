// What one run of an instance has asked through dtu.invoke/1 and was not told yet. The callbacks stay here, on the
// instance's lane; the kernel knows a request by its number. So an answer that is on its way when its request is
// cancelled finds nobody, and a callback is ended exactly once. On the instance's lane, unless a function says
// otherwise.
#pragma once
#include <dtu/services.h>

#include <cstdint>
#include <functional>
#include <unordered_map>

#include "plugins/upcalls.hpp"

namespace dtud::plugins {

class Instance;

// How the host calls the destroy of something it kept; none is fine. `what`: a literal.
void end_callback(Instance& of, const char* what, dtu_fn destroy, void* ctx) noexcept;
// The same where there is no run of an instance whose fault an exception could be.
void end_callback(dtu_fn destroy, void* ctx) noexcept;

class Requests {
 public:
  static constexpr size_t kMost = 1024;  // as invoke.h promises

  explicit Requests(Instance& owner) : owner_(owner) {}
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  // Puts a request to the kernel. `put` runs on the main lane and may own what it needs: it is freed there or here.
  // What fails at once is `destroy`ed within the call; on a lane of its own a refusal comes as an answer.
  using Put = std::function<dtu_status(Instance&, Asking, dtu_error*)>;
  dtu_status ask(dtu_answer_fn done, dtu_fn destroy, void* ctx, uint64_t* call, dtu_error* error, uint64_t bytes,
                 Put put);
  dtu_status after_answers(uint32_t deadline_ms, const dtu_task& task);
  [[nodiscard]] bool cancel(uint64_t call);
  // Nothing is called any more but each destroy.
  void release_all();

 private:
  struct Asked {
    dtu_answer_fn done = nullptr;  // or
    dtu_fn task = nullptr;
    dtu_fn destroy = nullptr;
    void* ctx = nullptr;
  };
  [[nodiscard]] Asking asking(uint64_t number);
  dtu_status keep(const Asked& asked, uint64_t& number);
  void drop(uint64_t number);
  void answered(uint64_t number, const dtu_answer& answer);
  void in_order(std::function<void(Instance&)> tell);

  Instance& owner_;
  std::unordered_map<uint64_t, Asked> asked_;
  uint64_t last_ = 0;
};

}  // namespace dtud::plugins
