// Runs a piece of the check in a child process: a plugin that crashes, hangs, exits or spoils its process ends the
// child, and what became of it is known here.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/annotations.hpp"
#include "rules.hpp"
#include "trail.hpp"

namespace dtu::check {

// The child's line to its parent. Any thread.
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  void finding(const std::string& rule, const std::string& what);
  void fact(const std::string& key, const std::string& value);

 private:
  void send(char kind, const std::string& a, const std::string& b);
  host::Mutex mutex_;
  const int fd_;
};

struct Outcome {
  struct Said {
    std::string rule, what;
  };
  std::vector<Said> findings;
  std::map<std::string, std::string> facts;
  bool finished = false;  // the body returned
  int signal = 0;         // it was ended by
  int exit_code = 0;      // without one: what it exited with
  bool hung = false;      // it was ended by us
  std::string function;   // what it was in, or was in last
  bool inside = false;    // it was in it
  std::string step;
  const char* memory_rule = nullptr;  // it died of touching lent memory, against this rule
  std::string output;                 // what was written to standard output and error, 64 KiB at most

  [[nodiscard]] std::string death() const;  // "died of signal 11 (Segmentation fault) in send() of ..."
};

struct Patience {
  int call_ms = 5000;     // a call into the plugin
  int whole_ms = 120000;  // the child
};

// body runs in the child, on its main thread; what it throws is said on its standard error.
[[nodiscard]] Outcome run_child(Trail& trail, const Patience& patience, const std::function<void(Wire&)>& body);

}  // namespace dtu::check
