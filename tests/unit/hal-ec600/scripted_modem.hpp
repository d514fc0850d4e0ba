// A modem in memory, for the whole HAL: it answers commands from a table. Time is the host's fake clock.
#pragma once
#include <dtu/sdk/calls.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "at_port.hpp"

namespace hal_ec600::test {

class ScriptedModem : public AtPort {
 public:
  ScriptedModem(dtu::Host host, AtPort::Owner& owner) : host_(host), owner_(owner) {}

  // By a part of a command without AT ("+CSQ"): its lines, each without an end; or one line that begins with "+CME" or
  // is "ERROR". A part that is not here is answered with ERROR.
  std::map<std::string, std::vector<std::string>> answers{
      {"", {}},
      {"E0", {}},
      {"&D0", {}},
      {"+CMEE=1", {}},
      {"+CMEE?", {"+CMEE: 1"}},
      {"+CREG=2", {}},
      {"+CGREG=2", {}},
      {"+CEREG=2", {}},
      {"+CGMM", {"EC600U"}},
      {"+CBC=?", {}},
      {"+QCSQ=?", {"+QCSQ: (\"LTE\")"}},
      {"+QADC=?", {"+QADC: (0,1)"}},
      {"+QENG=?", {"+QENG: (\"servingcell\",\"neighbourcell\")"}},
      {"+QLBS=?", {}},
      {"+CGSN", {"861234567890123"}},
      {"+CGMR", {"EC600UCNLBR03A01M08"}},
      {"+QCCID", {"+QCCID: 8986012345678901234F"}},
      {"+CIMI", {"460001234567890"}},
      {"+CNUM", {"+CNUM: \"\",\"+8613800000000\",145"}},
      {"+CSQ", {"+CSQ: 20,99"}},
      {"+CREG?", {"+CREG: 2,1,\"07D0\",\"009D4564\",7"}},
      {"+CGREG?", {"+CGREG: 2,0"}},
      {"+CEREG?", {"+CEREG: 2,1,\"07D0\",\"009D4564\",7"}},
      {"+COPS?", {"+COPS: 0,0,\"CHINA MOBILE\",7"}},
      {"+QCSQ", {"+QCSQ: \"LTE\",52,-88,111,-9"}},
      {"+CBC", {"+CBC: 0,75,3890"}},
      {"+CPIN?", {"+CPIN: READY"}},
      {"+QADC=0", {"+QADC: 1,632"}},
      {"+QADC=1", {"+QADC: 0,0"}},
      {"+QENG=\"servingcell\"",
       {"+QENG: \"servingcell\",\"NOCONN\",\"LTE\",\"TDD\",460,00,6C4E907,198,38950,40,5,5,7208,-88,-6,-80,29,38"}},
      {"+QENG=\"neighbourcell\"", {}},
      {"+CGDCONT?", {"+CGDCONT: 1,\"IP\",\"\",\"0.0.0.0\",0,0"}},
      {"+QICSGP=1", {"+QICSGP: 1,\"\",\"\",\"\",0"}},
      {"+QIACT?", {}},
      {"+CFUN=0", {}},
      {"+CFUN=1", {}},
      {"+CFUN=1,1", {}}};
  bool silent = false;                // answers nothing
  std::string mute;                   // does not answer the command that begins so
  std::vector<std::string> commands;  // as they came
  bool echoes = false;                // in spite of ATE0
  int flushes = 0;
  std::string holder;  // who else has the port open

  void say(const std::string& bytes) {  // by itself
    (void)dtu::post(host_, [this, bytes] { owner_.tty_bytes(bytes); });
  }
  void plug() {
    (void)dtu::post(host_, [this] { owner_.tty_opened(); });
  }
  void unplug() {
    (void)dtu::post(host_, [this] {
      ++losses_;
      owner_.tty_lost("/dev/ttyUSB2 went away (hung up)");
    });
  }
  [[nodiscard]] size_t count(const std::string& command) const {
    size_t n = 0;
    for (const std::string& c : commands) n += c == command ? 1 : 0;
    return n;
  }
  [[nodiscard]] size_t count_part(const std::string& part) const {
    size_t n = 0;
    for (const std::string& c : commands) n += c.find(part) != std::string::npos ? 1 : 0;
    return n;
  }

  void start() override { plug(); }
  void stop() override {}
  void flush() override { ++flushes; }
  [[nodiscard]] const std::string& device() const override { return device_; }
  [[nodiscard]] uint64_t losses() const override { return losses_; }
  [[nodiscard]] std::string others() const override { return holder; }
  void write(std::string_view bytes) override {
    input_ += bytes;
    for (size_t end = input_.find('\r'); end != std::string::npos; end = input_.find('\r')) {
      const std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      if (line.compare(0, 2, "AT") == 0) command(line);
    }
  }

 private:
  void command(const std::string& line) {
    commands.push_back(line);
    if (silent || (!mute.empty() && line.compare(0, mute.size(), mute) == 0)) return;
    std::string out = echoes ? line + "\r" : "";
    bool failed = false;
    for (size_t begin = 2; begin <= line.size() && !failed;) {
      const size_t end = std::min(line.find(';', begin), line.size());
      const auto found = answers.find(line.substr(begin, end - begin));
      begin = end + 1;
      const std::vector<std::string> lines = found == answers.end() ? std::vector<std::string>{"ERROR"} : found->second;
      for (const std::string& l : lines) {
        out += "\r\n" + l + "\r\n";
        failed = failed || l == "ERROR" || l.find(" ERROR:") != std::string::npos;
      }
    }
    say(failed ? out : out + "\r\nOK\r\n");
  }

  dtu::Host host_;
  AtPort::Owner& owner_;
  std::string input_, device_ = "/dev/ttyUSB2";
  uint64_t losses_ = 0;
};

}  // namespace hal_ec600::test
