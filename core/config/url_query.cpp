#include "config/url_query.hpp"

#include <Poco/String.h>

#include <algorithm>
#include <functional>

namespace dtud::config {
namespace {

constexpr std::string_view kStars = "***";
constexpr size_t kTelling = 8;  // characters of a value that is no common word

// Where the query, or what stands behind #, begins; npos: there is none. Of any scheme: it may be a mistyped one.
size_t query_of(std::string_view text) {
  const size_t scheme = text.find("://");
  const size_t mark = scheme == std::string_view::npos ? scheme : text.find_first_of("?#", scheme);
  return mark == std::string_view::npos ? mark : mark + 1;
}

struct Part {
  std::string_view name, value;  // a part without = is a value without a name
};

std::vector<Part> parts_of(std::string_view query) {
  std::vector<Part> out;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const size_t sign = part.find('=');
    out.push_back(sign == std::string_view::npos ? Part{{}, part} : Part{part.substr(0, sign), part.substr(sign + 1)});
  }
  return out;
}

std::string replaced(std::string_view text, const std::function<std::string(const Part&)>& value) {
  const size_t begin = query_of(text);
  std::string out(text.substr(0, begin));
  const char* between = "";
  for (const Part& part : parts_of(text.substr(begin))) {
    out += between;
    if (part.name.data() != nullptr) out.append(part.name).append("=");
    out += value(part);
    between = "&";
  }
  return out;
}

bool any_part(std::string_view text, const std::function<bool(const Part&)>& is) {
  const size_t begin = query_of(text);
  if (begin == std::string_view::npos) return false;
  const auto parts = parts_of(text.substr(begin));
  return std::any_of(parts.begin(), parts.end(), is);
}

}  // namespace

bool has_query_value(std::string_view text) {
  return any_part(text, [](const Part& part) { return !part.value.empty(); });
}

bool has_masked_query(std::string_view text) {
  return any_part(text, [](const Part& part) { return part.value == kStars; });
}

std::string with_masked_query(std::string_view text) {
  return replaced(text, [](const Part& part) { return std::string(part.value.empty() ? "" : kStars); });
}

std::optional<std::string> with_query_of(std::string_view text, std::string_view stored) {
  const size_t begin = query_of(stored);
  if (begin == std::string_view::npos) return std::nullopt;
  auto known = parts_of(stored.substr(begin));
  bool all = true;
  std::string out = replaced(text, [&](const Part& part) {
    if (part.value != kStars) return std::string(part.value);
    const auto found = std::find_if(known.begin(), known.end(), [&](const Part& k) { return k.name == part.name; });
    all = all && found != known.end();
    if (found == known.end()) return std::string(part.value);
    std::string value(found->value);
    known.erase(found);  // a name may be there twice
    return value;
  });
  return all ? std::optional(std::move(out)) : std::nullopt;
}

std::vector<std::string> secrets_of_query(std::string_view text) {
  const std::string_view query = text.substr(std::min(query_of(text), text.size()));
  std::vector<std::string> out;
  if (query.size() >= kTelling) out.emplace_back(query);
  for (const Part& part : parts_of(query))
    if (part.value.size() >= kTelling) out.emplace_back(part.value);
  return out;
}

}  // namespace dtud::config
