// The host a component is checked on, in a child: it runs the loop, calls into the plugin so that the parent knows
// where it is, and turns whatever breaks a rule into findings.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "child.hpp"
#include "guarded.hpp"
#include "host/state.hpp"
#include "job.hpp"
#include "plugin.hpp"

namespace dtu::check {

using std::chrono::milliseconds;

class Bench final : public host::Observer {
 public:
  Bench(Wire& wire, Trail& trail, const Part& part, const Job& job);

  void found(const char* rule, const std::string& what) { wire_.finding(rule, what); }
  void fact(const std::string& key, const std::string& value) { wire_.fact(key, value); }
  void step(const std::string& text) { trail_.step(text); }

  // A call into the plugin: named for the trail, timed, exceptions stopped. What threw answers DTU_E_EXCEPTION.
  dtu_status call(const std::string& function, const std::function<dtu_status()>& body);
  void act(const std::string& function, const std::function<void()>& body);  // for what answers nothing

  bool run_until(const std::function<bool()>& done, milliseconds deadline);
  void run_for(milliseconds time);
  [[nodiscard]] milliseconds patience() const { return milliseconds(job.patience_ms); }

  // The error a call filled in: a fresh one before the call, judged after it.
  [[nodiscard]] static dtu_error fresh_error();
  void judge(const std::string& function, dtu_status status, const dtu_error& error);
  void look_for_secrets(const std::string& where, const std::string& text);
  void look_through_records();  // log, reports, answers: for secrets, and answers to calls that were never made

  // Host calls that fail: the nth one of `function` from now on, or from the nth on. 0: none.
  void refuse(const std::string& function, uint64_t nth);
  [[nodiscard]] uint64_t times_called(const std::string& function);

  // What is emitted while there is no room.
  void hold_emits();
  void release_emits(const std::string& whose);  // and looks whether what was refused comes first

  const Part& part;
  const Job& job;
  Guarded storage;
  host::State state;
  std::map<uint64_t, bool> asked;  // numbers of calls made; true: accepted
  uint64_t last_call = 0;

  void ports_open(const std::set<uint64_t>& keys);  // HAL: the only sources of what is emitted from now on

 private:
  void misbehaved(const host::InstanceRecord* by, const char* rule, const std::string& what) override;
  bool refuses(const host::InstanceRecord& by, const char* function) override;
  void emits(const host::InstanceRecord& by, const dtu_msg& msg, dtu_status answer) override;
  void around(const void* owner, const char* what, const std::function<void()>& fn);

  Wire& wire_;
  Trail& trail_;
  std::set<std::string> judged_events_;  // names: the first of each is held against its schema

  struct Held {
    std::string refused;  // the first payload that found no room
    uint64_t again = 0;   // how often DTU_AGAIN was answered
    uint64_t others = 0;  // of them, to another message than the first
    bool resumed = false;
  };
  host::Mutex mutex_;
  std::map<std::string, uint64_t> counts_ GUARDED_BY(mutex_);
  std::string refused_ GUARDED_BY(mutex_);
  uint64_t refused_nth_ GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Held> held_ GUARDED_BY(mutex_);  // by source
  bool holding_ GUARDED_BY(mutex_) = false;
  std::set<uint64_t> keys_ GUARDED_BY(mutex_), closed_keys_ GUARDED_BY(mutex_);
};

// {ptr, len} of a text the plugin said; it may be anything.
[[nodiscard]] std::string said(dtu_str text);
[[nodiscard]] bool is_utf8(std::string_view text);
[[nodiscard]] bool is_json_value(const std::string& text);
[[nodiscard]] bool is_json_object(const std::string& text);
[[nodiscard]] bool is_dotted_name(std::string_view name);
[[nodiscard]] bool is_type_name(std::string_view name);  // [a-z0-9-]{1,32}

}  // namespace dtu::check
