// A program of the board's, run for us: never through a shell, with a clean environment, within a time. [lane]
#pragma once
#include <sys/types.h>
#include <dtu/sdk/host.hpp>

#include <dtu/kit/port/descriptor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dtu_program {

class Program {
 public:
  struct Task {
    std::vector<std::string> argv;  // the first is an absolute path
    uint32_t timeout_s = 20;
    int keep_open = -1;  // a descriptor that it gets as its third, and its children too
    bool errors = true;  // what it writes to standard error counts as output
    std::function<void(std::string_view line)> line = nullptr;
  };
  struct Ended {
    std::string trouble;  // "" = exit status 0
    std::string output;   // the first 64 KiB
  };
  using Done = std::function<void(const Ended&)>;  // once, from the loop; may destroy this

  Program(dtu::Host host, Task task, Done done);  // throws dtu::Failure when it cannot be run
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();  // kills it and what it started

  void stop(const std::string& why);  // kills it; it ends with this trouble

 private:
  void spawn();
  void readable();
  void take(char c);
  void look();
  void end(int status);
  void kill_all() const noexcept;

  dtu::Host host_;
  const Task task_;
  Done done_;
  pid_t pid_ = -1;
  dtu_port::Descriptor from_;
  std::unique_ptr<dtu::FdWatch> watch_;  // after from_: goes first
  dtu::Timer timer_;
  int64_t until_ns_;
  std::string output_, line_, last_line_, killed_for_;
};

}  // namespace dtu_program
