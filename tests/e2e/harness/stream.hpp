// Content to check streams by: a pattern whose every byte depends on its place, and numbered lines.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "line.hpp"

namespace e2e {

std::string pattern(size_t length, uint32_t seed);
// "" when they are the same; else where they differ first.
std::string difference(std::string_view sent, std::string_view got);

// Writes to one end what must come out at the other, all at once. What came, in order of `flows`.
struct Flow {
  Line* from;  // null: another flow writes it
  Line* to;    // null: another flow reads it
  std::string bytes;
};
std::vector<std::string> carry(const std::vector<Flow>& flows);

constexpr size_t kLineLength = 9;            // with the end of the line
std::string numbered_line(uint32_t number);  // "00000042\n"
std::string numbered_lines(uint32_t first, uint32_t count);
// The numbers of whole lines; a rest without an end is left out. Sets `broken` when a line is no number.
std::vector<uint32_t> numbers_in(std::string_view text, bool& broken);
// Numbers that are 1, 2, 3, ... to last, where stretches may come again but none may be missing: "" or what is wrong.
std::string gaps(const std::vector<uint32_t>& numbers, uint32_t last);

}  // namespace e2e
