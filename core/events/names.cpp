#include "events/names.hpp"

#include <algorithm>
#include <array>

namespace dtud::events {
namespace {

constexpr size_t kLongest = 64;
constexpr std::array<std::string_view, 9> kKernels{"system",  "config", "channel", "port", "plugin",
                                                   "command", "access", "event",   "spool"};

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongest &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string_view::npos &&
         name.front() != '.' && name.find("..") == std::string_view::npos;
}

}  // namespace

bool is_kernels(std::string_view name) {
  const std::string_view first = name.substr(0, name.find('.'));
  return std::find(kKernels.begin(), kKernels.end(), first) != kKernels.end();
}

std::string wrong_with_name(std::string_view name) {
  if (!is_name(name) || name.back() == '.')
    return "1 to 64 characters of a-z 0-9 . _ - are allowed, and no empty part between dots";
  if (is_kernels(name))
    return "names that begin with \"" + std::string(name.substr(0, name.find('.'))) + "\" are dtud's";
  return {};
}

bool is_pattern(std::string_view pattern) { return pattern.empty() || is_name(pattern); }

bool selects(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return true;
  if (pattern.back() == '.') return name.size() > pattern.size() && name.compare(0, pattern.size(), pattern) == 0;
  return name == pattern;
}

}  // namespace dtud::events
