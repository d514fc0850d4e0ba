#include "wifi/control_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

#include "board/tree.hpp"

namespace hal_linux {
namespace {

constexpr uint64_t kReply_ms = 10'000, kAgain_ms = 5000, kSignOfLife_ms = 30'000;
constexpr size_t kMostAsked = 64, kRoom = 16384;
constexpr int kMostAtOnce = 32;

struct Advice {
  int code;
  const char* text;
};
constexpr std::array kAdvice{
    Advice{ENOENT, "is not there: start wpa_supplicant or hostapd with ctrl_interface, or correct \"wifi\""},
    Advice{ECONNREFUSED, "is left over, nobody listens: start wpa_supplicant or hostapd"},
    Advice{EACCES, "may not be used: add the user of this service to its group (ctrl_interface_group)"}};

std::string text_of(int code) {
  for (const Advice& a : kAdvice)
    if (a.code == code) return a.text;
  return "cannot be used: " + std::generic_category().message(code);
}

}  // namespace

ControlSocket::ControlSocket(dtu::Host host, std::string path, Handlers handlers)
    : host_(host), path_(std::move(path)), handlers_(std::move(handlers)) {}

void ControlSocket::start() {
  timer_ = std::make_unique<dtu::Timer>(host_, [this] { timer_passed(); });
  open();
}

void ControlSocket::stop() {
  watch_.reset();
  fd_.reset();
  timer_.reset();
  attached_ = false;
  trouble_ = "the linux HAL was stopped";
  for (const Asked& a : std::exchange(asked_, {})) a.reply({}, trouble_);
}

void ControlSocket::expect_open() const {
  if (!attached_)
    throw dtu::Failure::retryable(DTU_E_IO, trouble_.empty() ? path_ + " has not answered yet" : trouble_);
}

void ControlSocket::open() {
  sockaddr_un self{}, far{};
  self.sun_family = far.sun_family = AF_UNIX;
  path_.copy(far.sun_path, sizeof far.sun_path - 1);
  fd_ = dtu_port::Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): what these calls take
  const bool bound = fd_ && ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&self), sizeof self.sun_family) == 0;
  if (!bound || ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&far), sizeof far) != 0)
    return close(path_ + " " + text_of(errno));
  // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
  watch_ = std::make_unique<dtu::FdWatch>(host_, fd_.get(), DTU_FD_READ, [this](uint32_t) { readable(); });
  request("ATTACH", [this](const std::string& reply, const std::string& trouble) {
    if (!trouble.empty()) return;
    if (reply != "OK") return close(path_ + " refuses ATTACH: " + shown(reply, 40));
    attached_ = true;
    trouble_.clear();
    handlers_.opened();
  });
}

void ControlSocket::close(const std::string& why) {
  watch_.reset();
  fd_.reset();
  send_trouble_.clear();
  attached_ = false;
  if (trouble_ != why) host_.warn("wifi: " + why);
  trouble_ = why;
  timer_->arm_ms(kAgain_ms);
  for (const Asked& a : std::exchange(asked_, {})) a.reply({}, why);
  handlers_.lost(why);
}

void ControlSocket::timer_passed() {
  if (!fd_) return open();
  if (!asked_.empty()) return close(send_trouble_.empty() ? path_ + " does not answer" : send_trouble_);
  // Nothing tells that the other end is gone.
  request("PING", [](const std::string&, const std::string&) {});
}

void ControlSocket::request(std::string command, Reply reply) {
  if (!fd_ || asked_.size() >= kMostAsked) return reply({}, fd_ ? path_ + ": too many commands wait" : trouble_);
  asked_.push_back({std::move(command), std::move(reply)});
  if (asked_.size() == 1) send_next();
}

void ControlSocket::send_next() {
  if (asked_.empty()) return timer_->arm_ms(kSignOfLife_ms);
  const std::string& command = asked_.front().command;
  if (::send(fd_.get(), command.data(), command.size(), MSG_NOSIGNAL) < 0) {
    send_trouble_ = path_ + " " + text_of(errno);
    return timer_->arm_us(0);  // from the loop: who asks is not called within the question
  }
  timer_->arm_ms(kReply_ms);
}

void ControlSocket::readable() {
  std::vector<char> bytes(kRoom);
  for (int i = 0; i < kMostAtOnce && fd_; ++i) {
    const ssize_t n = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) return close(path_ + " " + text_of(errno));
    std::string_view text(bytes.data(), static_cast<size_t>(n));
    if (!text.empty() && text[0] == '<') {
      text.remove_prefix(std::min(text.size(), text.find('>') + 1));
      if (attached_) handlers_.event(text);
    } else {
      replied(std::string(text.substr(0, text.find_last_not_of('\n') + 1)));
    }
  }
}

void ControlSocket::replied(const std::string& text) {
  if (asked_.empty()) return;  // nobody asked
  const Asked done = std::move(asked_.front());
  asked_.pop_front();
  send_next();
  done.reply(text, {});
}

void ControlSocket::run(std::vector<Step> steps, std::function<void(const std::string&)> done) {
  run_from(0, std::make_shared<std::vector<Step>>(std::move(steps)), done);
}

void ControlSocket::run_from(size_t at, const std::shared_ptr<std::vector<Step>>& steps,
                             const std::function<void(const std::string&)>& done) {
  if (at == steps->size()) return done({});
  request((*steps)[at].command, [this, at, steps, done](const std::string& reply, const std::string& trouble) {
    if (!trouble.empty()) return done(trouble);
    const Step& step = (*steps)[at];
    if (reply != "OK" && !step.optional) return done(step.what + " was refused: " + shown(reply, 40));
    run_from(at + 1, steps, done);
  });
}

}  // namespace hal_linux
