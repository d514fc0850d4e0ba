// What dtuctl can do, as a table: the command line is read, the help printed and the shell's Tab answered from it.
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
enum class Word { none, command, point, target, type, plugin, retried, file, shell };

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
[[nodiscard]] std::string help_of(const Subcommand* subcommand);  // null: dtuctl itself

}  // namespace dtuctl
