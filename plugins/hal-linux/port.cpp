#include "port.hpp"

#include <dtu/kit/port/line_settings.hpp>
#include <dtu/kit/port/signals.hpp>

#include <algorithm>

#include "low_latency.hpp"
#include "rs485.hpp"

namespace hal_linux {
namespace {

constexpr uint64_t kFirstDelayMs = 100;
constexpr uint64_t kLongestDelayMs = 2'000;
constexpr uint64_t kWatchedDelayMs = 30'000;
constexpr int64_t kSteadyNs = 2'000'000'000;  // up for less: the next look does not start over at 100 ms
constexpr uint64_t kCountMs = 5'000;          // from traffic to a look at the error counters

// A node that comes, or gets its permissions, is told by inotify; what happens behind a node is not.
bool inotify_tells(Trouble t) { return t == Trouble::absent || t == Trouble::denied || t == Trouble::refused; }

dtu_port::LineCounters sum(dtu_port::LineCounters a, const dtu_port::LineCounters& b) {
  a.rx_bytes += b.rx_bytes;
  a.rx_lost_bytes += b.rx_lost_bytes;
  a.tx_bytes += b.tx_bytes;
  a.tx_lost_bytes += b.tx_lost_bytes;
  return a;
}

}  // namespace

Port::Port(dtu::Host host, PortConfig config, std::function<void()> counted)
    : host_(host), config_(std::move(config)), counted_(std::move(counted)) {}

dtu_status Port::open(const dtu_port_settings& settings, uint64_t key, std::unique_ptr<dtu_port::Direction> direction) {
  settings_ = settings;
  key_ = key;
  delay_ms_ = 0;
  looks_ = 0;
  trouble_.clear();
  retry_.emplace(host_, [this] { look(); });
  count_.emplace(host_, [this] {
    count_armed_ = false;
    counted_();
  });
  line_ = std::make_unique<dtu_port::Line>(host_, key, *this);
  if (direction) line_->use_direction(std::move(direction));
  try {
    use(open_device(config_, settings_));
    return DTU_OK;
  } catch (const OpenError& e) {
    if (e.trouble() == Trouble::refused) {
      close();
      throw dtu::Failure(e.code(), e.what());
    }
    wait(e);
    return DTU_PENDING;
  } catch (...) {
    close();
    throw;
  }
}

void Port::use(Device device) {
  pty_ = device.pty;
  errors_seen_ = read_line_errors(device.fd.get());
  if (config_.low_latency)
    if (const std::string why = set_low_latency(device.fd.get()); !why.empty())
      host_.warn("port " + config_.id + ": low_latency has no effect on " + config_.device + ": " + why);
  line_->attach(std::move(device.fd));
  up_since_ns_ = host_.monotonic_ns();
}

void Port::close() {
  if (!line_) return;
  count_errors();
  line_->detach();
  bytes_before_ = sum(bytes_before_, line_->counters());
  turns_before_ += line_->turns();
  line_.reset();
  watch_.reset();
  retry_.reset();
  count_.reset();
  count_armed_ = false;
}

void Port::watch() {
  watch_ = std::make_unique<dtu_port::DeviceWatch>(host_, config_.device, [this] {
    delay_ms_ = 0;
    look();
  });
}

// The watch is made before looking, so that a node coming in between is not missed.
void Port::look() {
  ++looks_;
  retry_->arm_ms(kLongestDelayMs);  // whatever goes wrong below, there is another look
  watch();
  try {
    use(open_device(config_, settings_));
  } catch (const OpenError& e) {
    return wait(e);
  }
  watch_.reset();
  retry_->disarm();
  trouble_.clear();
  host_.info("port " + config_.id + ": " + config_.device + " is back");
  host_.report(DTU_STATE_UP, key_);
}

void Port::wait(const OpenError& e) {
  tell_down(e.code(), e.what());
  if (!watch_) watch();
  const bool steady = delay_ms_ >= kLongestDelayMs;
  delay_ms_ = std::clamp(delay_ms_ * 2, kFirstDelayMs, kLongestDelayMs);
  const bool told = inotify_tells(e.trouble()) && watch_->working();
  retry_->arm_ms(told && steady ? kWatchedDelayMs : delay_ms_);
}

void Port::tell_down(dtu_status code, const std::string& text) {
  if (trouble_ == text) return;
  trouble_ = text;
  host_.report(DTU_STATE_DOWN, code, "port " + config_.id + ": " + text, key_);
}

void Port::line_lost(const std::string& why) {
  ++losses_;
  looks_ = 0;
  if (host_.monotonic_ns() - up_since_ns_ >= kSteadyNs) delay_ms_ = 0;
  wait({Trouble::absent, DTU_E_IO, config_.device + " went away (" + why + "): check its cable and power"});
}

void Port::direction_failed(const std::string& why) {
  looks_ = 0;
  wait({Trouble::failing, DTU_E_IO, "the direction pin cannot be switched: " + why});
}

void Port::line_read() {
  if (count_armed_ || !errors_seen_) return;
  count_armed_ = true;
  count_->arm_ms(kCountMs);
}

void Port::count_errors() {
  if (!errors_seen_ || !line_->attached()) return;
  const std::optional<LineErrors> now = read_line_errors(line_->fd());
  if (!now) return;
  errors_ = errors_.value_or(LineErrors{}) + (*now - *errors_seen_);
  errors_seen_ = now;
}

void Port::must_be_there() const {
  if (!line_->attached()) throw dtu::Failure::retryable(DTU_E_IO, "port " + config_.id + ": " + trouble_);
}

dtu_status Port::write(const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  must_be_there();
  return line_->write(msgs, n, taken);
}

void Port::resume() { line_->resume(); }

bool Port::drained() const { return line_->drained(); }

uint64_t Port::discard(uint32_t which) { return line_->discard(which); }

// A device that is away gets them when it is back.
void Port::set_line(dtu_port_settings settings) {
  settings.direction_gpio = settings_.direction_gpio;
  settings.direction_level = settings_.direction_level;
  dtu_port::check_settings(settings);
  check_rs485(config_.rs485, settings);
  if (line_->attached()) try {
      dtu_port::apply_settings(line_->fd(), settings, pty_);
    } catch (...) {
      (void)dtu::guarded(nullptr, [this] { return dtu_port::apply_settings(line_->fd(), settings_, pty_), DTU_OK; });
      throw;
    }
  settings_ = settings;
}

void Port::set_signals(uint32_t mask, uint32_t values) const {
  must_be_there();
  if ((mask & DTU_SIGNAL_RTS) != 0 && settings_.flow == DTU_FLOW_RTSCTS)
    throw dtu::Failure(DTU_E_INVALID, "RTS belongs to the flow control of this port (flowctl 1)");
  if ((mask & DTU_SIGNAL_RTS) != 0 && config_.rs485 && config_.rs485->kernel)
    throw dtu::Failure(DTU_E_INVALID, "RTS switches the direction of this port (\"rs485\" in board.json)");
  dtu_port::set_signals(line_->fd(), mask, values);
}

dtu::PortSignals Port::signals() const {
  must_be_there();
  return dtu_port::signals(line_->fd());
}

uint32_t Port::flags() const { return pty_ || settings_.flow != DTU_FLOW_NONE ? DTU_PORT_HOLDS : 0; }

PortStatus Port::status() {
  if (!line_) return {"closed", {}, losses_, looks_, bytes_before_, errors_, turns_before_};
  count_errors();
  return {
      line_->attached() ? "up" : "waiting", trouble_, losses_, looks_, sum(bytes_before_, line_->counters()), errors_,
      turns_before_ + line_->turns()};
}

}  // namespace hal_linux
