#include "upgrade/version.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace dtud::upgrade {
namespace {

struct Part {
  bool number = true;
  std::string text = "0";  // of a number, without zeros in front
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool separates(char c) { return std::string_view(".-_+ ").find(c) != std::string_view::npos; }

std::vector<Part> parts_of(std::string_view version) {
  if (version.size() > 1 && (version[0] | 0x20) == 'v' && is_digit(version[1])) version.remove_prefix(1);
  std::vector<Part> parts;
  for (size_t at = 0; at < version.size();) {
    if (separates(version[at])) {
      ++at;
      continue;
    }
    Part part;
    part.number = is_digit(version[at]);
    size_t end = at;
    while (end < version.size() && !separates(version[end]) && is_digit(version[end]) == part.number) ++end;
    part.text = version.substr(at, end - at);
    if (part.number) part.text.erase(0, std::min(part.text.find_first_not_of('0'), part.text.size() - 1));
    for (char& c : part.text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    parts.push_back(std::move(part));
    at = end;
  }
  return parts;
}

int compare(const Part& a, const Part& b) {
  if (a.number != b.number) return a.number ? 1 : -1;
  if (a.number && a.text.size() != b.text.size()) return a.text.size() < b.text.size() ? -1 : 1;
  return a.text.compare(b.text);
}

}  // namespace

int compare_versions(std::string_view a, std::string_view b) {
  std::vector<Part> ours = parts_of(a), theirs = parts_of(b);
  ours.resize(std::max(ours.size(), theirs.size()));
  theirs.resize(ours.size());
  for (size_t i = 0; i < ours.size(); ++i)
    if (const int order = compare(ours[i], theirs[i]); order != 0) return order;
  return 0;
}

}  // namespace dtud::upgrade
