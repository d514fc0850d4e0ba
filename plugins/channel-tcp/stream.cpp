#include "stream.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace channel_tcp {
namespace {

constexpr uint32_t kFirstAskMs = 50;
constexpr uint32_t kHurriedAskMs = 2;
constexpr uint32_t kSlowestAskMs = 1000;
constexpr size_t kEncodedAtOnce = 65536;  // of a message: encoded it is twice as long at most
constexpr int64_t kSecond = 1'000'000'000;

int64_t ns(uint32_t seconds) { return int64_t{seconds} * kSecond; }

}  // namespace

Stream::Stream(dtu::Host host, Owner& owner, Transport transport, const std::string& role, uint64_t id,
               const StreamOptions& options, ReadBuffer& buffer)
    : host_(host),
      owner_(owner),
      transport_(std::move(transport)),
      address_(net::peer_address(transport_.fd()).text()),
      peer_(role + " " + address_),
      id_(id),
      options_(options),
      buffer_(buffer),
      queue_(host),
      last_progress_ns_(host.monotonic_ns()) {
  // Each callback ends with a call that may destroy the stream, so none of them does anything after it.
  watch_ = std::make_unique<dtu::FdWatch>(host_, transport_.fd(), DTU_FD_READ, [this](uint32_t e) { on_event(e); });
  ack_timer_ = std::make_unique<dtu::Timer>(host_, [this] { on_ack_timer(); });
  idle_ = std::make_unique<net::IdleWatch>(host_, options_.ping->empty() ? 0 : options_.heartbeat_s, options_.silence_s,
                                           [this](net::IdleWatch::Due due) { on_idle(due); });
}

void Stream::want() {
  watch_->want((holding_ ? 0 : DTU_FD_READ) | (queue_.blocked() && broken_ == 0 ? DTU_FD_WRITE : 0));
}

void Stream::send(const SendQueue::Item* items, uint32_t n) {
  idle_->sent();
  if (!queue_.has_open()) last_progress_ns_ = host_.monotonic_ns();
  if (queue_.worth_asking()) ask();
  after_send(encoder_ == nullptr ? queue_.send(transport_, items, n) : send_encoded(items, n));
}

void Stream::after_send(int error) {
  if (error != 0) fail_later(error);
  want();
  follow();
}

void Stream::send_control(std::string_view bytes) {
  if (broken_ != 0) return;
  if (!queue_.has_open()) last_progress_ns_ = host_.monotonic_ns();
  after_send(send_copy(bytes, 0));
}

int Stream::send_encoded(const SendQueue::Item* items, uint32_t n) {
  int first_error = 0;
  std::string encoded;
  for (uint32_t i = 0; i < n; ++i) {
    std::string_view left = dtu::view(items[i].msg->payload);
    if (first_error == 0 && encoder_->plain(left)) {
      first_error = queue_.send(transport_, &items[i], 1);
      continue;
    }
    do {
      const std::string_view piece = left.substr(0, kEncodedAtOnce);
      left.remove_prefix(piece.size());
      encoded.clear();
      encoder_->append(encoded, piece);
      const int error = send_copy(encoded, left.empty() ? items[i].ticket : 0);
      if (first_error == 0) first_error = error;
    } while (!left.empty());
  }
  return first_error;
}

int Stream::send_copy(std::string_view bytes, uint64_t ticket) {
  uint8_t* to = nullptr;
  const dtu::Buffer buffer = host_.alloc(bytes.size(), &to);
  dtu_msg msg{};
  if (!buffer) {
    queue_.keep({&msg, ticket});  // so that the ticket is settled with the others when the stream ends
    return ENOMEM;
  }
  std::copy(bytes.begin(), bytes.end(), to);
  msg.owner = buffer.get();
  msg.payload = {reinterpret_cast<const char*>(to), bytes.size()};
  const SendQueue::Item item{&msg, ticket};
  return queue_.send(transport_, &item, 1);
}

// The loop reads what the other end had sent before it went, and then reports the end.
void Stream::fail_later(int error) {
  broken_ = error;
  static_cast<void>(::shutdown(transport_.fd(), SHUT_RDWR));  // so that the loop wakes whatever the error was
}

void Stream::ask() {
  if (queue_.ask(transport_)) {
    last_progress_ns_ = host_.monotonic_ns();
    ack_delay_ms_ = kFirstAskMs;
  }
  uint64_t ticket = 0;
  while (queue_.next_acknowledged(&ticket)) owner_.settled(*this, ticket, Fate::acknowledged);
}

void Stream::follow() {
  if (following_ || !queue_.has_open()) return;
  following_ = true;
  ack_delay_ms_ = kFirstAskMs;
  ack_timer_->arm_ms(ack_delay_ms_);
}

void Stream::hurry() {
  ask();
  if (!queue_.has_open()) return;
  following_ = true;
  ack_delay_ms_ = kHurriedAskMs;
  ack_timer_->arm_ms(ack_delay_ms_);
}

void Stream::on_ack_timer() {
  following_ = false;
  ask();
  if (queue_.has_open()) {
    if (options_.stuck_s != 0 && host_.monotonic_ns() - last_progress_ns_ >= ns(options_.stuck_s))
      return owner_.lost(*this, End::stuck, peer_ + " took no data for " + std::to_string(options_.stuck_s) + " s");
    following_ = true;
    ack_timer_->arm_ms(ack_delay_ms_);
    ack_delay_ms_ = std::min(ack_delay_ms_ * 2, kSlowestAskMs);
  }
  owner_.progressed(*this);
}

void Stream::on_event(uint32_t events) {
  std::string reason;
  std::optional<End> end;
  bool wrote = false;
  if ((events & DTU_FD_WRITE) != 0 && queue_.blocked() && broken_ == 0) {
    if (const int error = queue_.write_more(transport_)) fail_later(error);
    idle_->sent();
    want();
    wrote = true;
  }
  if (holding_) {
    // Not reading, so the end cannot be seen in turn; what is left unread is handed over by drain().
    if ((events & DTU_FD_ERROR) != 0) {
      const int error = broken_ != 0 ? broken_ : net::pending_error(transport_.fd());
      reason = failure(error != 0 ? error : EPIPE);
      end = End::failed;
    }
  } else if ((events & (DTU_FD_READ | DTU_FD_ERROR)) != 0) {
    end = read_once(&reason);
  }
  if (end) return owner_.lost(*this, *end, reason);
  if (wrote) owner_.progressed(*this);
}

std::optional<Stream::End> Stream::read_once(std::string* reason) {
  const ssize_t n = transport_.read(buffer_.bytes.get(), ReadBuffer::kSize);
  if (n > 0) {
    received_ += static_cast<uint64_t>(n);
    idle_->received();
    const std::string_view bytes(buffer_.bytes.get(), static_cast<size_t>(n));
    if (!owner_.deliver(*this, bytes)) hold(bytes);
    return std::nullopt;
  }
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return std::nullopt;
  if (n == 0 && broken_ == 0) {
    by_peer_ = transport_.accepted();
    *reason = "closed by " + peer_;
    return End::closed;
  }
  *reason = failure(broken_ != 0 ? broken_ : errno);
  return End::failed;
}

std::string Stream::failure(int error) {
  const std::string& trouble = transport_.trouble();
  by_peer_ = (error == ECONNRESET || error == EPIPE || (transport_.tls() != nullptr && transport_.tls()->cut())) &&
             transport_.accepted();
  return trouble.empty() ? net::describe(error, peer_) : "the TLS connection with " + peer_ + " ended: " + trouble;
}

void Stream::hold(std::string_view bytes) {
  held_.assign(bytes);
  holding_ = true;
  idle_->not_reading(true);
  want();
}

void Stream::resume() {
  if (!holding_ || !owner_.deliver(*this, held_)) return;
  held_.clear();
  holding_ = false;
  idle_->not_reading(false);
  want();
}

void Stream::finish() {
  if (!watch_) return;
  options_.ping->forget(this);
  watch_.reset();
  ack_timer_.reset();
  idle_.reset();
  ask();
  if (broken_ == 0) transport_.say_goodbye();
  uint64_t ticket = 0;
  bool begun = false;
  while (queue_.next_open(&ticket, &begun))
    owner_.settled(*this, ticket, by_peer_ && begun ? Fate::closed_by_peer : Fate::lost);
}

bool Stream::drain() {
  while (held_.empty() || owner_.deliver(*this, held_)) {
    held_.clear();
    const ssize_t n = transport_.read(buffer_.bytes.get(), ReadBuffer::kSize);
    if (n <= 0) return true;
    received_ += static_cast<uint64_t>(n);
    held_.assign(buffer_.bytes.get(), static_cast<size_t>(n));
  }
  return false;
}

void Stream::on_idle(net::IdleWatch::Due due) {
  if (due == net::IdleWatch::Due::silence)
    return owner_.lost(*this, End::silent,
                       "no byte from " + peer_ + " for " + std::to_string(options_.silence_s) + " s");
  options_.ping->make(this, [this](const dtu_msg& ping) { send_ping(ping); });
}

void Stream::send_ping(const dtu_msg& ping) {
  if (full()) return;
  const SendQueue::Item item{&ping, 0};
  send(&item, 1);
}

}  // namespace channel_tcp
