// A stream that can be checked wherever it arrives: 64-byte lines, each with its number and a CRC-32.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace sim {

constexpr size_t kPatternLine = 64;

[[nodiscard]] std::string pattern_line(uint64_t number);  // from 0; ten digits of it are sent

struct PatternCounts {
  uint64_t good = 0;
  uint64_t damaged = 0;   // lines with a wrong CRC or length
  uint64_t repeated = 0;  // or out of order
  uint64_t lost = 0;      // numbers skipped
};

class PatternChecker {
 public:
  void feed(std::string_view bytes);
  [[nodiscard]] const PatternCounts& counts() const { return counts_; }
  [[nodiscard]] uint64_t next() const { return next_; }  // the number expected now

 private:
  void check(std::string_view line);

  std::string line_;
  uint64_t next_ = 0;
  PatternCounts counts_;
};

}  // namespace sim
