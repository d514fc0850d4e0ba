// What belongs to the whole process and a plugin must leave alone.
#pragma once
#include <array>
#include <chrono>
#include <csignal>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace dtu::check {

struct ProcessState {
  std::vector<std::string> environment;  // sorted
  std::string directory, locale, umask;
  std::array<void (*)(int), 65> handlers{};
  std::map<int, std::string> descriptors;  // what each leads to
  size_t threads = 0;

  static ProcessState now();
};

[[nodiscard]] size_t heap_in_use();  // bytes, also of large pieces, which malloc maps one by one
[[nodiscard]] size_t count_threads();
[[nodiscard]] std::map<int, std::string> open_descriptors();
[[nodiscard]] size_t count_children();
// How long this thread stood in the queue for a processor so far: not the plugin's fault on a busy machine.
[[nodiscard]] std::chrono::nanoseconds waited_for_cpu();

// Rule and sentence for each difference in what a plugin must not change: not descriptors, threads and children.
[[nodiscard]] std::vector<std::pair<const char*, std::string>> changes(const ProcessState& before,
                                                                       const ProcessState& after);

}  // namespace dtu::check
