#include <dtu/kit/mqtt/topic.hpp>

namespace mqtt {
namespace {

constexpr size_t kLongest = 65535;
constexpr std::string_view kShare = "$share/";

std::string check_common(std::string_view text) {
  if (text.empty()) return "must not be empty";
  if (text.size() > kLongest) return "is " + std::to_string(text.size()) + " bytes long, 65535 are allowed";
  if (text.find('\0') != std::string_view::npos) return "must not contain a NUL";
  return {};
}

// The first level of `rest`, which loses it and the slash behind it. `last` tells that none follows.
std::string_view next_level(std::string_view& rest, bool& last) {
  const size_t slash = rest.find('/');
  last = slash == std::string_view::npos;
  const std::string_view level = rest.substr(0, slash);
  rest = last ? std::string_view{} : rest.substr(slash + 1);
  return level;
}

std::string_view without_share(std::string_view filter) {
  if (filter.substr(0, kShare.size()) != kShare) return filter;
  const size_t slash = filter.find('/', kShare.size());
  return slash == std::string_view::npos ? filter : filter.substr(slash + 1);
}

}  // namespace

std::string check_topic(std::string_view topic) {
  std::string wrong = check_common(topic);
  if (wrong.empty() && topic.find_first_of("+#") != std::string_view::npos)
    wrong = "must not contain the wildcards + and #";
  return wrong;
}

std::string check_filter(std::string_view filter) {
  if (std::string wrong = check_common(filter); !wrong.empty()) return wrong;
  std::string_view rest = filter;
  for (bool last = false; !last;) {
    const std::string_view level = next_level(rest, last);
    if (level.find('#') != std::string_view::npos && (level != "#" || !last))
      return "has a # that is not its last level";
    if (level.find('+') != std::string_view::npos && level != "+") return "has a + beside other characters of a level";
  }
  if (filter.substr(0, kShare.size()) == kShare && without_share(filter) == filter)
    return "must be $share/<group>/<filter>";
  return {};
}

bool matches(std::string_view filter, std::string_view topic) {
  filter = without_share(filter);
  if (!topic.empty() && topic.front() == '$' && !filter.empty() && (filter.front() == '+' || filter.front() == '#'))
    return false;
  bool filter_ends = false;
  bool topic_ends = false;
  while (true) {
    const std::string_view wanted = next_level(filter, filter_ends);
    if (wanted == "#") return true;
    const std::string_view level = next_level(topic, topic_ends);
    if (wanted != "+" && wanted != level) return false;
    if (topic_ends) return filter_ends || filter == "#";  // "a/#" also matches "a"
    if (filter_ends) return false;
  }
}

}  // namespace mqtt
