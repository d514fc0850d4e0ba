#include "mosquitto.hpp"

#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "wire.hpp"

namespace mqtt_test {
namespace {

std::string need_program(const std::string& name) {
  std::string path = find_program(name);
  if (path.empty()) throw std::runtime_error(name + " is not installed: run ./dev setup (package mosquitto)");
  return path;
}

bool accepts(int port) {
  try {
    const Wire wire = Wire::connect_to(port);
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

}  // namespace

Mosquitto::Mosquitto(std::string extra) : port_(free_port()) {
  const std::string dir = dir_.file("");
  for (size_t at = 0; (at = extra.find("{dir}/", at)) != std::string::npos;) extra.replace(at, 6, dir);
  const bool root = geteuid() == 0;
  write_file(dir_.file("mosquitto.conf"), "listener " + std::to_string(port_) + " 127.0.0.1\n" +
                                              (root ? "user root\n" : "") + "set_tcp_nodelay true\n" + extra);
}

void Mosquitto::start() {
  process_ = Process({need_program("mosquitto"), "-c", dir_.file("mosquitto.conf")}, dir_.file("log"));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!accepts(port_)) {
    if (!process_.running()) throw std::runtime_error("mosquitto ended: " + log());
    if (std::chrono::steady_clock::now() > until) throw std::runtime_error("mosquitto does not accept: " + log());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // it has no other way to say that it is ready
  }
}

void Mosquitto::add_user(const std::string& name, const std::string& password) const {
  Process tool({need_program("mosquitto_passwd"), "-b", "-c", dir_.file("passwords"), name, password},
               dir_.file("passwd.log"));
  if (tool.wait() != 0) throw std::runtime_error("mosquitto_passwd: " + read_file(dir_.file("passwd.log")));
}

}  // namespace mqtt_test
