#include "command_line.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "failure.hpp"

namespace dtuctl {
namespace {

constexpr const char* kDefaultSocket = "/run/dtukit/control.sock";
constexpr unsigned kDefaultTimeout = 10;

const Option* find_option(const std::vector<Option>& options, const std::string& word) {
  const auto at = std::find_if(options.begin(), options.end(), [&](const Option& o) {
    return word == o.name || (*o.alias != '\0' && word == o.alias);
  });
  return at == options.end() ? nullptr : &*at;
}

// "config" stands at the beginning of some names, and is none.
bool is_prefix_word(const std::string& word) {
  return std::any_of(subcommands().begin(), subcommands().end(),
                     [&](const Subcommand& s) { return std::string(s.name).rfind(word + " ", 0) == 0; });
}

const Subcommand* find_subcommand(const std::string& name) {
  for (const Subcommand& s : subcommands())
    if (name == s.name) return &s;
  return nullptr;
}

[[noreturn]] void usage(const std::string& what, const Subcommand* subcommand) {
  const std::string about = subcommand != nullptr ? std::string(subcommand->name) + " " : "";
  throw Failure(kUsage, what + "\n  see: dtuctl " + about + "--help");
}

bool looks_like_option(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9') && word[1] != '.';
}

// Takes the operands that name the subcommand off the front.
const Subcommand* take_subcommand(std::vector<std::string>& operands, bool help) {
  std::string name = operands.front();
  operands.erase(operands.begin());
  if (is_prefix_word(name) && !operands.empty()) {
    name += " " + operands.front();
    operands.erase(operands.begin());
  }
  const Subcommand* found = find_subcommand(name);
  if (found == nullptr && !(help && is_prefix_word(name)))
    usage(is_prefix_word(name) ? "\"" + name + "\" needs one more word" : "unknown subcommand \"" + name + "\"",
          nullptr);
  return found;
}

void check_operands(const Invocation& in) {
  const Subcommand& s = *in.subcommand;
  const std::string synopsis = "dtuctl " + std::string(s.name) + " " + s.operands;
  if (in.operands.size() < s.least) usage("missing argument: " + synopsis, &s);
  if (in.operands.size() > s.most) usage("unexpected argument \"" + in.operands[s.most] + "\": " + synopsis, &s);
}

// The options by their names. An alias may stand for another option with each subcommand.
void settle_options(Invocation& in) {
  std::map<std::string, std::string> settled;
  for (auto& [word, value] : in.options) {
    const Option* option = find_option(global_options(), word);
    if (option == nullptr && in.subcommand != nullptr) option = find_option(in.subcommand->options, word);
    if (option != nullptr) {
      settled[option->name] = std::move(value);
    } else if (in.subcommand != nullptr) {
      usage(word + " is not an option of " + in.subcommand->name, in.subcommand);
    }
  }
  in.options = std::move(settled);
}

std::string option_lines(const std::vector<Option>& options) {
  std::string out;
  for (const Option& o : options) {
    std::string left = "  " + std::string(o.name);
    if (*o.alias != '\0') left += ", " + std::string(o.alias);
    if (*o.value != '\0') left += " " + std::string(o.value);
    left.resize(std::max<size_t>(left.size() + 1, 22), ' ');
    out += left + o.help + "\n";
  }
  return out;
}

constexpr const char* kExitCodes =
    "\nExit codes\n"
    "  0  success\n"
    "  1  dtud refused: the command failed, the name is unknown, or there are findings\n"
    "  2  the command line is wrong\n"
    "  3  dtud cannot be reached at the socket\n"
    "  4  no answer in time\n";

}  // namespace

const std::vector<Option>& global_options() {
  static const std::vector<Option> options{
      {"--socket", "", "PATH", "control socket of dtud (default: $DTUKIT_SOCKET, else /run/dtukit/control.sock)"},
      {"--json", "", "", "print the JSON of dtud unchanged, for programs"},
      {"--timeout", "", "SECONDS", "how long to wait for an answer (default: 10)"},
      {"--help", "-h", "", "print this help"},
      {"--version", "", "", "print the version"}};
  return options;
}

std::optional<unsigned> Invocation::number(const std::string& option, unsigned most) const {
  const auto at = options.find(option);
  if (at == options.end()) return std::nullopt;
  unsigned value = 0;
  const char* end = at->second.data() + at->second.size();
  const auto [stop, ec] = std::from_chars(at->second.data(), end, value);
  if (ec != std::errc() || stop != end || value == 0 || value > most)
    usage(option + " must be a whole number from 1 to " + std::to_string(most) + ", not \"" + at->second + "\"",
          subcommand);
  return value;
}

std::string Invocation::socket_path() const {
  if (const auto at = options.find("--socket"); at != options.end()) return at->second;
  const char* set = std::getenv("DTUKIT_SOCKET");
  return set != nullptr && *set != '\0' ? set : kDefaultSocket;
}

unsigned Invocation::timeout_s() const { return number("--timeout", 3600).value_or(kDefaultTimeout); }

Client Invocation::client() const { return {socket_path(), std::chrono::seconds(timeout_s()), terminal.progress}; }

Invocation parse(const std::vector<std::string>& words) {
  Invocation in;
  // Options may stand anywhere, so those of every subcommand are known before the subcommand is.
  std::vector<Option> known = global_options();
  for (const Subcommand& s : subcommands()) known.insert(known.end(), s.options.begin(), s.options.end());
  bool only_operands = false;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string word = words[i];
    if (only_operands || !looks_like_option(word)) {
      in.operands.push_back(word);
      continue;
    }
    if (word == "--") {
      only_operands = true;
      continue;
    }
    std::optional<std::string> value;
    if (const auto eq = word.find('='); word[1] == '-' && eq != std::string::npos) {
      value = word.substr(eq + 1);
      word.resize(eq);
    } else if (word[1] != '-' && word.size() > 2) {  // -n20
      value = word.substr(2);
      word.resize(2);
    }
    const Option* option = find_option(known, word);
    if (option == nullptr) usage("unknown option " + word, nullptr);
    const bool takes = *option->value != '\0';
    if (!takes && value) usage(word + " takes no value", nullptr);
    if (takes && !value && ++i == words.size()) usage(word + " needs a value: " + option->value, nullptr);
    in.options[word] = takes ? value.value_or(words[std::min(i, words.size() - 1)]) : "";
  }
  in.help = in.has("--help") || in.has("-h") || (in.operands.empty() && !in.has("--version"));
  if (!in.operands.empty() && in.operands.front() == "help") {  // dtuctl help config set
    in.operands.erase(in.operands.begin());
    in.help = true;
  }
  if (!in.operands.empty()) {
    const std::string first = in.operands.front();
    in.subcommand = take_subcommand(in.operands, in.help);
    if (in.subcommand == nullptr) in.topic = first;
  }
  settle_options(in);
  if (in.subcommand == nullptr) return in;
  if (!in.help) check_operands(in);
  return in;
}

std::string help_of(const Subcommand* subcommand, const std::string& topic) {
  std::string out;
  if (subcommand != nullptr) {
    out = "dtuctl " + std::string(subcommand->name) + (*subcommand->operands != '\0' ? " " : "") + subcommand->operands;
    out += "\n\n" + std::string(subcommand->details) + "\n";
    if (!subcommand->options.empty()) out += "\nOptions\n" + option_lines(subcommand->options);
    return out + "\nOptions of every subcommand\n" + option_lines(global_options());
  }
  out =
      "dtuctl: inspect and control a running dtud\n\n"
      "Usage: dtuctl [--socket PATH] [--json] SUBCOMMAND ...\n\nSubcommands\n";
  for (const Subcommand& s : subcommands()) {
    if (*s.summary == '\0') continue;
    if (!topic.empty() && topic != s.name && std::string(s.name).rfind(topic + " ", 0) != 0) continue;
    std::string left = "  " + std::string(s.name) + (*s.operands != '\0' ? " " : "") + s.operands;
    if (left.size() > 29) left += "\n" + std::string(30, ' ');
    left.resize(std::max<size_t>(left.size(), 30), ' ');
    out += left + s.summary + "\n";
  }
  return out + "\nOptions\n" + option_lines(global_options()) + kExitCodes +
         "\nHelp for one subcommand, with an example: dtuctl help tap, or dtuctl tap --help\n";
}

}  // namespace dtuctl
