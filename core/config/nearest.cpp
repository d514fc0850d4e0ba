#include "config/nearest.hpp"

#include <Poco/String.h>

#include <algorithm>

namespace dtud::config {
namespace {

constexpr size_t kMaxWord = 64;  // longer ones are nobody's typing mistake
constexpr size_t kShortest = 3;  // of an abbreviation: "delim" for "delimiter"

// Damerau-Levenshtein distance (optimal string alignment), three rows of the table at a time.
size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> before, last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({changed, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > kMaxWord) return {};
  const auto lower = Poco::toLower(std::string(word));
  if (lower.size() >= kShortest) {
    for (const auto& candidate : candidates) {
      if (Poco::toLower(candidate).compare(0, lower.size(), lower) == 0) return candidate;
    }
  }
  std::string best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;  // a third of it may be wrong
  for (const auto& candidate : candidates) {
    const size_t longer = std::max(candidate.size(), lower.size()), shorter = std::min(candidate.size(), lower.size());
    if (candidate.size() > kMaxWord || longer - shorter >= best_distance) continue;
    const size_t d = distance(lower, Poco::toLower(candidate));
    if (d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

bool is_misspelt(std::string_view word, std::string_view name) {
  const size_t most = name.size() / 4;
  if (word.size() > name.size() + most || word.size() + most < name.size()) return false;
  return distance(Poco::toLower(std::string(word)), Poco::toLower(std::string(name))) <= most;
}

std::string listed(const std::vector<std::string>& names, size_t most) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < most; ++i) out += (i > 0 ? ", " : "") + names[i];
  if (names.size() > most) out += " and " + std::to_string(names.size() - most) + " more";
  return out;
}

}  // namespace dtud::config
