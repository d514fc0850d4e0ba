// Command time.sync and point time.state: by chrony, by timesyncd, or by a question to an NTP server. [lane]
#pragma once
#include <dtu/kit/net/resolver.hpp>
#include <dtu/kit/program/program.hpp>
#include <dtu/sdk/component.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "board/config.hpp"
#include "board/tree.hpp"
#include "clock/keepers.hpp"
#include "clock/sntp_query.hpp"
#include "clock/system_clock.hpp"

namespace hal_linux {

using dtu_program::Program;

class TimeSync {
 public:
  // `clock` outlives this. Without a configuration there is the point only.
  TimeSync(dtu::Host host, const std::optional<TimeConfig>& config, const Tree& tree, SystemClock& clock,
           net::Resolver::Lookup lookup = net::system_lookup);
  void stop();  // answers who waits

  static void list_points(const std::function<void(const dtu_point_info&)>& each);
  void list_commands(const std::function<void(const dtu_command_info&)>& each) const;
  [[nodiscard]] bool has(std::string_view command) const { return offered_ && command == kCommand; }
  static constexpr const char *kPoint = "time.state", *kCommand = "time.sync";

  // {"synchronized": true, "source": "chrony" | "timesyncd" | "ntp" | "kernel" | "", "offset_ms": -1.5}. ntp: this
  // command, in the last day. kernel: some program that this HAL does not know. offset_ms where it is known.
  void read(uint64_t call);
  // Args: {"ntp_server": "pool.ntp.org"}; "" or none: that of the configuration. Answers {"means", "server"?,
  // "offset_ms"?, "set"?, "note"?}. It fails rather than guess: the text says which means said what.
  void invoke(uint64_t call, std::string_view args);
  void cancel(uint64_t call);

 private:
  using Tracked = std::function<void(const std::optional<Tracking>&, const std::string& trouble)>;
  struct Job {
    uint64_t call = 0;
    std::string server;  // named by the command
    std::string keeper;  // what a program that keeps the clock said instead of a time
  };
  void begin();
  void by_chrony();
  void chrony_said(const std::optional<Tracking>& now, const std::string& trouble);
  void by_timesyncd();
  void keeper_failed(const std::string& means, const std::string& why);
  void by_ntp();
  void ntp_said(const SntpQuery::Result& result);
  void chronyc(std::vector<std::string> words, uint32_t timeout_s, Program::Done done);
  void track(Tracked tracked);
  void answer(const std::string& json);
  void fail(dtu_status status, std::string why);
  void answer_states(const std::string& json);
  [[nodiscard]] std::string note(const char* keeper) const;
  [[nodiscard]] std::string own_state() const;

  dtu::Host host_;
  const bool offered_;
  const TimeConfig config_;
  const Tree tree_;
  SystemClock& clock_;
  const net::Resolver::Lookup lookup_;

  std::optional<Job> job_;
  std::unique_ptr<SntpQuery> query_;  // of this job or an earlier one
  std::unique_ptr<Program> program_;  // of the job
  bool stepped_ = false;              // chrony was told to correct the clock at once

  std::vector<uint64_t> asking_;    // calls that wait for the state
  std::unique_ptr<Program> asked_;  // of them
  struct Own {
    int64_t at_ns = 0;  // by the clock that does not jump
    int64_t offset_ns = 0;
  };
  std::optional<Own> own_;  // the last time that this command set or checked the clock
};

}  // namespace hal_linux
