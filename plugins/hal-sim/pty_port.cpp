#include "pty_port.hpp"

namespace hal_sim {

void PtyPort::start() {
  if (!config_.link.empty()) link_.emplace(host_, config_.link, pty_.device(), config_.id);
  mind();
}

void PtyPort::stop() {
  close();
  keeper_watch_.reset();
  link_.reset();
}

void PtyPort::open(const dtu_port_settings& settings, uint64_t key, std::unique_ptr<dtu_port::Direction> direction) {
  pty_.settings(settings);
  key_ = key;
  signals_ = DTU_SIGNAL_DTR | DTU_SIGNAL_RTS;  // as Linux does when a UART is opened
  auto line = std::make_unique<dtu_port::Line>(host_, key, *this);
  if (direction) line->use_direction(std::move(direction));
  line->attach(pty_.end());
  line_ = std::move(line);
}

void PtyPort::close() {
  signals_ &= ~DTU_SIGNAL_BREAK;
  if (line_) line_->detach();
  line_.reset();
}

void PtyPort::line_lost(const std::string& /*why*/) { mend(); }

// A hang-up is seen here even when a far end opens the device again before our own end notices; without mending, the
// pty would be left echoing and waiting for whole lines.
void PtyPort::mind() {
  keeper_watch_ = std::make_unique<dtu::FdWatch>(host_, pty_.keeper(), 0, [this](uint32_t) { mend(); });
}

void PtyPort::mend() {
  keeper_watch_.reset();
  dtu_error e{};
  const dtu_status status = dtu::guarded(&e, [this] {
    pty_.mend();
    mind();
    if (line_ && !line_->attached()) line_->attach(pty_.end());
    return DTU_OK;
  });
  if (status != DTU_OK)
    host_.report(DTU_STATE_FAILED, status, "port " + config_.id + ": the pty is lost: " + e.message);
}

}  // namespace hal_sim
