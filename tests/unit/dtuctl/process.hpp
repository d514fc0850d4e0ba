// A program as a test sees it: arguments in, output and exit code out.
#pragma once
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

#include "lanes/descriptor.hpp"

namespace dtuctl::test {

struct Result {
  int code = -1;
  std::string out, err;
};

class Process {
 public:
  struct Setup {
    std::vector<std::string> environment;  // "NO_COLOR=1"; beside PATH, TZ=UTC and TERM
    std::string input;
    bool terminal = false;  // standard output and standard error are a terminal of 80 columns; both come as `out`
    std::string output;     // a file for standard output
  };

  explicit Process(const std::vector<std::string>& argv) : Process(argv, Setup()) {}
  Process(const std::vector<std::string>& argv, const Setup& setup) {
    dtud::Descriptor in_read;
    dtud::Descriptor in_write;
    dtud::Descriptor out_write;
    dtud::Descriptor err_write;
    open_pipe(in_read, in_write);
    open_pipe(err_, err_write);
    if (setup.terminal) {
      int master = -1;
      int slave = -1;
      const winsize size{24, 80, 0, 0};
      if (::openpty(&master, &slave, nullptr, nullptr, &size) != 0) throw std::runtime_error("openpty");
      out_ = dtud::Descriptor(master);
      ::fcntl(master, F_SETFD, FD_CLOEXEC);
      out_write = dtud::Descriptor(slave);
    } else if (!setup.output.empty()) {
      out_write = dtud::Descriptor(::open(setup.output.c_str(), O_WRONLY | O_CLOEXEC));
    } else {
      open_pipe(out_, out_write);
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in_read.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out_write.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, setup.terminal ? out_write.get() : err_write.get(), STDERR_FILENO);
    std::vector<std::string> environment{"PATH=/usr/bin:/bin", "TZ=UTC", "TERM=xterm", "LC_ALL=C.UTF-8"};
    environment.insert(environment.end(), setup.environment.begin(), setup.environment.end());
    auto args = pointers(argv);
    auto env = pointers(environment);
    const int error = ::posix_spawn(&pid_, argv[0].c_str(), &actions, nullptr, args.data(), env.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot start " + argv[0]);
    if (::write(in_write.get(), setup.input.data(), setup.input.size()) != static_cast<ssize_t>(setup.input.size()))
      throw std::runtime_error("the input is too long for a pipe");
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  void interrupt() const { ::kill(pid_, SIGINT); }
  // Reads until standard output contains `text`; false at its end or after 20 s.
  bool read_until(const std::string& text) {
    while (result_.out.find(text) == std::string::npos)
      if (!read_some()) return false;
    return true;
  }
  // Everything until the program has ended. Code -2: it did not within 20 s.
  Result finish() {
    while (read_some()) {
    }
    if (out_ || err_) {
      result_.code = -2;
      return result_;
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    result_.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result_;
  }

 private:
  static void open_pipe(dtud::Descriptor& read, dtud::Descriptor& write) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    read = dtud::Descriptor(ends[0]);
    write = dtud::Descriptor(ends[1]);
  }
  static std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> out;
    for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));  // as exec() wants it
    out.push_back(nullptr);
    return out;
  }
  static void take(dtud::Descriptor& from, short events, std::string& to) {
    if (events == 0) return;
    std::array<char, 4096> piece{};
    const auto n = ::read(from.get(), piece.data(), piece.size());
    if (n <= 0) return from.close();
    to.append(piece.data(), static_cast<size_t>(n));
  }
  bool read_some() {
    if (!out_ && !err_) return false;
    std::array<pollfd, 2> fds{{{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), 20'000) <= 0) return false;
    take(out_, fds[0].revents, result_.out);
    take(err_, fds[1].revents, result_.err);
    return true;
  }

  pid_t pid_ = 0;
  dtud::Descriptor out_, err_;
  Result result_;
};

inline Result run(const std::vector<std::string>& argv, const Process::Setup& setup = {}) {
  return Process(argv, setup).finish();
}

}  // namespace dtuctl::test
