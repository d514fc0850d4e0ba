// Programs the tests start: mosquitto, openssl. Killed with the object, never by name.
#pragma once
#include <chrono>
#include <string>
#include <vector>

namespace mqtt_test {

class Process {
 public:
  Process() = default;
  Process(const std::vector<std::string>& command, const std::string& output_file);
  Process(Process&& o) noexcept;
  Process& operator=(Process&& o) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { kill_now(); }

  void kill_now();         // SIGKILL, and waits
  void stop_scheduling();  // SIGSTOP: alive but silent
  int wait();              // the exit code
  [[nodiscard]] bool running();

 private:
  int pid_ = -1;
};

// The full path of a program, or "".
std::string find_program(const std::string& name);
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

int free_port();

}  // namespace mqtt_test
