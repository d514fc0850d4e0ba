// The command table: all commands, or one with its arguments.
#include <algorithm>

#include "actions.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "schema_table.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

std::string codes_of(const Json& command) {
  std::string out;
  for (const Json& code : command["codes"].items()) out += (out.empty() ? "" : ", ") + code.text();
  return out;
}

std::string table_of(const Json& commands, const Terminal& terminal) {
  Table table({"COMMAND", "CODES", "LEVEL", "ARGUMENTS", "TITLE", "PROVIDER"});
  for (const Json& c : commands.items())
    table.add({c["name"].text(),
               codes_of(c),
               c["level"].text(),
               properties_in_short(c["args_schema"]),
               c["title"].text(),
               {c["provider"].text(), Colour::faint}});
  return table.empty() ? "no commands\n" : table.text(terminal);
}

// By its name, or by a function code: 3, 0x03.
bool is_called(const Json& command, const std::string& word) {
  if (command["name"].text() == word) return true;
  if (word.empty() || word[0] < '0' || word[0] > '9') return false;
  char* end = nullptr;
  const unsigned long long code =
      std::strtoull(word.c_str(), &end, word.size() > 2 && (word[1] | 0x20) == 'x' ? 16 : 10);
  const auto codes = command["codes"].items();
  return *end == '\0' && std::any_of(codes.begin(), codes.end(), [&](const Json& c) { return c.number() == code; });
}

std::string text_of(const Json& command, const Terminal& terminal) {
  std::string out = terminal.paint(Colour::bold, printable(command["name"].text())) + ": " +
                    printable(command["title"].text()) + "\n";
  if (const std::string codes = codes_of(command); !codes.empty()) out += "codes      " + printable(codes) + "\n";
  out += "level      " + printable(command["level"].text()) + "\nprovider   " + printable(command["provider"].text()) +
         "\n\n";
  const Json schema = command["args_schema"];
  const Table table = schema_table("ARGUMENT", schema);
  if (!table.empty()) return out + table.text(terminal);
  return out + (schema.is_null() || schema.keys().empty() ? "no arguments\n" : "any arguments\n");
}

}  // namespace

int show_commands(const Invocation& in) {
  const std::string body = in.client().need("GET", "/v1/commands");
  const Json commands = Json::parse(body, "the answer", kFailed);
  if (in.operands.empty()) {
    print(in.json() ? body + "\n" : table_of(commands, in.terminal));
    return kOk;
  }
  const std::string& word = in.operands[0];
  std::string out;  // of each provider; a call goes to the first
  for (const Json& c : commands.items())
    if (is_called(c, word)) out += in.json() ? c.dump() + "\n" : (out.empty() ? "" : "\n") + text_of(c, in.terminal);
  if (out.empty()) throw Failure(kFailed, "there is no command \"" + printable(word) + "\": see dtuctl commands");
  print(out);
  return kOk;
}

}  // namespace dtuctl
