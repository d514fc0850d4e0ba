#include "modem_tty.hpp"

#include <sys/ioctl.h>
#include <termios.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "usb_port.hpp"

namespace hal_ec600 {
namespace {

constexpr uint64_t kFirstDelayMs = 100, kLongestDelayMs = 2'000, kWatchedDelayMs = 30'000;

dtu_port_settings settings_of(const Config& config) {
  dtu_port_settings s{};
  s.struct_size = sizeof s;
  s.baud = config.baud;
  s.databits = 8;
  s.parity = DTU_PARITY_NONE;
  s.stopbits = DTU_STOP_1;
  s.flow = DTU_FLOW_NONE;
  s.direction_gpio = -1;
  return s;
}

std::string error_text(int code) { return std::generic_category().message(code); }

}  // namespace

ModemTty::ModemTty(dtu::Host host, const Config& config, Owner& owner) : host_(host), config_(config), owner_(owner) {}

void ModemTty::start() {
  retry_.emplace(host_, [this] { broken_.empty() ? look() : lose(std::exchange(broken_, {})); });
  delay_ms_ = 0;
  retry_->arm_ms(0);
}

void ModemTty::stop() {
  retry_.reset();
  node_.reset();
  watch_.reset();
  if (fd_) ioctl(fd_.get(), TIOCNXCL);
  fd_.reset();
  unsent_.clear();
}

// The watch is made before looking, so that a node coming in between is not missed.
void ModemTty::look() {
  retry_->arm_ms(kLongestDelayMs);
  std::string path = config_.at_device;
  if (config_.usb) {
    UsbPort found = find_usb_port(*config_.usb);
    if (found.device.empty()) return wait(found.trouble, false);
    path = std::move(found.device);
  }
  node_ = std::make_unique<dtu_port::DeviceWatch>(host_, path, [this] {
    delay_ms_ = 0;
    look();
  });
  try {
    dtu_port::Device device = dtu_port::open_device(path, settings_of(config_));
    watch_ =
        std::make_unique<dtu::FdWatch>(host_, device.fd.get(), DTU_FD_READ, [this](uint32_t events) { ready(events); });
    fd_ = std::move(device.fd);
  } catch (const dtu_port::OpenError& e) {
    const bool told = e.trouble() == dtu_port::Trouble::absent || e.trouble() == dtu_port::Trouble::denied;
    return wait(e.what(), told && node_->working() && !config_.usb);
  }
  node_.reset();
  retry_->disarm();
  trouble_.clear();
  device_ = path;
  owner_.tty_opened();
}

void ModemTty::wait(const std::string& why, bool inotify_tells) {
  const bool steady = delay_ms_ >= kLongestDelayMs;
  delay_ms_ = std::clamp(delay_ms_ * 2, kFirstDelayMs, kLongestDelayMs);
  retry_->arm_ms(inotify_tells && steady ? kWatchedDelayMs : delay_ms_);
  if (trouble_ == why) return;
  trouble_ = why;
  owner_.tty_absent(why);
}

void ModemTty::ready(uint32_t events) {
  if ((events & (DTU_FD_READ | DTU_FD_ERROR)) != 0) {
    const ssize_t n = ::read(fd_.get(), buffer_.data(), buffer_.size());
    if (n == 0) return lose("hung up");
    if (n < 0 && errno != EAGAIN && errno != EINTR) return lose(error_text(errno));
    if (n > 0) owner_.tty_bytes({buffer_.data(), static_cast<size_t>(n)});
  }
  if ((events & DTU_FD_WRITE) != 0 && fd_) send_rest();
}

void ModemTty::write(std::string_view bytes) {
  if (!fd_ || !broken_.empty()) return;
  unsent_.append(bytes);
  send_rest();
}

void ModemTty::send_rest() {
  const ssize_t n = ::write(fd_.get(), unsent_.data(), unsent_.size());
  if (n > 0) unsent_.erase(0, static_cast<size_t>(n));
  const bool failed = n < 0 && errno != EAGAIN && errno != EINTR;
  if (failed || unsent_.size() > kMostUnsent) {
    broken_ = failed ? error_text(errno) : "takes no more bytes";
    unsent_.clear();
    retry_->arm_ms(0);
  }
  watch_->want(unsent_.empty() ? DTU_FD_READ : DTU_FD_READ | DTU_FD_WRITE);
}

void ModemTty::flush() {
  unsent_.clear();
  if (fd_) tcflush(fd_.get(), TCIOFLUSH);
}

void ModemTty::lose(const std::string& why) {
  if (!fd_) return;
  ++losses_;
  watch_.reset();
  ioctl(fd_.get(), TIOCNXCL);
  fd_.reset();
  unsent_.clear();
  broken_.clear();
  delay_ms_ = 0;
  retry_->arm_ms(kFirstDelayMs);
  trouble_ = device_ + " went away (" + why + ")";
  owner_.tty_lost(trouble_);
}

}  // namespace hal_ec600
