#include "client.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace channel_tcp {
namespace {

constexpr uint32_t kConnectMs = 10000;              // for each address
constexpr int64_t kStableNs = 30'000'000'000;       // as net::Backoff has it
constexpr uint32_t kLastAcknowledgementsMs = 5000;  // before a working connection is left

std::vector<ServerName> all_servers(const Settings& s) {
  std::vector<ServerName> all{{s.host, s.port}};
  all.insert(all.end(), s.backup.begin(), s.backup.end());
  return all;
}

}  // namespace

std::unique_ptr<Endpoint> make_client(Context& context) { return std::make_unique<Client>(context); }

Client::Client(Context& context)
    : context_(context),
      host_(context.host),
      options_{&context.ping, context.settings.heartbeat_s, context.settings.keep_alive_s, 0},
      backoff_(context.settings.reconnect_min_ms, context.settings.reconnect_max_ms, context.world.random),
      state_(host_, net::kTcpConnectFailed),
      resolver_(host_, context.world.lookup, [this](const net::Resolved& r) { step([&] { resolved(r); }); }),
      timer_(host_, [this] { step([this] { on_timer(); }); }),
      servers_(all_servers(context.settings), context.settings.backup_after) {
  const tls::Settings& tls = context_.settings.tls;
  if (!tls.on) return;
  files_ = std::make_unique<TlsFiles>(host_, tls, false);
  if (!tls.verify) host_.warn("certificate checking is off (tls.verify): the identity of the server is not verified");
}

// Whatever goes wrong in a step on the way to a connection costs that round only.
template <typename Step>
void Client::step(Step&& body) {
  try {
    body();
  } catch (const std::exception& e) {
    if (phase_ == Phase::resolving || phase_ == Phase::connecting) return round_failed(e.what());
    throw;
  }
}

void Client::start() { timer_.arm_us(0); }

void Client::on_timer() {
  if (phase_ == Phase::waiting) return begin_round();
  if (phase_ == Phase::stopping) return finish_stop_if_done(true);
  if (phase_ == Phase::connected) return returning_ ? go_back() : begin_return();
  if (phase_ != Phase::connecting) return;
  failure_ = "no answer from " + addresses_[next_ - 1].text() + " within " + std::to_string(kConnectMs / 1000) + " s";
  try_next();
}

void Client::begin_round() {
  phase_ = Phase::resolving;
  if (!files_) return look_up();
  files_->load([this](const std::string& problem) {
    if (phase_ != Phase::resolving) return;
    step([&] { problem.empty() ? look_up() : round_failed(problem); });
  });
}

void Client::look_up() {
  const ServerName& s = servers_.current();
  if (const auto address = net::numeric_address(s.host, s.port)) return resolved({{*address}, ""});
  resolver_.start(s.host, s.port);
}

void Client::resolved(const net::Resolved& result) {
  if (phase_ == Phase::stopping) return finish_stop_if_done(false);
  if (phase_ != Phase::resolving) return;
  if (result.addresses.empty()) return round_failed(result.error);
  addresses_ = result.addresses;
  next_ = 0;
  try_next();
}

void Client::give_up_connecting() {
  connect_watch_.reset();
  handshake_.reset();
  connecting_.reset();
}

void Client::try_next() {
  give_up_connecting();
  phase_ = Phase::connecting;
  while (next_ < addresses_.size()) {
    if (begin_connect(addresses_[next_++])) return;
  }
  const size_t n = addresses_.size();
  round_failed(n > 1 ? failure_ + " (the last of " + std::to_string(n) + " addresses tried)" : failure_);
}

bool Client::begin_connect(const Address& address) {
  connecting_ = net::open_socket(address, SOCK_STREAM);
  if (connecting_) {
    tune(connecting_.fd(), context_.settings.keep_alive_s);
    if (::connect(connecting_.fd(), address.get(), address.length) == 0 || errno == EINPROGRESS) {
      connect_watch_ = std::make_unique<dtu::FdWatch>(host_, connecting_.fd(), DTU_FD_WRITE,
                                                      [this](uint32_t) { step([this] { on_connect_event(); }); });
      timer_.arm_ms(kConnectMs);
      return true;
    }
  }
  failure_ = net::describe(errno, address.text());
  return false;
}

void Client::on_connect_event() {
  int error = net::pending_error(connecting_.fd());
  if (error == 0 && net::connected_to_itself(connecting_.fd())) error = ECONNREFUSED;
  if (error == 0 && files_) return begin_handshake();
  if (error == 0) return established(Transport(std::move(connecting_)));
  failure_ = net::describe(error, addresses_[next_ - 1].text());
  try_next();
}

void Client::begin_handshake() {
  connect_watch_.reset();
  timer_.disarm();
  auto session = std::make_unique<tls::Session>(files_->context(), connecting_.fd(),
                                                tls::Peer{context_.settings.tls.verify, servers_.current().host});
  handshake_ = std::make_unique<Handshake>(
      host_, std::move(connecting_), std::move(session),
      [this](Handshake& h, const std::string& problem) { step([&] { agreed(h, problem); }); });
}

void Client::agreed(Handshake& handshake, const std::string& problem) {
  if (problem.empty()) return established(handshake.take());
  context_.metrics.add(Count::failed_handshakes);
  failure_ = "the TLS handshake with " + handshake.address() + " failed: " + problem;
  try_next();
}

void Client::established(Transport transport) {
  connect_watch_.reset();
  handshake_.reset();
  timer_.disarm();
  stream_ = std::make_unique<Stream>(host_, *this, std::move(transport), "the server", ++connections_, options_,
                                     context_.buffer);
  phase_ = Phase::connected;
  context_.metrics.add(Count::connects);
  connected_ns_ = host_.monotonic_ns();
  backoff_.worked(connected_ns_);
  if (servers_.number() != 0) {
    host_.info("connected to the backup server " + servers_.current().text());
    if (context_.settings.return_s != 0) timer_.arm_ms(uint64_t{context_.settings.return_s} * 1000);
  }
  state_.up();
  progressed(*stream_);  // whoever was refused by the last connection may send on this one
}

void Client::round_failed(const std::string& reason) {
  give_up_connecting();
  phase_ = Phase::waiting;
  timer_.arm_ms(wait_after_failure(reason));
  state_.not_up(DTU_STATE_DOWN, reason);
}

// A server that was not tried yet has done nothing to be waited for. The waits grow with each turn through all of them.
uint32_t Client::wait_after_failure(const std::string& reason) {
  const Settings& s = context_.settings;
  const ServerList::Next next = servers_.failed();
  if (next != ServerList::Next::same) {
    context_.metrics.add(Count::server_changes);
    host_.info("the next server to be tried is " + servers_.current().text() + ": " + reason);
  }
  if (next != ServerList::Next::other) return backoff_.next(host_.monotonic_ns());
  const auto jitter = static_cast<uint32_t>(context_.world.random() * s.reconnect_min_ms);
  return std::min(s.reconnect_min_ms + jitter, s.reconnect_max_ms);
}

// Leaves a backup server that works: nothing more is sent there, and what is under way gets a little time.
void Client::begin_return() {
  if (unread_ || stream_->undelivered() != 0) return timer_.arm_ms(kLastAcknowledgementsMs);  // the port is not free
  returning_ = true;
  stream_->hurry();
  if (!stream_->has_open()) return go_back();
  timer_.arm_ms(kLastAcknowledgementsMs);
}

void Client::go_back() {
  const std::string left = servers_.current().text();
  stream_->finish();
  static_cast<void>(::shutdown(stream_->fd(), SHUT_RDWR));
  static_cast<void>(stream_->drain());  // what finds no room is undelivered()
  retire(true);
  servers_.back_to_first();
  context_.metrics.add(Count::server_changes);
  phase_ = Phase::waiting;
  timer_.arm_us(0);
  state_.not_up(DTU_STATE_DOWN, "left the backup server " + left + " after return_s (" +
                                    std::to_string(context_.settings.return_s) + " s) to try " +
                                    servers_.current().text());
}

void Client::lost(Stream& /*stream*/, Stream::End /*how*/, const std::string& reason) {
  retire(phase_ == Phase::connected);
  if (phase_ == Phase::stopping) return finish_stop_if_done(false);
  if (host_.monotonic_ns() - connected_ns_ >= kStableNs) servers_.worked();
  round_failed(reason);
}

// Ends the connection. What it had received and the host had no room for is kept, once: a second such connection
// while the first one's bytes still wait loses its own.
void Client::retire(bool keep_unread) {
  returning_ = false;
  stream_->finish();
  context_.metrics.add(Count::disconnects);
  if (const size_t unread = stream_->undelivered()) {
    if (keep_unread && !unread_) {
      unread_ = std::move(stream_);
    } else {
      context_.metrics.add(Count::lost_downlink_bytes, unread);
      host_.warn("the connection to " + stream_->peer() + " ended; " + std::to_string(unread) +
                 " bytes received from it are lost, because the port does not take them");
    }
  }
  stream_.reset();
}

dtu_status Client::send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  if (phase_ != Phase::connected) throw net::not_sent("not connected to " + servers_.current().host);
  while (*taken < n) {
    if (returning_ || stream_->full()) {
      refused_ = true;
      return DTU_AGAIN;
    }
    std::array<SendQueue::Item, SendQueue::kBatch> items;
    const uint32_t k = std::min(n - *taken, SendQueue::kBatch);
    for (uint32_t i = 0; i < k; ++i) items[i] = {&msgs[*taken + i], msgs[*taken + i].token};
    stream_->send(items.data(), k);
    *taken += k;
  }
  return DTU_OK;
}

bool Client::flush() {
  if (!stream_) return true;
  stream_->hurry();
  return !stream_->has_open();
}

bool Client::deliver(Stream& stream, std::string_view bytes) {
  // The bytes of an ended connection come before those of the one made since.
  if (unread_ && &stream != unread_.get()) return false;
  return !host_.emit(0, bytes).again();
}

void Client::settled(Stream& /*stream*/, uint64_t ticket, Stream::Fate fate) {
  const dtu_status lost = fate == Stream::Fate::closed_by_peer ? DTU_E_REFUSED : DTU_E_CLOSED;
  const bool acknowledged = fate == Stream::Fate::acknowledged;
  // For the second one the host makes the pauses: it looks for the message that the server never takes.
  if (acknowledged || lost == DTU_E_REFUSED) backoff_.carried();
  host_.complete(ticket, acknowledged ? DTU_OK : lost);
}

void Client::progressed(Stream& stream) {
  if (phase_ == Phase::stopping) return finish_stop_if_done(false);
  if (returning_) return stream.has_open() ? void() : go_back();
  if (!refused_ || stream.full()) return;
  refused_ = false;
  host_.writable();
}

void Client::writable() {
  if (unread_ && unread_->drain()) unread_.reset();
  if (stream_) stream_->resume();
}

bool Client::stop(uint32_t deadline_ms) {
  timer_.disarm();
  give_up_connecting();
  phase_ = Phase::stopping;
  if (unread_) context_.metrics.add(Count::lost_downlink_bytes, unread_->undelivered());
  unread_.reset();
  if (stream_) stream_->hurry();
  if (stream_ && !stream_->has_open()) retire(false);
  if (!stream_ && !resolver_.busy()) {
    phase_ = Phase::stopped;
    return true;
  }
  timer_.arm_ms(deadline_ms);
  return false;
}

void Client::finish_stop_if_done(bool deadline_passed) {
  if (stream_ && (deadline_passed || !stream_->has_open())) retire(false);
  if (stream_ || (resolver_.busy() && !deadline_passed)) return;
  timer_.disarm();
  phase_ = Phase::stopped;
  host_.report(DTU_STATE_STOPPED);
}

void Client::health(Poco::JSON::Object& out) const {
  const SocketFacts f = stream_ ? facts(stream_->fd()) : SocketFacts();
  constexpr int kSynSent = 2;
  out.set("dtu_state", phase_ == Phase::connecting ? kSynSent : f.dtu_state);
  out.set("server", servers_.current().text());
  if (context_.settings.tls.on && !context_.settings.tls.verify) out.set("warning", "insecure: tls.verify is false");
  if (!servers_.alone()) out.set("backup", servers_.number());
  Poco::JSON::Array peers;
  if (stream_) {
    peers.add(show(*stream_));
    out.set("local", net::local_address(stream_->fd()).text());
    out.set("rtt_us", f.rtt_us);
  }
  out.set("peers", peers);
}

}  // namespace channel_tcp
