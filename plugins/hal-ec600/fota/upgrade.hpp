// The firmware of the modem itself, by AT+QFOTADL. The modem fetches it: it takes a URL, and cannot reach a file of
// this board, so firmware.install of the kind "modem" is refused and modem.upgrade orders it. [lane]
//
//   none, took, failed --modem.upgrade, OK--> downloading --HTTPEND 0--> updating --version equals--> took
//                                                 |  error, silence, cut off      |  error, another version
//                                                 +-----------> failed <----------+
//
// Only the version that runs afterwards proves an upgrade (field-troubles A16), never the modem's END 0. The record is
// on the disk before the modem is asked, so a power cut at any point ends in a stated result at the next start.
#pragma once
#include <dtu/sdk/component.hpp>
#include <dtu/sdk/events.hpp>
#include <dtu/sdk/kept.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../at_engine.hpp"
#include "record.hpp"
#include "urc.hpp"

namespace hal_ec600::fota {

class Upgrade {
 public:
  Upgrade(dtu::Host host, AtEngine& engine);
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;

  static void list_commands(const dtu::CommandsIface::Each& each);
  bool invoke(uint64_t call, std::string_view name, std::string_view args);  // false: it is none of these
  void cancel(uint64_t call);

  void ready();  // the modem answers: its version is read, and an upgrade under way is judged
  void gone();
  void stop();

  // Answers firmware.facts: {"modem": {"version": "..."}}. Waits for the version up to 2 s, then without one: who asks
  // shows it, and asks again with the next order.
  void facts(uint64_t call);
  // The modem is being written: it may be silent for minutes, and a reset may destroy it. Not longer than 30 minutes
  // after its last word.
  [[nodiscard]] bool is_writing() const;
  [[nodiscard]] const std::string& version() const { return version_; }
  [[nodiscard]] std::string state() const;  // a JSON object

 private:
  void order(uint64_t call, std::string_view args);
  void kept(dtu_status status);
  void asked(const AtResult& result);
  void hear(const Said& said);
  bool keep(dtu::Kept::Done done = nullptr);
  void enter(Record::Step step, const std::string& error = "");
  void read_version(bool long_form);
  void versions_read();
  void judge();
  void answer_facts();
  void timed_out();
  void tell(int percent);
  void answer(dtu_status status, const std::string& text);

  dtu::Host host_;
  AtEngine& engine_;
  const dtu::Events events_{host_};
  std::optional<dtu::Kept> kept_;
  dtu::Timer timer_, facts_timer_;
  Record record_;
  std::string version_, long_version_;  // AT+CGMR, AT+QGMR
  std::string url_;                     // of the order under way; never kept, because it may hold a key
  uint32_t timeout_s_ = 0;
  uint64_t call_ = 0;  // modem.upgrade that waits for its answer
  uint64_t order_ = 0;
  std::vector<uint64_t> facts_;  // calls that wait
  bool ready_ = false, end_told_ = false;
  int percent_ = -1;
  int64_t writing_until_ns_ = 0;
};

}  // namespace hal_ec600::fota
