// The real dtud in a folder of its own: its documents, its life, its control API. Prints the log when the test failed.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "http.hpp"
#include "json.hpp"
#include "process.hpp"
#include "temp_dir.hpp"

namespace e2e {

extern const std::string kDtud, kDtuctl, kPlugins;  // paths of the build under test

class Dtud {
 public:
  Dtud() = default;
  Dtud(const Dtud&) = delete;
  Dtud& operator=(const Dtud&) = delete;
  ~Dtud();

  // The documents. A HAL is {"type": ...} as board.json has it.
  Dtud& ports(const std::map<std::string, std::string>& device_by_id);  // hal "linux"
  Dtud& hal(const std::string& json);
  Dtud& board(const std::string& members);  // more members of board.json: "\"reset\": \"restart\""
  Dtud& device(const std::string& json);
  Dtud& plugins(const std::string& folder);                      // "": dtud looks where it does by itself
  Dtud& programs(const std::string& folder);                     // of dtud and dtuctl
  Dtud& environment(const std::vector<std::string>& variables);  // "NAME=value", for the next start
  void write_documents() const;

  // Starts it and waits until it answers; throws when it does not.
  void start(const std::vector<std::string>& more_arguments = {});
  int stop();  // SIGTERM; the exit status
  void kill() { process_.kill(); }
  Process& process() { return process_; }
  Ran check(const std::vector<std::string>& more_arguments = {}) const;
  Ran dtuctl(const std::vector<std::string>& arguments) const;

  [[nodiscard]] std::string socket() const { return dir_.path("control.sock"); }
  [[nodiscard]] std::string path(const std::string& name) const { return dir_.path(name); }
  [[nodiscard]] std::string log() const { return read_file(path("log")); }

  [[nodiscard]] HttpAnswer get(const std::string& path) const { return http(socket(), "GET", path); }
  [[nodiscard]] HttpAnswer put(const std::string& path, const std::string& body) const {
    return http(socket(), "PUT", path, body);
  }
  [[nodiscard]] HttpAnswer post(const std::string& path, const std::string& body) const {
    return http(socket(), "POST", path, body);
  }
  [[nodiscard]] bool answers() const { return get("/v1/status").status == 200; }
  [[nodiscard]] Json status() const { return parse_json(get("/v1/status").body); }
  [[nodiscard]] Json channel(const std::string& id) const {
    return with(parse_json(get("/v1/channels").body), "id", id);
  }
  [[nodiscard]] Json port(const std::string& id) const { return with(parse_json(get("/v1/ports").body), "id", id); }
  [[nodiscard]] bool channel_is(const std::string& id, const std::string& state) const;
  [[nodiscard]] bool port_is(const std::string& id, const std::string& state) const;
  // The port a TCP server channel listens on, once it does.
  [[nodiscard]] uint16_t listen_port(const std::string& id) const;
  // Until the channel's member has this value: "outbox.delivered".
  [[nodiscard]] bool channel_number(const std::string& id, const std::string& member, int64_t value) const;
  [[nodiscard]] int64_t metric(const std::string& line_start) const;  // -1: there is none

  // From /proc of the running process.
  [[nodiscard]] int64_t proc_number(const std::string& key) const;  // "VmRSS", "voluntary_ctxt_switches"
  [[nodiscard]] size_t open_fds() const;

 private:
  TempDir dir_;
  Process process_;
  std::vector<std::string> hal_, environment_;
  std::string board_members_, device_ = "{}", plugins_ = kPlugins, dtud_ = kDtud, dtuctl_ = kDtuctl;
};

}  // namespace e2e
