#include "commands/directory.hpp"

#include <limits>

namespace dtud::commands {
namespace {

constexpr size_t kMost = 4096;  // of each: a plugin that lists without end is stopped here

}  // namespace

bool is_dotted_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string_view::npos;
}

std::string Directory::add(Command command) {
  if (!is_dotted_name(command.name))
    return "\"" + command.name + "\" is not a command name: 1 to 64 characters of a-z 0-9 . _ - are allowed";
  if (commands_.size() >= kMost) return "at most " + std::to_string(kMost) + " commands are allowed";
  if (commands_.count(command.name) != 0) return "command " + command.name + " is offered already";
  for (const uint32_t code : command.codes)
    if (const auto it = codes_.find(code); it != codes_.end())
      return "function code " + std::to_string(code) + " of " + command.name + " belongs to " + it->second;
  for (const uint32_t code : command.codes) codes_.emplace(code, command.name);
  if (command.arguments == nullptr) command.arguments = std::make_shared<Arguments>("");
  std::string name = command.name;
  commands_.emplace(std::move(name), std::move(command));
  return {};
}

std::string Directory::add(Point point) {
  if (!is_dotted_name(point.name))
    return "\"" + point.name + "\" is not a point name: 1 to 64 characters of a-z 0-9 . _ - are allowed";
  if (points_.size() >= kMost) return "at most " + std::to_string(kMost) + " points are allowed";
  if (points_.count(point.name) != 0) return "point " + point.name + " is offered already";
  std::string name = point.name;
  points_.emplace(std::move(name), std::move(point));
  return {};
}

void Directory::remove_of(const plugins::Instance& provider) {
  listed(provider);
  for (auto it = commands_.begin(); it != commands_.end();) {
    if (it->second.provider != &provider) {
      ++it;
      continue;
    }
    for (const uint32_t code : it->second.codes) codes_.erase(code);
    it = commands_.erase(it);
  }
  for (auto it = points_.begin(); it != points_.end();)
    it = it->second.provider == &provider ? points_.erase(it) : ++it;
}

void Directory::rehome(const plugins::Instance& from, plugins::Instance& to) {
  for (auto& [name, command] : commands_)
    if (command.provider == &from) command.provider = &to;
  for (auto& [name, point] : points_)
    if (point.provider == &from) point.provider = &to;
}

const Command* Directory::command(std::string_view name) const {
  const auto it = commands_.find(name);
  return it != commands_.end() ? &it->second : nullptr;
}

const Command* Directory::command(int64_t code) const {
  if (code < 0 || code > std::numeric_limits<uint32_t>::max()) return nullptr;
  const auto it = codes_.find(static_cast<uint32_t>(code));
  return it != codes_.end() ? command(it->second) : nullptr;
}

const Point* Directory::point(std::string_view name) const {
  const auto it = points_.find(name);
  return it != points_.end() ? &it->second : nullptr;
}

}  // namespace dtud::commands
