#include "dtud.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "wait.hpp"

namespace e2e {

Dtud::~Dtud() {
  process_.kill();
  if (testing::Test::HasFailure()) std::cerr << "--- log of dtud in " << dir_.root() << "\n" << log() << "---\n";
}

Dtud& Dtud::ports(const std::map<std::string, std::string>& device_by_id) {
  std::string list;
  for (const auto& [id, device] : device_by_id)
    list += (list.empty() ? "\"" : ", \"") + id + R"(": {"device": ")" + device + "\"}";
  return hal(R"({"type": "linux", "ports": {)" + list + "}}");
}

Dtud& Dtud::hal(const std::string& json) {
  hal_.push_back(json);
  return *this;
}

Dtud& Dtud::board(const std::string& members) {
  board_members_ += ", " + members;
  return *this;
}

Dtud& Dtud::device(const std::string& json) {
  device_ = json;
  return *this;
}

Dtud& Dtud::plugins(const std::string& folder) {
  plugins_ = folder;
  return *this;
}

Dtud& Dtud::programs(const std::string& folder) {
  dtud_ = folder + "/dtud";
  dtuctl_ = folder + "/dtuctl";
  return *this;
}

Dtud& Dtud::environment(const std::vector<std::string>& variables) {
  environment_ = variables;
  return *this;
}

void Dtud::write_documents() const {
  std::string hals;
  for (const std::string& hal : hal_) hals += (hals.empty() ? "" : ", ") + hal;
  write_file(path("board.json"), "{\"hal\": [" + hals + "], \"plugin_path\": [" +
                                     (plugins_.empty() ? "" : '"' + plugins_ + '"') + R"(], "device_file": ")" +
                                     path("dtu_config.json") + R"(", "state_dir": ")" + path("state") +
                                     R"(", "control": {"socket": ")" + socket() + "\"}" + board_members_ + "}");
  write_file(path("dtu_config.json"), device_);
}

void Dtud::start(const std::vector<std::string>& more_arguments) {
  if (!std::filesystem::exists(path("board.json"))) write_documents();
  std::vector<std::string> argv{dtud_, "--board", path("board.json")};
  argv.insert(argv.end(), more_arguments.begin(), more_arguments.end());
  process_.start(argv, path("log"), environment_);
  const bool told = eventually([this] { return answers() || !process_.running(); });
  if (!told || !process_.running())
    throw std::runtime_error(told ? "dtud ended at once: " + log() : "dtud does not answer");
}

int Dtud::stop() {
  process_.signal(SIGTERM);
  return process_.wait();
}

Ran Dtud::check(const std::vector<std::string>& more_arguments) const {
  write_documents();
  std::vector<std::string> argv{dtud_, "--board", path("board.json"), "--check"};
  argv.insert(argv.end(), more_arguments.begin(), more_arguments.end());
  return run(argv);
}

Ran Dtud::dtuctl(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv{dtuctl_, "--socket", socket()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run(argv);
}

bool Dtud::channel_is(const std::string& id, const std::string& state) const {
  return eventually([&] { return text(channel(id), "state") == state; });
}

bool Dtud::port_is(const std::string& id, const std::string& state) const {
  return eventually([&] { return text(port(id), "state") == state; });
}

uint16_t Dtud::listen_port(const std::string& id) const {
  int64_t port = 0;
  eventually([&] { return (port = number(channel(id), "health.listen_port")) > 0; });
  return static_cast<uint16_t>(port > 0 ? port : 0);
}

bool Dtud::channel_number(const std::string& id, const std::string& member, int64_t value) const {
  return eventually([&] { return number(channel(id), member) == value; });
}

int64_t Dtud::metric(const std::string& line_start) const {
  std::istringstream lines(get("/metrics").body);
  for (std::string line; std::getline(lines, line);)
    if (line.rfind(line_start + " ", 0) == 0)
      return static_cast<int64_t>(std::stod(line.substr(line_start.size() + 1)));
  return -1;
}

int64_t Dtud::proc_number(const std::string& key) const {
  std::istringstream lines(read_file("/proc/" + std::to_string(process_.pid()) + "/status"));
  for (std::string line; std::getline(lines, line);)
    if (line.rfind(key + ":", 0) == 0) return std::stoll(line.substr(key.size() + 1));
  return -1;
}

size_t Dtud::open_fds() const {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process_.pid()) + "/fd"))
    count += entry.path().empty() ? 0 : 1;
  return count;
}

}  // namespace e2e
