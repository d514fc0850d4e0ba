// Clocks and the arithmetic of samples.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

[[nodiscard]] int64_t now_ns();

// CPU time the processes have used so far, all their threads together, exact (not in ticks of 10 ms).
// Throws when one of them is gone: a figure without it would flatter the rest.
[[nodiscard]] int64_t cpu_ns(const std::vector<int>& pids);

// The value below which `share` (0 to 1) of the samples lie. Sorts them.
[[nodiscard]] double percentile_us(std::vector<int64_t>& samples_ns, double share);

// Ends the program with exit code 3 and `what` on stderr when it is still running after so many seconds.
void deadline(unsigned seconds, const char* what);

// One JSON object of numbers, in the order given.
class Report {
 public:
  void add(const std::string& name, double value);
  void print() const;

 private:
  std::string body_;
};

}  // namespace bench
