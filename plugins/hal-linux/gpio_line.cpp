#include "gpio_line.hpp"

#include <poll.h>
#include <dtu/sdk/text.hpp>

#include <array>
#include <cerrno>
#include <system_error>

namespace hal_linux {
namespace {

constexpr const char* kConsumer = "dtukit";

struct Advice {
  int code;
  const char* text;
};
constexpr std::array kAdvice{
    Advice{ENOENT, "there is no such chip: load its driver, or correct \"chip\" in board.json"},
    Advice{ENOTTY, "that is no GPIO chip: correct \"chip\" in board.json"},
    Advice{EACCES, "may not be used: add the user of this service to the group of the chip"},
    Advice{EPERM, "may not be used: allow the chip in the unit file (DeviceAllow)"},
    Advice{EINVAL, "the chip cannot do this: correct the line, its direction or its bias in board.json"}};

int bias_flag(Bias bias) {
  switch (bias) {
    case Bias::as_is:
      break;
    case Bias::disabled:
      return GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE;
    case Bias::pull_down:
      return GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN;
    case Bias::pull_up:
      return GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP;
  }
  return 0;
}

}  // namespace

GpioLine::GpioLine(const PinConfig& config)
    : config_(config),
      name_("gpio." + std::to_string(config.number) + " (" + config.chip + " line " + std::to_string(config.line) +
            ")"),
      chip_(gpiod_chip_open(config.chip.c_str())) {
  if (!chip_) fail("cannot be used", errno);
  const unsigned lines = gpiod_chip_num_lines(chip_.get());
  if (config.line >= lines)
    throw dtu::Failure(DTU_E_INVALID, name_ + ": the chip has lines 0 to " + std::to_string(lines - 1) +
                                          " only: correct \"line\" in board.json");
  line_ = gpiod_chip_get_line(chip_.get(), config.line);
  if (line_ == nullptr) fail("cannot be used", errno);
  request(config.output ? GPIOD_LINE_REQUEST_DIRECTION_OUTPUT : GPIOD_LINE_REQUEST_DIRECTION_INPUT, config.initial);
}

void GpioLine::request(int type, int initial) {
  gpiod_line_request_config wanted{};
  wanted.consumer = kConsumer;
  wanted.request_type = type;
  wanted.flags = bias_flag(config_.bias) | (config_.active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0);
  if (gpiod_line_request(line_, &wanted, initial) == 0) return;
  const int code = errno;
  const char* user = gpiod_line_consumer(line_);
  if (code == EBUSY)
    throw dtu::Failure::retryable(DTU_E_IO, name_ + ": is in use by " + (user != nullptr ? user : "somebody else") +
                                                ": free it, or choose another line in board.json");
  fail("cannot be used", code);
}

void GpioLine::fail(const std::string& what, int code) {
  for (const Advice& a : kAdvice)
    if (a.code == code) throw dtu::Failure(DTU_E_IO, name_ + ": " + a.text);
  throw dtu::Failure::retryable(DTU_E_IO, name_ + " " + what + ": " + std::generic_category().message(code));
}

int GpioLine::read() {
  const int level = gpiod_line_get_value(line_);
  if (level < 0) fail("cannot be read", errno);
  return level;
}

void GpioLine::write(int level) {
  if (gpiod_line_set_value(line_, level) != 0) fail("cannot be written", errno);
}

int GpioLine::watch_edges() {
  if (edges_ >= 0) return edges_;
  gpiod_line_release(line_);
  try {
    request(GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES, 0);
    edges_ = gpiod_line_event_get_fd(line_);
  } catch (const dtu::Failure&) {
    edges_ = -1;
  }
  if (edges_ >= 0) return edges_;
  request(GPIOD_LINE_REQUEST_DIRECTION_INPUT, 0);
  throw dtu::Failure(DTU_E_UNSUPPORTED,
                     name_ + ": has no interrupt, so its changes cannot be reported: use another line");
}

void GpioLine::take_edges() {
  constexpr int kMost = 64;  // the kernel keeps 16: a line that never rests shall not hold the lane
  pollfd ready{edges_, POLLIN, 0};
  gpiod_line_event event{};
  for (int i = 0; i < kMost && poll(&ready, 1, 0) == 1; ++i)
    if (gpiod_line_event_read_fd(edges_, &event) != 0) fail("cannot be read", errno);
}

}  // namespace hal_linux
