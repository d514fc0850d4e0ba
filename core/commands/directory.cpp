#include "commands/directory.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "plugins/instance.hpp"

namespace dtud::commands {
namespace {

constexpr uint32_t kForBoards = DTU_COMMAND_INTERNAL | DTU_COMMAND_SHARED;
constexpr size_t kMost = 4096;  // of each: a plugin that lists without end is stopped here
constexpr uint32_t kLevels = DTU_COMMAND_PASSWORD | DTU_COMMAND_LOCAL | DTU_COMMAND_INTERNAL;

}  // namespace

bool is_dotted_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string_view::npos;
}

const char* level_of(uint32_t flags) {
  if ((flags & DTU_COMMAND_INTERNAL) != 0) return "internal";
  if ((flags & DTU_COMMAND_LOCAL) != 0) return "local";
  return (flags & DTU_COMMAND_PASSWORD) != 0 ? "password" : "open";
}

bool is_board_name(std::string_view name) {
  return name == kNetworkConfigure || name.substr(0, kFirmware.size()) == kFirmware;
}

void Directory::seat(const plugins::Instance& provider) { seats_.push_back(&provider); }

// The kernel is the first.
size_t Directory::place(const plugins::Instance* provider) const {
  if (provider == nullptr) return 0;
  return 1 + static_cast<size_t>(std::find(seats_.begin(), seats_.end(), provider) - seats_.begin());
}

// One that comes later by its seat gives way to one that started later: an isolated board lists what it offers after
// the others. True: the name is free for `provider`.
bool Directory::gives_way(const plugins::Instance* holder, const plugins::Instance* provider, GaveWay* gave_way) const {
  if (place(provider) >= place(holder)) return false;
  if (gave_way != nullptr) gave_way->push_back(holder);
  return true;
}

std::string Directory::add(Command command, GaveWay* gave_way) {
  if (!is_dotted_name(command.name))
    return "\"" + command.name + "\" is not a command name: 1 to 64 characters of a-z 0-9 . _ - are allowed";
  if (const uint32_t level = command.flags & kLevels; (level & (level - 1)) != 0)
    return "command " + command.name +
           " has more than one access level: of DTU_COMMAND_PASSWORD, DTU_COMMAND_LOCAL and DTU_COMMAND_INTERNAL one "
           "is allowed";
  if (is_board_name(command.name) && (command.flags & kForBoards) != kForBoards)
    return "command " + command.name + " is for dtud alone: it has to be DTU_COMMAND_INTERNAL and DTU_COMMAND_SHARED";
  if (count_ >= kMost) return "at most " + std::to_string(kMost) + " commands are allowed";
  for (const uint32_t code : command.codes)
    if (const auto it = codes_.find(code); it != codes_.end() && it->second != command.name)
      return "function code " + std::to_string(code) + " of " + command.name + " belongs to " + it->second;
  auto there = commands_.find(command.name);
  if (there != commands_.end()) {
    Offers& others = there->second;
    const auto in_the_way = [&](const Command& other) {
      return (command.flags & other.flags & DTU_COMMAND_SHARED) == 0 || other.provider == command.provider;
    };
    for (const Command& other : others)
      if (in_the_way(other) && !gives_way(other.provider, command.provider, gave_way))
        return "command " + command.name + " is offered already";
    const auto gone =
        std::stable_partition(others.begin(), others.end(), [&](const Command& c) { return !in_the_way(c); });
    for (auto it = gone; it != others.end(); ++it) forget_codes(*it);
    count_ -= static_cast<size_t>(others.end() - gone);
    others.erase(gone, others.end());
    if (others.empty()) {
      commands_.erase(there);
      there = commands_.end();
    }
  }
  for (const uint32_t code : command.codes) codes_.emplace(code, command.name);
  if (command.arguments == nullptr) command.arguments = std::make_shared<Arguments>("");
  Offers& offers = there != commands_.end() ? there->second : commands_[command.name];
  const auto after = [this](const Command& a, const Command& b) { return place(a.provider) < place(b.provider); };
  offers.insert(std::upper_bound(offers.begin(), offers.end(), command, after), std::move(command));
  ++count_;
  changed_ = true;
  return {};
}

// Those of a command that nobody offers any more.
void Directory::forget_codes(const Command& gone) {
  for (const uint32_t code : gone.codes) codes_.erase(code);
}

std::string Directory::add(Point point, GaveWay* gave_way) {
  if (!is_dotted_name(point.name))
    return "\"" + point.name + "\" is not a point name: 1 to 64 characters of a-z 0-9 . _ - are allowed";
  if (points_.size() >= kMost) return "at most " + std::to_string(kMost) + " points are allowed";
  if (const auto there = points_.find(point.name); there != points_.end()) {
    if (!gives_way(there->second.provider, point.provider, gave_way))
      return "point " + point.name + " is offered already";
    points_.erase(there);
  }
  std::string name = point.name;
  points_.emplace(std::move(name), std::move(point));
  changed_ = true;
  return {};
}

void Directory::remove_of(const plugins::Instance& provider) {
  changed_ = true;
  listed(provider);
  for (auto it = commands_.begin(); it != commands_.end();) {
    Offers& offers = it->second;
    const auto theirs = [&](const Command& c) { return c.provider == &provider; };
    const auto gone = std::remove_if(offers.begin(), offers.end(), theirs);
    count_ -= static_cast<size_t>(offers.end() - gone);
    offers.erase(gone, offers.end());
    it = offers.empty() ? commands_.erase(it) : std::next(it);
  }
  const auto is_known = [this](const std::string& name, uint32_t code) {
    const auto it = commands_.find(name);
    return it != commands_.end() && std::any_of(it->second.begin(), it->second.end(), [&](const Command& c) {
             return std::find(c.codes.begin(), c.codes.end(), code) != c.codes.end();
           });
  };
  for (auto it = codes_.begin(); it != codes_.end();)
    it = is_known(it->second, it->first) ? std::next(it) : codes_.erase(it);
  for (auto it = points_.begin(); it != points_.end();)
    it = it->second.provider == &provider ? points_.erase(it) : std::next(it);
}

void Directory::rehome(const plugins::Instance& from, plugins::Instance& to) {
  std::replace(seats_.begin(), seats_.end(), &from, static_cast<const plugins::Instance*>(&to));
  for (auto& [name, offers] : commands_)
    for (Command& command : offers)
      if (command.provider == &from) command.provider = &to;
  for (auto& [name, point] : points_)
    if (point.provider == &from) point.provider = &to;
}

std::shared_ptr<const Listing> Directory::listing() {
  if (!std::exchange(changed_, false)) return last_listing();
  auto fresh = std::make_shared<Listing>();
  fresh->commands.reserve(count_);
  for (const auto& [name, offers] : commands_)
    for (const Command& c : offers)
      fresh->commands.push_back(
          {c.provider != nullptr ? c.provider->name() : std::string(), name, c.title, c.arguments, c.flags, c.codes});
  fresh->points.reserve(points_.size());
  for (const auto& [name, point] : points_) {
    fresh->points.push_back(point);
    fresh->points.back().provider = nullptr;
  }
  std::atomic_store(&listing_, std::shared_ptr<const Listing>(fresh));
  return fresh;
}

std::shared_ptr<const Listing> Directory::last_listing() const { return std::atomic_load(&listing_); }

const Command* Directory::command(std::string_view name) const {
  const auto it = commands_.find(name);
  return it != commands_.end() ? &it->second.front() : nullptr;
}

const Command* Directory::command(int64_t code) const {
  if (code < 0 || code > std::numeric_limits<uint32_t>::max()) return nullptr;
  const auto it = codes_.find(static_cast<uint32_t>(code));
  return it != codes_.end() ? command(it->second) : nullptr;
}

const Command* Directory::command(std::string_view name, const plugins::Instance* provider) const {
  const auto it = commands_.find(name);
  if (it == commands_.end()) return nullptr;
  const auto theirs = [&](const Command& c) { return c.provider == provider; };
  const auto offer = std::find_if(it->second.begin(), it->second.end(), theirs);
  return offer != it->second.end() ? &*offer : nullptr;
}

const Point* Directory::point(std::string_view name) const {
  const auto it = points_.find(name);
  return it != points_.end() ? &it->second : nullptr;
}

}  // namespace dtud::commands
