// A child process whose output goes into a file.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "wait.hpp"

namespace e2e {

class Process {
 public:
  Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { kill(); }

  // Appends standard output and standard error to `output`. `environment`: "NAME=value", besides our own.
  void start(const std::vector<std::string>& argv, const std::string& output,
             const std::vector<std::string>& environment = {});
  void signal(int number) const;
  void kill();  // SIGKILL, and waits
  // The exit status, 128 + n when signal n ended it, -1 when it still runs at the deadline.
  int wait(std::chrono::seconds deadline = kDeadline);
  [[nodiscard]] bool running();
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int status_ = -1;
};

struct Ran {
  int status = -1;
  std::string output;
};
// Runs a program to its end.
Ran run(const std::vector<std::string>& argv, const std::vector<std::string>& environment = {},
        std::chrono::seconds deadline = kDeadline);

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

}  // namespace e2e
