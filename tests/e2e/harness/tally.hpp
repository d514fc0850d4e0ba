// Numbered messages of several sources, checked as they come: what is missing, what came twice, what came out of order.
// A bit a message, so hundreds of thousands cost nothing.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace e2e {

constexpr size_t kMarkedLength = 10;  // the shortest, with the end of the line
// "a00000042\n", filled up with dots before the end of the line. `source`: a to z.
std::string marked(char source, uint32_t number, size_t length = kMarkedLength);
// Numbers first, first + 1, ...
std::string marked_lines(char source, uint32_t first, uint32_t count, size_t length = kMarkedLength);

class Tally {
 public:
  struct Source {
    uint64_t came = 0;           // messages
    uint64_t again = 0;          // of them ones that had come before
    uint64_t out_of_order = 0;   // of them ones that came for the first time after a later one had
    uint32_t newest = 0;         // number
    uint32_t last = 0;           // the number that came last
    uint32_t farthest_back = 0;  // the largest step back: newest number + 1 - number sent again
    std::vector<bool> seen;      // by number
  };

  void message(std::string_view text);  // with or without the end of the line
  void lines(std::string& text);        // takes the whole lines off its front
  void half(std::string_view rest);     // what a connection that ended left of a line
  [[nodiscard]] const Source& of(char source) const;
  [[nodiscard]] uint64_t came() const { return came_; }
  [[nodiscard]] uint64_t distinct(char source) const { return of(source).came - of(source).again; }
  [[nodiscard]] uint64_t broken() const { return broken_; }  // messages that are none of ours
  [[nodiscard]] uint64_t halves() const { return halves_; }
  // Of the numbers 1 to `last`: "" or which are missing: "3 missing: 7, 9-10".
  [[nodiscard]] std::string missing(char source, uint32_t last) const;
  // "" when numbers 1 to `last` of the source are all there, in order, and nothing was broken; else what is wrong.
  [[nodiscard]] std::string wrong(char source, uint32_t last) const;

 private:
  std::map<char, Source> sources_;
  uint64_t came_ = 0, broken_ = 0, halves_ = 0;
};

}  // namespace e2e
