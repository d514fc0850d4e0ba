#include "process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "temp_dir.hpp"
#include "wait.hpp"

extern char** environ;

namespace e2e {

void Process::start(const std::vector<std::string>& argv, const std::string& output,
                    const std::vector<std::string>& environment) {
  kill();
  std::vector<char*> args, env;
  for (const std::string& a : argv) args.push_back(const_cast<char*>(a.c_str()));
  for (const std::string& e : environment) env.push_back(const_cast<char*>(e.c_str()));
  for (char** e = environ; *e != nullptr; ++e) env.push_back(*e);
  args.push_back(nullptr);
  env.push_back(nullptr);
  status_ = -1;
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ != 0) return;
  const int fd = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(::open("/dev/null", O_RDONLY), 0);
  ::dup2(fd, 1);
  ::dup2(fd, 2);
  ::close_range(3, ~0U, 0);
  ::execvpe(args[0], args.data(), env.data());
  ::_exit(127);
}

void Process::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void Process::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool Process::running() {
  if (pid_ <= 0) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  pid_ = -1;
  return false;
}

int Process::wait(std::chrono::seconds deadline) {
  return eventually([this] { return !running(); }, deadline) ? status_ : -1;
}

Ran run(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
        std::chrono::seconds deadline) {
  const TempDir dir;
  Process process;
  process.start(argv, dir.path("output"), environment);
  Ran ran;
  ran.status = process.wait(deadline);
  ran.output = read_file(dir.path("output"));
  return ran;
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

}  // namespace e2e
