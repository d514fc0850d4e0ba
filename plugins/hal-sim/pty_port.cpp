#include "pty_port.hpp"

#include <dtu_port/line_settings.hpp>

namespace hal_sim {

void PtyPort::publish() {
  if (!config_.link.empty()) link_.emplace(host_, config_.link, pty_.device(), config_.id);
}

void PtyPort::unpublish() { link_.reset(); }

void PtyPort::open(const dtu_port_settings& settings, uint64_t key) {
  dtu_port::check_settings(settings);
  pty_.settings(settings);
  key_ = key;
  auto line = std::make_unique<dtu_port::Line>(host_, key, *this);
  line->attach(pty_.end());
  line_ = std::move(line);
}

void PtyPort::close() {
  if (line_) line_->detach();
  line_.reset();
}

void PtyPort::line_lost(const std::string& why) {
  dtu_error e{};
  const auto mend = [this] {
    pty_.mend();
    line_->attach(pty_.end());
    return DTU_OK;
  };
  if (dtu::guarded(&e, mend) == DTU_OK) return;
  host_.report(DTU_STATE_FAILED, e.code, "port " + config_.id + ": the pty " + why + " and is lost: " + e.message,
               key_);
}

}  // namespace hal_sim
