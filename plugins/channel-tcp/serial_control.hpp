// The channel's port as RFC 2217 clients wish it: by dtud's command port.line, one call at a time. [lane]
#pragma once
#include <dtu/sdk/calls.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "rfc2217.hpp"
#include "sparse_log.hpp"

namespace channel_tcp {

class SerialControl {
 public:
  // Called once, later, from the loop, with the values in force: those wished for, or the ones from before.
  using Done = std::function<void(const rfc2217::Values&)>;
  SerialControl(dtu::Host host, std::string port) : host_(host), port_(std::move(port)) {}

  [[nodiscard]] bool busy() const { return busy_; }
  // Something was set since the last reset.
  [[nodiscard]] bool changed() const { return changed_; }
  // Only while !busy(). An empty wish asks for the values.
  void ask(const rfc2217::Wish& wish, const Done& done);
  // Only while !busy(): the port is as configured again, before anything is written to it that comes later.
  void reset(const Done& done);

 private:
  void call(const std::string& members, bool wished, const Done& done);
  void answered(const dtu::Answer& answer, bool wished, const Done& done);
  void read(std::string_view json);

  dtu::Host host_;
  const std::string port_;
  SparseLog refusals_{host_};
  rfc2217::Values values_;
  rfc2217::Wish wish_;  // of the call under way
  bool busy_ = false, changed_ = false;
  dtu::Call call_;
};

}  // namespace channel_tcp
