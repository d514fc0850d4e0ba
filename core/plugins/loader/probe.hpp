// Looks at a plugin file in a child process, dtu-plugin-probe: its constructors run at dlopen, and what they break must
// not be dtud. The child also does what needs OpenSSL: the hash and the signature, before anything of the file runs.
#pragma once
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/checkup.hpp"
#include "plugins/loader/facts.hpp"

namespace dtud::plugins {

struct ProbeJob {
  std::filesystem::path file;     // absolute, links resolved
  std::vector<std::string> keys;  // who may sign, as board.json has them
  bool require_signed = false;    // without a good signature nothing of the file is run
  std::vector<std::string> held;  // SHA-256 of contents that must not be run again
  bool schemas = false;           // tell the schemas too
  // Instead of telling what the file holds, a component of it checks a configuration.
  struct Check {
    std::string component, config;  // "channel:mqtt"; JSON as create() gets it
  };
  std::optional<Check> check = std::nullopt;
};

struct ProbeLimits {
  // A child that sleeps when so much time has passed since its file was hashed hangs. One that waits for the processor
  // or the disk is given ten times as long: a board that just started is busy.
  std::chrono::milliseconds deadline{2000};
  std::chrono::milliseconds hashing{20'000};
  unsigned cpu_s = 2;  // of the processor, for opening the file
};

struct Probed {
  enum class End {
    good,
    refused,      // it is no plugin that can be used here; nothing broke
    held,         // its content is one of job.held; it was not run
    died,         // it crashed, hung, or ended its process
    killed,       // somebody killed the child (signal 9): the file, or whoever was short of memory
    unavailable,  // there is no probe to be had; nothing is known of the file
  };
  End end = End::unavailable;
  std::string text;      // one line that names the file, unless it is good
  std::string identity;  // of what was looked at
  std::string sha256;    // "" when it did not come to that
  uint64_t size = 0;
  SignatureFacts signature;
  PluginFacts plugin;
  std::optional<config::Checkup> checkup;  // of job.check; nothing: the component has no check()
};

// Blocks until the end. Any thread, several at once. program: the path of dtu-plugin-probe. Everything the child
// started and that stayed in its process group is killed.
[[nodiscard]] Probed probe(const std::string& program, const ProbeJob& job, const ProbeLimits& limits);

}  // namespace dtud::plugins
