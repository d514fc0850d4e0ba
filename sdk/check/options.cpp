#include "options.hpp"

#include <cstdlib>

#include "rules.hpp"

namespace dtu::check {
namespace {

double seconds(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= 0.1 && value <= 600))
    throw Usage("--patience takes seconds, 0.1 to 600, not \"" + text + "\"");
  return value;
}

}  // namespace

std::string usage() {
  return "usage: dtu-plugin-check FILE.so [--config FILE] [--type TYPE] [--only RULE] [--call] [--patience S] "
         "[--json]\n"
         "       dtu-plugin-check --list [--json]\n"
         "\n"
         "Checks a plugin against the rules of the ABI. Each finding names the rule, where the rule is written, and "
         "how\n"
         "to fix the plugin. Each check runs in a separate process, so a plugin that crashes or hangs is a finding.\n"
         "\n"
         "  --config FILE   the configuration of the component, JSON; for a plugin of several components an object "
         "with\n"
         "                  one member for each: {\"channel:mqtt\": {...}}. Without it the defaults of the schema, or "
         "the\n"
         "                  first of its examples. The check connects to its peers.\n"
         "  --type TYPE     only this component: mqtt, channel:mqtt\n"
         "  --only RULE     only findings of this rule or group: data.twice, data\n"
         "  --call          also invoke commands that change something, and write writable points\n"
         "  --patience S    seconds until a call, or an event that has to follow it, counts as missing (default 5)\n"
         "  --json          print one JSON document\n"
         "  --list          print the rules\n"
         "\n"
         "exit status: 0 no finding of severity error, 1 at least one, 2 wrong usage, 3 the file cannot be checked\n";
}

Options read_options(int argc, char** argv) {
  Options o;
  struct Valued {
    const char* name;
    std::string* to;
  };
  std::string patience;
  const Valued valued[] = {
      {"--config", &o.config}, {"--only", &o.only}, {"--type", &o.type}, {"--patience", &patience}};
  struct Flag {
    const char* name;
    bool* to;
  };
  const Flag flags[] = {{"--json", &o.json}, {"--list", &o.list}, {"--call", &o.call},
                        {"--help", &o.help}, {"-h", &o.help},     {"--version", &o.version}};
  for (int k = 1; k < argc; ++k) {
    const std::string word = argv[k];
    bool known = false;
    for (const Flag& f : flags)
      if (word == f.name) known = *f.to = true;
    for (const Valued& v : valued) {
      const std::string name = v.name;
      if (word == name) {
        if (++k == argc) throw Usage(name + " needs a value");
        *v.to = argv[k];
        known = true;
      } else if (word.compare(0, name.size() + 1, name + "=") == 0) {
        *v.to = word.substr(name.size() + 1);
        known = true;
      }
    }
    if (known) continue;
    if (word.size() > 1 && word[0] == '-') throw Usage("unknown option " + word);
    if (!o.file.empty()) throw Usage("only one file is allowed: " + o.file + " and " + word);
    o.file = word;
  }
  if (!patience.empty()) o.patience_s = seconds(patience);
  if (!o.only.empty() && !is_rule(o.only)) throw Usage("unknown rule or group \"" + o.only + "\": see --list");
  if (o.file.empty() && !o.list && !o.help && !o.version) throw Usage("FILE is missing");
  return o;
}

}  // namespace dtu::check
