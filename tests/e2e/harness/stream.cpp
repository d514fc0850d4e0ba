#include "stream.hpp"

#include <poll.h>

#include <algorithm>
#include <cstdio>

namespace e2e {

std::string pattern(size_t length, uint32_t seed) {
  std::string bytes(length, '\0');
  uint32_t x = seed * 2654435761U + 1;
  for (char& c : bytes) {
    x ^= x << 13U;
    x ^= x >> 17U;
    x ^= x << 5U;
    c = static_cast<char>(x);
  }
  return bytes;
}

std::string difference(std::string_view sent, std::string_view got) {
  const size_t n = std::min(sent.size(), got.size());
  const auto at = static_cast<size_t>(std::mismatch(sent.begin(), sent.begin() + n, got.begin()).first - sent.begin());
  if (at == n && sent.size() == got.size()) return "";
  return "differs at byte " + std::to_string(at) + ": " + std::to_string(sent.size()) + " sent, " +
         std::to_string(got.size()) + " came";
}

std::vector<std::string> carry(const std::vector<Flow>& flows) {
  std::vector<std::string> came(flows.size());
  std::vector<size_t> sent(flows.size(), 0);
  Deadline deadline;
  const auto done = [&] {
    for (size_t i = 0; i < flows.size(); ++i) {
      const size_t length = flows[i].bytes.size();
      if (flows[i].to != nullptr && came[i].size() < length) return false;
      if (flows[i].from != nullptr && sent[i] < length) return false;
    }
    return true;
  };
  while (!done() && !deadline.over()) {
    std::vector<pollfd> waits;
    bool moved = false;
    for (size_t i = 0; i < flows.size(); ++i) {
      const Flow& f = flows[i];
      if (f.from != nullptr && sent[i] < f.bytes.size()) {
        const ssize_t n = write_some(f.from->fd(), std::string_view(f.bytes).substr(sent[i], 65536));
        if (n < 0) return came;
        sent[i] += static_cast<size_t>(n);
        moved = moved || n > 0;
        if (n == 0) waits.push_back({f.from->fd(), POLLOUT, 0});
      }
      if (f.to == nullptr) continue;
      const size_t before = came[i].size();
      if (!read_some(f.to->fd(), came[i]) && came[i].size() == before) return came;
      moved = moved || came[i].size() != before;
      waits.push_back({f.to->fd(), POLLIN, 0});
    }
    if (moved)
      deadline = Deadline();  // as long as something moves, a slow machine is only slow
    else
      ::poll(waits.data(), waits.size(), 100);
  }
  return came;
}

std::string numbered_line(uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "%08u\n", number);
  return text;
}

std::string numbered_lines(uint32_t first, uint32_t count) {
  std::string all;
  all.reserve(count * kLineLength);
  for (uint32_t i = 0; i < count; ++i) all += numbered_line(first + i);
  return all;
}

std::vector<uint32_t> numbers_in(std::string_view text, bool& broken) {
  std::vector<uint32_t> numbers;
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    const std::string_view line = text.substr(0, end);
    const bool good = line.size() == kLineLength - 1 && line.find_first_not_of("0123456789") == std::string_view::npos;
    if (good)
      numbers.push_back(static_cast<uint32_t>(std::stoul(std::string(line))));
    else
      broken = true;
  }
  return numbers;
}

std::string gaps(const std::vector<uint32_t>& numbers, uint32_t last) {
  uint32_t newest = 0, before = 0;
  for (const uint32_t n : numbers) {
    if (n > before + 1) return "after " + std::to_string(before) + " came " + std::to_string(n);
    before = n;
    newest = std::max(newest, n);
  }
  return newest == last ? "" : "the newest is " + std::to_string(newest) + ", not " + std::to_string(last);
}

}  // namespace e2e
