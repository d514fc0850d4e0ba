// dtu-sim: simulated devices on the lines of a DTU.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "commands.hpp"

namespace {

const char* const kExitCodes =
    "Exit codes: 0 success (also after Ctrl-C in a command without an end), 1 failure, or the check found a fault,\n"
    "2 the command line is wrong.\n";

void print_help(const std::vector<sim::Command>& commands) {
  std::printf("dtu-sim: simulated devices on the lines of a DTU\n\n");
  for (const sim::Command& c : commands)
    std::printf("  dtu-sim %-8.*s%.*s\n", static_cast<int>(c.name.size()), c.name.data(),
                static_cast<int>(c.summary.size()), c.summary.data());
  std::printf("\ndtu-sim COMMAND --help shows the options.\n\n%s", kExitCodes);
}

void print_help(const sim::Command& c) {
  std::printf("dtu-sim %.*s: %.*s\n\n%s\nExamples\n%.*s\n%s%s%s", static_cast<int>(c.name.size()), c.name.data(),
              static_cast<int>(c.summary.size()), c.summary.data(), sim::help_lines(c.options).c_str(),
              static_cast<int>(c.examples.size()), c.examples.data(), c.more.c_str(), c.more.empty() ? "" : "\n",
              kExitCodes);
}

bool asks_for_help(const std::string& word) { return word == "--help" || word == "-h" || word == "help"; }

int run(const std::vector<sim::Command>& commands, std::vector<std::string> args) {
  if (!args.empty() && asks_for_help(args[0])) return print_help(commands), 0;
  for (const sim::Command& command : commands) {
    if (args.empty() || command.name != args[0]) continue;
    if (args.size() > 1 && asks_for_help(args[1])) return print_help(command), 0;
    args.erase(args.begin());
    return command.run(sim::Options(command.options, args));
  }
  throw sim::UsageError(args.empty() ? "a command is missing" : "unknown command " + args[0]);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<sim::Command> commands = {sim::meter_command(), sim::modem_command(), sim::flood_command(),
                                                sim::sink_command()};
    return run(commands, {argv + 1, argv + argc});
  } catch (const sim::UsageError& e) {
    std::fprintf(stderr, "dtu-sim: %s; see dtu-sim --help\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "dtu-sim: %s\n", e.what());
    return 1;
  }
}
