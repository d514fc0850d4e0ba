#include "version.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <dtu/sdk/text.hpp>
#include <vector>

namespace command_acquire {
namespace {

std::vector<uint64_t> parts_of(std::string_view text) {
  std::vector<uint64_t> parts;
  if (text.empty()) return parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('.', at), text.size());
    uint64_t& part = parts.emplace_back();
    const auto [stop, error] = std::from_chars(text.data() + at, text.data() + end, part);
    if (error != std::errc{} || stop != text.data() + end)
      throw dtu::Failure(DTU_E_INVALID, "\"" + std::string(text.substr(0, 40)) +
                                            "\" is not a version: numbers separated by dots are required");
    at = end + 1;
  }
  return parts;
}

}  // namespace

bool newer(std::string_view offered, std::string_view stored) {
  std::vector<uint64_t> a = parts_of(offered);
  std::vector<uint64_t> b = parts_of(stored);
  a.resize(std::max(a.size(), b.size()));
  b.resize(a.size());
  return a > b;
}

}  // namespace command_acquire
