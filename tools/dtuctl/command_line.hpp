// The subcommands of dtuctl, as a table. The command line, the help and the completion of the shell use it.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client.hpp"
#include "terminal.hpp"

namespace dtuctl {

struct Option {
  const char* name;   // "--count"
  const char* alias;  // "-n", or ""
  const char* value;  // "N"; "" for a switch
  const char* help;
};

// What a word on the command line may be: for completion.
enum class Word { none, command, point, event, target, type, plugin, retried, file, shell };

struct Invocation;
struct Subcommand {
  const char* name;      // "config show"
  const char* operands;  // "NAME|CODE [JSON]"
  const char* summary;
  const char* details;  // the rest of its help, with an example
  std::vector<Option> options;
  size_t least, most;       // operands
  std::vector<Word> words;  // of the operands; the last stands for all that follow
  int (*run)(const Invocation&);
};

// A command line that was understood.
struct Invocation {
  const Subcommand* subcommand = nullptr;
  std::vector<std::string> operands;
  std::map<std::string, std::string> options;  // by name; switches have ""
  bool help = false;
  std::string topic;  // of the help, when it is no subcommand but the first word of some: "config"

  [[nodiscard]] bool has(const std::string& option) const { return options.count(option) > 0; }
  [[nodiscard]] bool json() const { return has("--json"); }
  // A whole number from 1 to `most`, or the Failure that says so.
  [[nodiscard]] std::optional<unsigned> number(const std::string& option, unsigned most) const;
  [[nodiscard]] std::string socket_path() const;
  [[nodiscard]] unsigned timeout_s() const;
  [[nodiscard]] Client client() const;
  Terminal terminal = Terminal::of_this_process();
};

[[nodiscard]] const std::vector<Subcommand>& subcommands();
[[nodiscard]] const std::vector<Option>& global_options();
// Throws Failure(kUsage). No words: help.
[[nodiscard]] Invocation parse(const std::vector<std::string>& words);
// No subcommand: of dtuctl itself, or of the subcommands that begin with the topic.
[[nodiscard]] std::string help_of(const Subcommand* subcommand, const std::string& topic);

}  // namespace dtuctl
