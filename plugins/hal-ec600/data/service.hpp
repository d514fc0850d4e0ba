// The data path of the modem on the board: brings the interface up with the distribution's tools, watches it, and has
// the machine of path.hpp decide. The key `data` of the configuration. [lane]
#pragma once
#include <dtu/sdk/check.hpp>
#include <dtu/sdk/host.hpp>
#include <dtu/sdk/json.hpp>

#include <dtu/kit/program/program.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../modem.hpp"
#include "path.hpp"

namespace hal_ec600::data {

struct Settings {
  std::string mode = "none";  // "none", "ecm", "rndis", "ppp"
  std::string interface = "usb0";
  std::vector<std::vector<std::string>> up, down;  // programs with their words; "{interface}" is filled in
  std::vector<std::string> probe;
  uint32_t proof_s = 120, probe_s = 300, program_s = 60;
  std::string sysfs = "/sys";
  [[nodiscard]] bool on() const { return mode != "none"; }
};
// Of the key, which the schema has checked. Throws DTU_E_INVALID: a mode without programs, or a program without a path.
[[nodiscard]] Settings read_settings(const dtu::Json& data);
void check(const Settings& settings, const dtu::Findings& found);

class Service {
 public:
  // registered: home or roaming, as far as is known.
  Service(dtu::Host host, Modem& modem, Settings settings, std::function<bool()> registered);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  void start();
  void stop();  // the path stays as it is: a restart of dtud cuts nothing
  void attach() { wanted_ = true; }
  void detach() { wanted_ = false; }
  void access_point_changed();
  void modem_unready();
  [[nodiscard]] std::string health() const;  // a JSON object

 private:
  [[nodiscard]] int64_t now_ms() const;
  [[nodiscard]] Seen look() const;
  void step();
  void begin(Action action);
  void end(bool ok, const std::string& why);
  void run(const std::vector<std::vector<std::string>>& programs, size_t index);
  void activate();
  void ask(std::vector<std::string> commands);
  void toggle();

  dtu::Host host_;
  Modem& modem_;
  const Settings settings_;
  const std::function<bool()> registered_;
  Path path_;
  std::optional<dtu::Timer> timer_;
  std::unique_ptr<dtu_program::Program> program_;
  State told_ = State::no_modem;
  bool wanted_ = true, toggling_ = false;
};

}  // namespace hal_ec600::data
