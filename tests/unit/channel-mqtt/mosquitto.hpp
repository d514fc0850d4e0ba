// A broker of our own on a free loopback port, in a directory of its own.
#pragma once
#include <string>

#include "process.hpp"

namespace mqtt_test {

class Mosquitto {
 public:
  // `extra`: more lines for its configuration; {dir} stands for the directory. Throws when it cannot run.
  explicit Mosquitto(std::string extra = "allow_anonymous true\n");
  void start();  // again, on the same port and with what it had stored
  void kill_now() { process_.kill_now(); }
  void freeze() { process_.stop_scheduling(); }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string file(const std::string& name) const { return dir_.file(name); }
  [[nodiscard]] std::string log() const { return read_file(dir_.file("log")); }
  void add_user(const std::string& name, const std::string& password) const;  // before start

 private:
  TempDir dir_;
  int port_;
  Process process_;
};

}  // namespace mqtt_test
