#include "clock/sntp_query.hpp"

#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace hal_linux {
namespace {

constexpr size_t kMostAddresses = 3;
constexpr uint64_t kWait_ms = 2000;
constexpr int kMostAtOnce = 16;

}  // namespace

SntpQuery::SntpQuery(dtu::Host host, const SystemClock& clock, const std::string& server, uint16_t port,
                     net::Resolver::Lookup lookup, Done done)
    : host_(host),
      clock_(clock),
      server_(server),
      done_(std::move(done)),
      timer_(host, [this] { next("no answer within " + std::to_string(kWait_ms / 1000) + " s"); }),
      resolver_(host, std::move(lookup), [this](const net::Resolved& names) { resolved(names); }) {
  resolver_.start(server_, port);
}

void SntpQuery::resolved(const net::Resolved& names) {
  addresses_ = names.addresses;
  if (addresses_.size() > kMostAddresses) addresses_.resize(kMostAddresses);
  if (addresses_.empty()) return end({{}, server_, "ntp_server: " + names.error});
  ask_next();
}

void SntpQuery::ask_next() {
  watch_.reset();
  if (at_ == addresses_.size()) return end({{}, server_, "no time from " + server_ + ": " + why_});
  const net::Address& to = addresses_[at_++];
  socket_ = net::open_socket(to, SOCK_DGRAM);
  // Connected: the kernel drops what comes from anywhere else.
  if (!socket_ || ::connect(socket_.fd(), to.get(), to.length) != 0)
    return next(std::generic_category().message(errno));
  if (::getrandom(nonce_.data(), nonce_.size(), GRND_NONBLOCK) != static_cast<ssize_t>(nonce_.size()))
    return end({{}, server_, "no random numbers yet: try again"});
  const std::string request = sntp_request(nonce_);
  watch_ = std::make_unique<dtu::FdWatch>(host_, socket_.fd(), DTU_FD_READ, [this](uint32_t) { readable(); });
  sent_ns_ = clock_.now_ns();
  asked_ns_ = host_.monotonic_ns();
  if (::send(socket_.fd(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
    return next(std::generic_category().message(errno));
  timer_.arm_ms(kWait_ms);
}

void SntpQuery::next(const std::string& why) {
  why_ = addresses_[at_ - 1].text() + ": " + why;
  if (foreign_ != 0) why_ += " (" + std::to_string(foreign_) + " packets answered another question)";
  timer_.disarm();
  foreign_ = 0;
  ask_next();
}

void SntpQuery::readable() {
  std::array<char, 512> bytes{};
  for (int i = 0; i < kMostAtOnce; ++i) {
    const ssize_t n = ::recv(socket_.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    const int64_t elapsed_ns = host_.monotonic_ns() - asked_ns_;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) return next(std::generic_category().message(errno));
    const SntpAnswer answer = read_sntp({bytes.data(), static_cast<size_t>(n)}, nonce_, sent_ns_, elapsed_ns);
    constexpr int64_t kJump_ns = 200'000'000;
    if (answer.time && std::abs(clock_.now_ns() - sent_ns_ - elapsed_ns) > kJump_ns)
      return end({{}, server_, "another program set the clock meanwhile: try again"});
    if (answer.time) return end({*answer.time, addresses_[at_ - 1].text(), ""});
    if (answer.ours) return next(answer.why);
    ++foreign_;  // the true answer may follow
  }
}

void SntpQuery::end(const Result& result) {
  timer_.disarm();
  watch_.reset();
  socket_.reset();
  const Done done = std::move(done_);
  done(result);
}

}  // namespace hal_linux
