#include "tally.hpp"

#include <algorithm>
#include <cstdio>

namespace e2e {
namespace {

constexpr size_t kDigits = 8, kMostRanges = 6;
constexpr uint32_t kMostNumber = 99'999'999;

}  // namespace

std::string marked(char source, uint32_t number, size_t length) {
  char text[16];
  std::snprintf(text, sizeof text, "%c%08u", source, number);
  std::string line(text);
  line.resize(std::max(length, kMarkedLength) - 1, '.');
  return line + "\n";
}

std::string marked_lines(char source, uint32_t first, uint32_t count, size_t length) {
  std::string all;
  all.reserve(count * std::max(length, kMarkedLength));
  for (uint32_t i = 0; i < count; ++i) all += marked(source, first + i, length);
  return all;
}

void Tally::message(std::string_view text) {
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  ++came_;
  uint32_t number = 0;
  bool good = text.size() > kDigits && text[0] >= 'a' && text[0] <= 'z';
  for (size_t i = 1; good && i <= kDigits; ++i) {
    good = text[i] >= '0' && text[i] <= '9';
    number = number * 10 + static_cast<uint32_t>(text[i] - '0');
  }
  if (!good || number == 0 || text.find_first_not_of('.', kDigits + 1) != std::string_view::npos) {
    ++broken_;
    return;
  }
  Source& s = sources_[text[0]];
  ++s.came;
  s.last = number;
  if (number >= s.seen.size())
    s.seen.resize(std::max<size_t>(number + 1UL, std::min(2 * s.seen.size(), size_t{kMostNumber})));
  if (s.seen[number]) {
    ++s.again;
    s.farthest_back = std::max(s.farthest_back, s.newest + 1 - number);
    return;
  }
  s.seen[number] = true;
  if (number < s.newest) ++s.out_of_order;
  s.newest = std::max(s.newest, number);
}

void Tally::lines(std::string& text) {
  size_t from = 0;
  for (size_t end; (end = text.find('\n', from)) != std::string::npos; from = end + 1)
    message(std::string_view(text).substr(from, end - from));
  text.erase(0, from);
}

void Tally::half(std::string_view rest) { halves_ += rest.empty() ? 0 : 1; }

const Tally::Source& Tally::of(char source) const {
  static const Source kNone;
  const auto it = sources_.find(source);
  return it != sources_.end() ? it->second : kNone;
}

std::string Tally::missing(char source, uint32_t last) const {
  const std::vector<bool>& seen = of(source).seen;
  std::string ranges;
  uint64_t count = 0;
  size_t listed = 0;
  for (uint32_t n = 1; n <= last; ++n) {
    if (n < seen.size() && seen[n]) continue;
    const uint32_t first = n;
    while (n < last && (n + 1 >= seen.size() || !seen[n + 1])) ++n;
    count += n + 1 - first;
    if (++listed > kMostRanges) continue;
    ranges += (ranges.empty() ? "" : ", ") + std::to_string(first) + (n != first ? "-" + std::to_string(n) : "");
  }
  if (count == 0) return "";
  return std::to_string(count) + " missing: " + ranges + (listed > kMostRanges ? ", ..." : "");
}

std::string Tally::wrong(char source, uint32_t last) const {
  const Source& s = of(source);
  if (std::string lost = missing(source, last); !lost.empty()) return lost;
  if (s.newest > last) return "number " + std::to_string(s.newest) + " was never sent";
  if (s.out_of_order != 0) return std::to_string(s.out_of_order) + " out of order";
  if (broken_ != 0) return std::to_string(broken_) + " messages that nobody sent";
  return "";
}

}  // namespace e2e
