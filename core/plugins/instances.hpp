// Makes the handles instances are known by, and keeps what cannot be freed. Main lane.
#pragma once
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "plugins/handle.hpp"
#include "plugins/resources.hpp"

namespace dtud::plugins {

class Instance;
struct Context;

class Instances {
 public:
  explicit Instances(Context& context) : context_(context) {}
  ~Instances();
  Instances(const Instances&) = delete;
  Instances& operator=(const Instances&) = delete;

  Handle& new_handle(Instance& instance);
  void retire(Handle& handle);

  // A lane whose plugin did not come back. Its thread is joined at the end if it has come back by then.
  void abandon(std::unique_ptr<Lane> lane, std::thread thread, std::unique_ptr<Resources> resources);
  [[nodiscard]] size_t abandoned() const { return lost_.size(); }

 private:
  // A plugin's stray thread would have to sleep through this many restarts to find its handle in other hands.
  static constexpr size_t kRest = 256;
  struct Lost {
    std::unique_ptr<Lane> lane;
    std::unique_ptr<Resources> resources;
    std::thread thread;
  };
  Context& context_;
  std::vector<std::unique_ptr<Handle>> handles_;
  std::deque<Handle*> retired_;
  std::vector<Lost> lost_;
};

[[nodiscard]] const char* name_of_state(int32_t state);  // "up", "connecting", ...

}  // namespace dtud::plugins
