#include "channel.hpp"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <utility>

namespace channel_udp {
namespace {

constexpr uint32_t kProbationMs = 1000;  // an ICMP answer takes a round trip
constexpr uint32_t kRoomMs = 10;
constexpr int64_t kLogEveryNs = 10'000'000'000;
constexpr int kEstablished = 4, kClosed = 0;  // as the DTU protocol numbers the states of a socket

bool no_memory(int error) { return error == ENOBUFS || error == ENOMEM; }
bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

UdpChannel::UdpChannel(dtu::Host host, std::string_view config, net::World world)
    : Component(host),
      settings_(read_settings(config)),
      metrics_(host),
      ping_(host, settings_.ping),
      backoff_(settings_.reconnect_min_ms, settings_.reconnect_max_ms, std::move(world.random)),
      state_(host, net::kUdpConnectFailed),
      resolver_(host, std::move(world.lookup), [this](const net::Resolved& r) { step([&] { resolved(r); }); }),
      timer_(host, [this] { step([this] { on_timer(); }); }),
      room_timer_(host, [this] {
        blocked_ = false;
        offer_room();
      }) {}

// ---------------------------------------------------------------- the socket's life

// Whatever goes wrong on the way to a socket costs that round only.
template <typename Step>
void UdpChannel::step(Step&& body) {
  try {
    body();
  } catch (const std::exception& e) {
    if (phase_ == Phase::stopping || phase_ == Phase::stopped) throw;
    lost(e.what());
  }
}

dtu_status UdpChannel::start() {
  phase_ = Phase::waiting;
  timer_.arm_us(0);  // so that no report comes from within start()
  return DTU_PENDING;
}

void UdpChannel::on_timer() {
  if (phase_ == Phase::waiting) return begin_round();
  if (phase_ == Phase::open && broken_ != 0) return socket_failed(std::exchange(broken_, 0));
  if (phase_ == Phase::open && probation_) return proven();
  if (phase_ != Phase::stopping) return;
  phase_ = Phase::stopped;
  host_.report(DTU_STATE_STOPPED);
}

void UdpChannel::begin_round() {
  phase_ = Phase::resolving;
  if (const auto address = net::numeric_address(settings_.host, settings_.port)) return resolved({{*address}, ""});
  resolver_.start(settings_.host, settings_.port);
}

void UdpChannel::resolved(const net::Resolved& result) {
  if (phase_ == Phase::stopping) return on_timer();
  if (phase_ != Phase::resolving) return;
  if (result.addresses.empty()) return lost(result.error);
  // A name with IPv6 and IPv4 addresses may have no route for one of them: the first that connects is taken.
  std::string failure;
  const size_t n = result.addresses.size();
  for (size_t i = 0; i < n; ++i) {
    const net::Address& address = result.addresses[(turn_ + i) % n];
    const int error = connect_to(address);
    if (error == 0) return opened();
    failure = net::describe(error, address.text());
  }
  lost(failure);
}

int UdpChannel::connect_to(const net::Address& address) {
  net::Socket socket = net::open_socket(address, SOCK_DGRAM);
  if (!socket) return errno;
  net::set_option(socket.fd(), SOL_SOCKET, SO_RXQ_OVFL, 1);
  if (::connect(socket.fd(), address.get(), address.length) != 0) return errno;
  if (net::connected_to_itself(socket.fd())) return ECONNREFUSED;
  close_socket();
  socket_ = std::move(socket);
  address_ = address.text();
  return 0;
}

void UdpChannel::close_socket() {
  watch_.reset();
  if (socket_) {
    if (const uint64_t unread = drop_unread(socket_.fd())) {
      metrics_.add(Count::lost_downlink_messages, unread);
      host_.warn("the socket to " + address_ + " was closed with " + std::to_string(unread) + " unread datagrams");
    }
  }
  socket_.reset();
  inbox_.new_socket();
  sent_ = sent_bytes_ = received_ = received_bytes_ = 0;
}

void UdpChannel::opened() {
  phase_ = Phase::open;
  metrics_.add(Count::connects);
  broken_ = 0;
  blocked_ = false;
  watch_ = std::make_unique<dtu::FdWatch>(host_, socket_.fd(), DTU_FD_READ, [this](uint32_t e) { on_event(e); });
  want();
  watch_idleness();
  if (!suspect_) return proven();
  probation_ = true;
  ping_probes_ = !settings_.ping.empty();
  if (!ping_probes_)
    return state_.not_up(DTU_STATE_DEGRADED, refuser_ + " refused the last datagrams; one message to " + address_ +
                                                 " tests whether the server accepts datagrams again");
  make_ping();
}

void UdpChannel::proven() {
  if (broken_ == 0) timer_.disarm();
  suspect_ = probation_ = ping_probes_ = false;
  backoff_.worked(host_.monotonic_ns());
  if (probe_token_) complete(*std::exchange(probe_token_, std::nullopt), DTU_UNCONFIRMED);
  state_.up();
  offer_room();
}

void UdpChannel::watch_idleness() {
  idle_ = std::make_unique<net::IdleWatch>(host_, settings_.ping.empty() ? 0 : settings_.heartbeat_s,
                                           settings_.keep_alive_s, [this](net::IdleWatch::Due due) { on_idle(due); });
  idle_->not_reading(!inbox_.empty());
}

// The socket stays until the next one is there: what still arrives on it shows that the server lives.
void UdpChannel::lost(const std::string& reason) {
  if (phase_ == Phase::open) metrics_.add(Count::disconnects);
  phase_ = Phase::waiting;
  idle_.reset();
  broken_ = 0;
  blocked_ = probation_ = ping_probes_ = false;
  room_timer_.disarm();
  ++turn_;
  if (probe_token_) complete(*std::exchange(probe_token_, std::nullopt), DTU_E_CLOSED);
  timer_.arm_ms(backoff_.next(host_.monotonic_ns()));
  if (watch_) want();
  state_.not_up(DTU_STATE_DOWN, reason);
}

void UdpChannel::socket_failed(int error) {
  if (error == ECONNREFUSED) {
    metrics_.add(Count::refusals);
    suspect_ = true;
    refuser_ = address_;
    if (phase_ != Phase::open) return;  // of something sent before
    return lost("connection refused by " + address_ + ": no program listens there");
  }
  if (phase_ == Phase::open) lost(net::describe(error, address_));
}

// ---------------------------------------------------------------- downlink

void UdpChannel::want() {
  watch_->want((inbox_.empty() ? DTU_FD_READ : 0) | (blocked_ && phase_ == Phase::open ? DTU_FD_WRITE : 0));
}

void UdpChannel::on_event(uint32_t events) {
  if ((events & DTU_FD_WRITE) != 0 && blocked_) {
    blocked_ = false;
    want();
    offer_room();
  }
  if (inbox_.empty() && (events & (DTU_FD_READ | DTU_FD_ERROR)) != 0) return read_some();
  if ((events & DTU_FD_ERROR) == 0) return;
  if (const int error = net::pending_error(socket_.fd())) socket_failed(error);
}

void UdpChannel::read_some() {
  if (const int error = inbox_.read(socket_.fd())) {
    if (!would_block(error) && error != EINTR) socket_failed(error);
    return;
  }
  received_ += inbox_.count();
  received_bytes_ += inbox_.bytes();
  metrics_.add(Count::lost_downlink_messages, inbox_.take_dropped());
  if (phase_ == Phase::waiting) {  // the server lives: no need for another socket
    phase_ = Phase::open;
    watch_idleness();
    proven();
  } else if (probation_) {
    proven();
  }
  if (idle_) idle_->received();
  const bool all = inbox_.deliver(host_);
  if (idle_) idle_->not_reading(!all);
  if (!all) want();
}

void UdpChannel::writable(uint64_t /*source*/) {
  if (inbox_.empty() || !inbox_.deliver(host_)) return;
  if (idle_) idle_->not_reading(false);
  if (watch_) want();
}

void UdpChannel::on_idle(net::IdleWatch::Due due) {
  if (due == net::IdleWatch::Due::silence)
    return lost("no datagram from " + address_ + " for " + std::to_string(settings_.keep_alive_s) + " s");
  if (!blocked_ && !probation_ && broken_ == 0) make_ping();
}

// ---------------------------------------------------------------- uplink

void UdpChannel::complete(uint64_t token, dtu_status status) {
  if (token != 0) host_.complete(token, status);
}

void UdpChannel::fail_later(int error) {
  broken_ = error;
  timer_.arm_us(0);
}

// The ping is no message: nobody waits for it, and when the socket takes nothing there is traffic enough.
void UdpChannel::make_ping() {
  ping_.make(this, [this](const dtu_msg& ping) { send_ping(ping); });
}

void UdpChannel::send_ping(const dtu_msg& ping) {
  if (phase_ != Phase::open || blocked_ || broken_ != 0) return;
  if (probation_) timer_.arm_ms(kProbationMs);
  const Sending r = send_datagrams(socket_.fd(), &ping, 1);
  if (r.error == 0) {
    ++sent_;
    sent_bytes_ += ping.payload.len;
  } else if (!would_block(r.error) && !no_memory(r.error)) {
    fail_later(r.error);
  }
}

dtu_status UdpChannel::no_room() {
  refused_ = true;
  return DTU_AGAIN;
}

void UdpChannel::reject(const dtu_msg& message) {
  metrics_.add(Count::rejected_messages);
  const int64_t now = host_.monotonic_ns();
  if (now >= quiet_until_ns_) {
    quiet_until_ns_ = now + kLogEveryNs;
    host_.warn("a message of " + std::to_string(message.payload.len) + " bytes is longer than a datagram may be (" +
               std::to_string(kMostBytes) + "); further ones are counted in udp_rejected_messages");
  }
  complete(message.token, DTU_E_INVALID);
}

dtu_status UdpChannel::send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  *taken = 0;
  if (phase_ != Phase::open || broken_ != 0) throw net::not_sent("not connected to " + settings_.host);
  while (*taken < n) {
    if (msgs[*taken].payload.len > kMostBytes) {
      reject(msgs[(*taken)++]);
      continue;
    }
    if (blocked_ || ping_probes_ || probe_token_) return no_room();
    const dtu_status status = send_some(msgs, n, taken);
    if (status != DTU_OK) return status;
  }
  return DTU_OK;
}

// One system call: as many as may go together, from msgs[*taken] on.
dtu_status UdpChannel::send_some(const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  const dtu_msg* first = msgs + *taken;
  const uint32_t most = probation_ ? 1 : std::min(n - *taken, kSendBatch);
  uint32_t k = 1;
  while (k < most && first[k].payload.len <= kMostBytes) ++k;
  const Sending r = send_datagrams(socket_.fd(), first, k);
  if (r.sent > 0) idle_->sent();
  sent_ += r.sent;
  for (uint32_t i = 0; i < r.sent; ++i) {
    sent_bytes_ += first[i].payload.len;
    if (probation_)
      probe_token_ = first[i].token;
    else
      complete(first[i].token, DTU_UNCONFIRMED);
  }
  *taken += r.sent;
  if (probation_ && r.sent > 0) timer_.arm_ms(kProbationMs);
  if (r.error == 0 || r.error == EINTR) return DTU_OK;
  if (r.error == EMSGSIZE) {
    reject(*first);
    ++*taken;
    return DTU_OK;
  }
  if (would_block(r.error) || no_memory(r.error)) {
    blocked_ = true;
    if (no_memory(r.error))  // the socket stays writable all the while
      room_timer_.arm_ms(kRoomMs);
    else
      want();
    return no_room();
  }
  fail_later(r.error);
  throw net::not_sent(net::describe(r.error, address_));
}

void UdpChannel::offer_room() {
  if (!refused_ || blocked_ || phase_ != Phase::open || ping_probes_ || probe_token_) return;
  refused_ = false;
  host_.writable();
}

dtu_status UdpChannel::flush(uint32_t /*deadline_ms*/) { return probe_token_ ? DTU_PENDING : DTU_OK; }

// ---------------------------------------------------------------- the end, and what can be seen

dtu_status UdpChannel::stop(uint32_t deadline_ms) {
  timer_.disarm();
  room_timer_.disarm();
  idle_.reset();
  ping_.forget(this);
  phase_ = Phase::stopping;
  if (probe_token_) complete(*std::exchange(probe_token_, std::nullopt), DTU_E_CLOSED);
  metrics_.add(Count::lost_downlink_messages, inbox_.left());
  inbox_.clear();
  close_socket();
  if (resolver_.busy()) {
    timer_.arm_ms(deadline_ms);
    return DTU_PENDING;
  }
  phase_ = Phase::stopped;
  return DTU_OK;
}

std::string UdpChannel::health() {
  Poco::JSON::Object out(Poco::JSON_PRESERVE_KEY_ORDER);
  const bool open = phase_ == Phase::open;
  out.set("dtu_state", open ? kEstablished : kClosed);
  out.set("server", settings_.host + ":" + std::to_string(settings_.port));
  Poco::JSON::Array peers;
  if (open) {
    out.set("local", net::local_address(socket_.fd()).text());
    Poco::JSON::Object peer(Poco::JSON_PRESERVE_KEY_ORDER);
    peer.set("id", metrics_.value(Count::connects));
    peer.set("address", address_);
    peer.set("sent_messages", sent_);
    peer.set("sent_bytes", sent_bytes_);
    peer.set("received_messages", received_);
    peer.set("received_bytes", received_bytes_);
    peers.add(peer);
  }
  out.set("peers", peers);
  metrics_.show(out);
  std::ostringstream text;
  out.stringify(text);
  return text.str();
}

}  // namespace channel_udp
