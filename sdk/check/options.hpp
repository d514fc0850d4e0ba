// The command line of dtu-plugin-check.
#pragma once
#include <stdexcept>
#include <string>

namespace dtu::check {

struct Options {
  std::string file;
  std::string config;     // path, "" = none
  std::string only;       // a rule or a group
  std::string type;       // "mqtt" or "channel:mqtt"
  double patience_s = 5;  // a call takes longer: it hangs; what is to come later came not: it never will
  bool json = false;
  bool list = false;
  bool call = false;
  bool help = false;
  bool version = false;
};

struct Usage : std::runtime_error {
  using runtime_error::runtime_error;
};

[[nodiscard]] Options read_options(int argc, char** argv);  // throws Usage
[[nodiscard]] std::string usage();

}  // namespace dtu::check
