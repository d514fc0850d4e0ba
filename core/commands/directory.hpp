// What can be called and read: the commands and points of all components and of the kernel itself. A name stays while
// its provider restarts: calls fail then, and may be tried again. Main lane, unless a function says otherwise.
#pragma once
#include <dtu/commands.h>
#include <dtu/points.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "commands/answer.hpp"
#include "commands/arguments.hpp"
#include "commands/caller.hpp"

namespace dtud::plugins {
class Instance;
}

namespace dtud::commands {

// What dtud asks of boards (docs/names.md). Whoever else could call it would install a firmware of his own.
inline constexpr std::string_view kFirmware = "firmware.", kNetworkConfigure = "network.configure";
[[nodiscard]] bool is_board_name(std::string_view name);

// A command of the kernel itself. It answers through `done`, now or later.
using Builtin = std::function<void(const std::string& args, const Caller& caller, Done done)>;

struct Command {
  std::string name, title;
  std::shared_ptr<Arguments> arguments;  // null: any object, until add() sets it
  uint32_t flags = 0;                    // DTU_COMMAND_...
  std::vector<uint32_t> codes;
  plugins::Instance* provider = nullptr;  // null: the kernel
  Builtin builtin;
};

struct Point {
  std::string name, unit, title;
  uint32_t flags = 0;  // DTU_POINT_...
  plugins::Instance* provider = nullptr;
};

// "open", "password", "local" or "internal": the one access level of a command with these flags.
[[nodiscard]] const char* level_of(uint32_t flags);

// What there is, as it was when it changed last. Immutable: other lanes read it too.
struct Listing {
  struct Command {
    std::string provider, name, title;  // provider "": the kernel
    std::shared_ptr<const Arguments> arguments;
    uint32_t flags = 0;
    std::vector<uint32_t> codes;
  };
  std::vector<Command> commands;  // by name, and those of one name by provider
  std::vector<Point> points;      // by name; their provider is null
};

class Directory {
 public:
  // The order of the providers of one name: that of the calls of this function. Others come after them.
  void seat(const plugins::Instance& provider);
  // Why it was not taken, "" when it was. A name or a code can be given once. Several providers may offer a command
  // that each of them marks DTU_COMMAND_SHARED. Of two that may not, the one with the earlier seat has it, whichever
  // came first: gave_way (may be null) names who lost it.
  using GaveWay = std::vector<const plugins::Instance*>;
  [[nodiscard]] std::string add(Command command, GaveWay* gave_way = nullptr);
  [[nodiscard]] std::string add(Point point, GaveWay* gave_way = nullptr);
  void remove_of(const plugins::Instance& provider);
  // `provider` is starting for the first time: what it offers is not known before listed(), or remove_of(), of it.
  void expect(const plugins::Instance& provider) { expected_.insert(&provider); }
  void listed(const plugins::Instance& provider) { expected_.erase(&provider); }
  [[nodiscard]] bool complete() const { return expected_.empty(); }
  // What `from` offers is `to`'s from now on: calls to it find their way while one takes the other's place.
  void rehome(const plugins::Instance& from, plugins::Instance& to);

  // Of its first provider.
  [[nodiscard]] const Command* command(std::string_view name) const;
  [[nodiscard]] const Command* command(int64_t code) const;
  // Of this one; null: the kernel.
  [[nodiscard]] const Command* command(std::string_view name, const plugins::Instance* provider) const;
  [[nodiscard]] const Point* point(std::string_view name) const;
  // By name, and those of one name by provider.
  using Offers = std::vector<Command>;
  [[nodiscard]] const std::map<std::string, Offers, std::less<>>& commands() const { return commands_; }
  [[nodiscard]] const std::map<std::string, Point, std::less<>>& points() const { return points_; }

  // All of it as it is now.
  [[nodiscard]] std::shared_ptr<const Listing> listing();
  // Any lane: as the last call of listing() found it. Never null.
  [[nodiscard]] std::shared_ptr<const Listing> last_listing() const;

 private:
  [[nodiscard]] size_t place(const plugins::Instance* provider) const;
  bool gives_way(const plugins::Instance* holder, const plugins::Instance* provider, GaveWay* gave_way) const;
  void forget_codes(const Command& gone);

  std::map<std::string, Offers, std::less<>> commands_;  // none is empty
  size_t count_ = 0;                                     // of all in commands_
  std::vector<const plugins::Instance*> seats_;
  std::map<uint32_t, std::string> codes_;
  std::map<std::string, Point, std::less<>> points_;
  std::set<const plugins::Instance*> expected_;
  bool changed_ = false;                                                  // since listing_ was made
  std::shared_ptr<const Listing> listing_ = std::make_shared<Listing>();  // by std::atomic_load and its like
};

// 1 to 64 of [a-z0-9_.-].
[[nodiscard]] bool is_dotted_name(std::string_view name);

}  // namespace dtud::commands
