// Two looks at a plugin file, each told as one line: at its bytes, before any of its code runs, and at what it holds.
#pragma once
#include <Poco/JSON/Object.h>

#include <string>
#include <vector>

namespace dtu_plugin_probe {

struct Job {
  std::string file;               // for messages, for its signature beside it, and for opening it
  int fd = -1;                    // the same file, opened by dtud: what is hashed
  std::vector<std::string> keys;  // who may sign; empty: nobody asks
  bool require_signed = false;
  std::vector<std::string> held;  // SHA-256 of contents that may not be run
  bool schemas = false;
  std::string component, config;  // "channel:mqtt": it checks this configuration; "": nothing is checked
};

using Line = Poco::JSON::Object::Ptr;

struct Bytes {
  Line line;     // {"say": "file", "sha256", "size", "signature": {"state", "key", "text"}}
  Line instead;  // {"say": "refused", "text"} or {"say": "held"}: it must not be opened; else null
};
[[nodiscard]] Bytes look_at_bytes(const Job& job);

// Runs its constructors. {"say": "plugin", "plugin": {...}} or {"say": "refused", "text"}.
// With a component to check: {"say": "checked", "findings": [{"level", "path", "text"}]}, without the member when it
// has no check().
[[nodiscard]] Line look_inside(const Job& job);

[[nodiscard]] Line refused(const std::string& text);

}  // namespace dtu_plugin_probe
