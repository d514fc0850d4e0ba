// What a child tells its parent by shared memory while it runs, so that it is known after its death: where it was in
// the plugin, since when, which step of the check, and where the memory lies that plugins are lent.
#pragma once
#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace dtu::check {

class Trail {
 public:
  // A piece of lent memory and the page behind it.
  struct Region {
    enum Kind : uint32_t { none, writable, sealed, freed };
    std::atomic<uintptr_t> begin{0}, data_end{0}, end{0};
    std::atomic<uint32_t> kind{none};
  };
  static constexpr size_t regions_max = 4096;

  struct Unmap {
    void operator()(Trail* trail) const;
  };
  static std::unique_ptr<Trail, Unmap> make();  // shared with children made from now on

  // The child's side. enter() and leave() on the lane; [any] thread may fault.
  void enter(const std::string& function);  // "send() of instance 1"
  void leave() { entered_ns_ = 0; }
  void step(const std::string& text);  // "with buf_alloc failing for the 3rd time"
  void faulted(const void* address) { fault_ = reinterpret_cast<uintptr_t>(address); }
  std::array<Region, regions_max> regions;

  // The parent's side.
  [[nodiscard]] int64_t inside_ns() const;  // how long the call under way lasts; 0: none is
  [[nodiscard]] std::string function() const { return entered_ns_ != 0 ? function_.data() : std::string(); }
  [[nodiscard]] std::string last_function() const { return function_.data(); }
  [[nodiscard]] std::string step() const { return step_.data(); }
  [[nodiscard]] const char* broken_rule() const;  // what a fault in lent memory breaks; null: it was elsewhere
  void clear();

 private:
  std::atomic<int64_t> entered_ns_{0};
  std::atomic<uintptr_t> fault_{0};
  std::array<char, 160> function_{};
  std::array<char, 160> step_{};
};

}  // namespace dtu::check
