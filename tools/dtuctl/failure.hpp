// How dtuctl ends, and the exception that ends it.
#pragma once
#include <stdexcept>
#include <string>

namespace dtuctl {

// Part of the interface: scripts rely on it, and --help shows it.
enum Exit : int {
  kOk = 0,
  kFailed = 1,       // dtud answered, and the answer is no: refused, not found, findings
  kUsage = 2,        // the command line is wrong
  kUnreachable = 3,  // no dtud answers at the socket
  kTimeout = 4,      // dtud, or what it asked, did not answer in time
};

// The message is printed after "dtuctl: "; empty: everything has been said.
class Failure : public std::runtime_error {
 public:
  Failure(Exit code, const std::string& text) : std::runtime_error(text), code_(code) {}
  [[nodiscard]] Exit code() const { return code_; }

 private:
  Exit code_;
};

}  // namespace dtuctl
