// What a component is checked with, made by the parent from its schema and the configuration it was given.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace dtu::check {

struct Job {
  std::string file;
  size_t index = 0;            // of the component in its file
  std::string name;            // "channel:mqtt"
  std::string config;          // valid, defaults filled in
  std::string changed_config;  // valid too, differs in one value; "" = none was found
  std::string secret_config;   // config with marks in its secrets; "" = it has none
  std::vector<std::string> secrets;
  bool takes_settings = false;  // its schema has properties
  bool call_commands = false;   // --call: also what changes something
  int patience_ms = 5000;       // for what a plugin does later: completions, answers, writable
  int up_ms = 2000;             // for a channel to come up
  bool stops_late = false;      // that is known: it is not waited for any more
  bool never_replies = false;   // likewise
  std::string refused;          // host function that fails, "" = none
};

}  // namespace dtu::check
