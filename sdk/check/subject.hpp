// One instance of the component under check, and its whole life. Whatever a call does wrong becomes a finding.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench.hpp"

namespace dtu::check {

class Subject {
 public:
  Subject(Bench& bench, std::string name);  // "instance 1"
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  ~Subject() = default;

  bool create(const std::string& config);  // false: refused, see status()
  bool start();                            // DTU_OK or DTU_PENDING
  bool wait_up(milliseconds deadline);     // a channel: UP or DEGRADED. Others are up when they are started.
  [[nodiscard]] bool is_up() const;
  [[nodiscard]] bool is_well() const;  // up, and not DEGRADED
  void stop(bool wait = true);         // wait: for a PENDING one to be finished
  void destroy();
  void end();  // stop and destroy, as far as there is something to
  void health();

  [[nodiscard]] bool alive() const { return record_ != nullptr && record_->self != nullptr; }
  [[nodiscard]] dtu_status status() const { return status_; }  // of create, start or stop
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] void* self() const { return record_->self; }
  [[nodiscard]] dtu_instance* handle() const { return record_->handle(); }
  [[nodiscard]] std::string in(const std::string& function) const { return function + " of " + name_; }
  [[nodiscard]] Bench& bench() const { return bench_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  // A function with a dtu_error; its status and error are judged.
  dtu_status call(const std::string& function, const std::function<dtu_status(dtu_error*)>& body);

  // send or write: judged, tokens booked. How many were taken.
  using Offer = std::function<dtu_status(const dtu_msg*, uint32_t n, uint32_t* taken, dtu_error*)>;
  uint32_t offer(const std::string& function, std::vector<host::Message>& messages, bool with_tokens,
                 const Offer& body);
  [[nodiscard]] size_t open_tokens() const { return bench_.state.open_tokens(record_->handle()); }

  // A call that is replied to: the answer, or nothing if it failed or (a finding) never came.
  using Ask = std::function<dtu_status(uint64_t call, dtu_error*)>;
  std::optional<host::Reply> ask(const std::string& function, const Ask& body, milliseconds deadline);

 private:
  [[nodiscard]] int32_t reported() const;  // the last state

  Bench& bench_;
  const std::string name_;
  host::InstanceRecord* record_ = nullptr;
  dtu_status status_ = DTU_OK;
  std::string error_;
  bool started_ = false;
  bool broken_ = false;  // it was created with a configuration that is none: what it throws is not looked at
};

}  // namespace dtu::check
