// Makes the handles instances are known by, and keeps what cannot be freed. Main lane.
#pragma once
#include <deque>
#include <memory>
#include <vector>

#include "plugins/faults.hpp"
#include "plugins/handle.hpp"

namespace dtud::plugins {

class Instance;
struct Context;

class Instances {
 public:
  explicit Instances(Context& context);
  ~Instances();
  Instances(const Instances&) = delete;
  Instances& operator=(const Instances&) = delete;

  Handle& new_handle(Instance& instance);
  // again: may be given to another instance, one day. Not when a thread of the plugin may still be inside.
  void retire(Handle& handle, bool again);

  // An instance whose plugin did not come back on its lane: kept whole until the end. Its thread is joined then, if it
  // has come back.
  void keep(std::unique_ptr<Instance> lost);
  // Instances whose lane never came back, each a thread that cannot be ended.
  void count_abandoned() { ++abandoned_; }
  [[nodiscard]] size_t abandoned() const { return abandoned_; }
  // The first instance that was given up and is still inside a call of its plugin; null: there is none.
  [[nodiscard]] const Instance* still_inside() const;
  [[nodiscard]] FaultBook& faults() { return faults_; }

 private:
  // A plugin's stray thread would have to sleep through this many restarts to find its handle in other hands.
  static constexpr size_t kRest = 256;
  Context& context_;
  FaultBook faults_;
  size_t abandoned_ = 0;
  std::vector<std::unique_ptr<Handle>> handles_;
  std::deque<Handle*> retired_;
  std::vector<std::unique_ptr<Instance>> lost_;
};

[[nodiscard]] const char* name_of_state(int32_t state);  // "up", "connecting", ...

}  // namespace dtud::plugins
