#include "server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace channel_tcp {
namespace {

constexpr int kAcceptsPerTurn = 16;
constexpr uint32_t kAcceptPauseMs = 1000;
// Who connects and says nothing keeps nobody out: one more takes the place of the one that has been there longest.
constexpr size_t kMostArriving = 16;

bool client_went_away(int error) { return error == ECONNABORTED || error == EPROTO || error == EINTR; }

}  // namespace

std::unique_ptr<Endpoint> make_server(Context& context) { return std::make_unique<Server>(context); }

// A client may listen only: silence ends no connection here, TCP's own probes find out who is gone.
Server::Server(Context& context)
    : context_(context),
      host_(context.host),
      options_{&context.ping, context.settings.heartbeat_s, 0, context.settings.slow_client_s},
      backoff_(context.settings.reconnect_min_ms, context.settings.reconnect_max_ms, context.world.random),
      state_(host_, net::kTcpConnectFailed),
      timer_(host_, [this] { on_timer(); }),
      poll_timer_(host_, [this] { on_poll(); }) {
  if (context_.settings.rfc2217) control_ = std::make_unique<SerialControl>(host_, context_.settings.port_id);
  if (context_.settings.tls.on) files_ = std::make_unique<TlsFiles>(host_, context_.settings.tls, true);
}

void Server::start() { timer_.arm_us(0); }

void Server::on_timer() {
  if (phase_ == Phase::opening) return open();
  if (phase_ == Phase::stopping) return finish_stop();
  if (phase_ == Phase::listening) listen_watch_->want(DTU_FD_READ);
}

void Server::read_tls_files() {
  files_->load([this](const std::string& problem) {
    if (phase_ == Phase::opening && problem.empty()) return open();
    if (phase_ == Phase::opening) {
      timer_.arm_ms(backoff_.next(host_.monotonic_ns()));
      return state_.not_up(DTU_STATE_DOWN, problem);
    }
    if (!problem.empty()) host_.warn(problem + "; new clients get the certificate from before");
  });
}

void Server::open() {
  if (files_ && !files_->context()) return read_tls_files();
  const Settings& s = context_.settings;
  const auto address = net::numeric_address(s.host, s.port);  // read_settings took no other
  listener_ = listen_on(*address);
  if (!listener_) {
    const std::string reason = describe_listen(errno, *address);
    timer_.arm_ms(backoff_.next(host_.monotonic_ns()));
    return state_.not_up(DTU_STATE_DOWN, reason);
  }
  listen_watch_ =
      std::make_unique<dtu::FdWatch>(host_, listener_.fd(), DTU_FD_READ, [this](uint32_t) { accept_some(); });
  address_ = net::local_address(listener_.fd()).text();
  phase_ = Phase::listening;
  update_state();
}

void Server::update_state() {
  if (phase_ != Phase::listening) return;
  if (!peers_.empty() || !context_.settings.hold_when_empty) return state_.up();
  state_.not_up(DTU_STATE_CONNECTING, "no client is connected to " + address_ + "; uplink waits for one");
}

void Server::accept_some() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    Socket socket = accept_from(listener_.fd());
    if (socket) {
      arrived(std::move(socket));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (!client_went_away(errno)) {
      host_.warn("no client can be accepted on " + address_ + " for now: " + std::system_category().message(errno));
      listen_watch_->want(0);  // it would stay ready and keep the lane busy
      return timer_.arm_ms(kAcceptPauseMs);
    }
  }
}

void Server::arrived(Socket socket) {
  const Address from = net::peer_address(socket.fd());
  const Settings& s = context_.settings;
  if (!s.allowed.empty() && !net::any_contains(s.allowed, from)) {
    context_.metrics.add(Count::not_allowed_clients);
    return strangers_.warn("a client from " + from.text() + " was closed: allowed does not name its address");
  }
  tune(socket.fd(), s.keep_alive_s);
  if (!files_) return welcome(Transport(std::move(socket)), from);
  if (s.kick_old || make_place(from)) begin_handshake(std::move(socket));
}

void Server::begin_handshake(Socket socket) {
  if (files_->old()) read_tls_files();
  if (arriving_.size() >= kMostArriving) {
    refuse_handshake(arriving_.front()->address(), "it did not finish the TLS handshake, and others came");
    arriving_.erase(arriving_.begin());
  }
  auto session = std::make_unique<tls::Session>(files_->context(), socket.fd());
  arriving_.push_back(std::make_unique<Handshake>(
      host_, std::move(socket), std::move(session),
      [this](const Handshake& handshake, const std::string& problem) { agreed(handshake, problem); }));
}

void Server::agreed(const Handshake& handshake, const std::string& problem) {
  const auto it =
      std::find_if(arriving_.begin(), arriving_.end(), [&](const auto& h) { return h.get() == &handshake; });
  const std::unique_ptr<Handshake> done = std::move(*it);
  arriving_.erase(it);
  if (!problem.empty()) return refuse_handshake(done->address(), problem);
  const Address from = net::peer_address(done->fd());
  welcome(done->take(), from);
}

void Server::refuse_handshake(const std::string& address, const std::string& problem) {
  context_.metrics.add(Count::failed_handshakes);
  handshakes_.warn("the TLS handshake with the client " + address + " failed: " + problem);
}

void Server::welcome(Transport transport, const Address& from) {
  if (!make_place(from)) return;
  const bool was_up = state_.is_up();
  peers_.push_back(std::make_unique<ServedClient>(host_, *this, std::move(transport), "the client", ++last_id_,
                                                  options_, context_.buffer));
  ServedClient& peer = *peers_.back();
  peer.ip = net::ip_of(from);
  peer.heard_ns = host_.monotonic_ns();
  peer.read_only = net::any_contains(context_.settings.read_only, from);
  refusing_clients_ = false;
  context_.metrics.add(Count::connects);
  host_.debug("client " + std::to_string(last_id_) + " connected from " + peer.address());
  greet(peer);
  if (was_up) introduce(peer);  // else the host sends a new one
  update_state();
  offer_room();
}

// A client that lost its network without a word comes back from the same address, and its old connection stands in its
// way: so that address comes first. Else the one that has been silent longest goes.
bool Server::make_place(const Address& from) {
  const Settings& s = context_.settings;
  if (peers_.size() < s.max_clients) return true;
  const std::string full = "max_clients (" + std::to_string(s.max_clients) + ") are connected to " + address_;
  if (!s.kick_old) {
    context_.metrics.add(Count::refused_clients);
    if (!refusing_clients_) host_.warn("a client from " + from.text() + " was refused: " + full);
    refusing_clients_ = true;
    return false;
  }
  const auto ip = net::ip_of(from);
  const auto goes_before = [&](const std::unique_ptr<ServedClient>& a, const std::unique_ptr<ServedClient>& b) {
    if ((a->ip == ip) != (b->ip == ip)) return a->ip == ip;
    return a->heard_ns < b->heard_ns;
  };
  Stream& old = **std::min_element(peers_.begin(), peers_.end(), goes_before);
  lost(old, Stream::End::replaced, "a client from " + from.text() + " needs its place: " + full);
  return true;
}

void Server::lost(Stream& stream, Stream::End how, const std::string& reason) {
  const auto it = std::find_if(peers_.begin(), peers_.end(), [&](const auto& p) { return p.get() == &stream; });
  std::unique_ptr<ServedClient> gone = std::move(*it);
  peers_.erase(it);
  gone->gone = true;
  if (asker_ == stream.id()) asker_ = 0;
  if (how == Stream::End::stuck) {
    context_.metrics.add(Count::slow_clients);
    host_.warn("client " + std::to_string(stream.id()) + " was disconnected: " + reason);
  } else if (how == Stream::End::replaced) {
    context_.metrics.add(Count::kicked_clients);
    kicked_.warn("client " + std::to_string(stream.id()) + " (" + stream.address() + ") was disconnected: " + reason);
  } else {
    host_.debug("client " + std::to_string(stream.id()) + " is gone: " + reason);
  }
  retire(std::move(gone));
  if (control_ && control_->changed() && !has_com_port()) {
    restore_ = true;
    restore_line();
  }
  if (phase_ == Phase::stopping && !has_open()) return finish_stop();
  update_state();
  offer_room();
}

// What the client had sent and the host had no room for is kept; beyond max_clients such clients it is lost.
void Server::retire(std::unique_ptr<ServedClient> stream) {
  stream->finish();
  context_.metrics.add(Count::disconnects);
  if (orphaned_) return_all();
  const size_t unread = stream->unread();
  if (unread == 0) return;
  if (phase_ == Phase::listening && unread_.size() < context_.settings.max_clients) {
    unread_.push_back(std::move(stream));
    return;
  }
  context_.metrics.add(Count::lost_downlink_bytes, unread);
  host_.warn("the connection to " + stream->peer() + " ended; " + std::to_string(unread) +
             " bytes received from it are lost, because the port does not take them");
}

dtu_status Server::send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  if (!state_.is_up() || phase_ != Phase::listening)
    throw net::not_sent(phase_ == Phase::listening ? state_.reason() : "the server is not listening");
  if (peers_.empty()) {
    remember_registration(msgs, n);
    discard(msgs, n);
    *taken = n;
    return DTU_OK;
  }
  while (*taken < n) {
    if (full()) {
      refused_ = true;
      return DTU_AGAIN;
    }
    const uint32_t k = std::min(n - *taken, SendQueue::kBatch);
    remember_registration(msgs + *taken, k);
    send_batch(msgs + *taken, k);
    *taken += k;
  }
  return DTU_OK;
}

// The host sends it once for all clients, when the channel begins to carry messages. Those that come later get it here;
// with reg_on "start" only the first of all.
void Server::remember_registration(const dtu_msg* msgs, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    if ((msgs[i].flags & DTU_MSG_REGISTRATION) == 0) continue;
    if (context_.settings.register_once && !peers_.empty()) continue;
    registration_owner_ = host_.keep(msgs[i].owner);
    registration_ = {};
    registration_.owner = msgs[i].owner;
    registration_.payload = msgs[i].payload;
  }
}

// Without a client that asked, everybody gets what the port says by itself. Who may only listen hears all of it.
bool Server::is_for(const dtu_msg& msg, const ServedClient& peer) const {
  if (msg.source != 0) return peer.id() == msg.source;
  return asker_ == 0 || peer.id() == asker_ || peer.read_only || (msg.flags & DTU_MSG_REGISTRATION) != 0;
}

void Server::introduce(Stream& peer) {
  if (registration_.payload.len == 0) return;
  const SendQueue::Item item{&registration_, 0};
  peer.send(&item, 1);
  if (context_.settings.register_once) registration_ = {};
}

void Server::discard(const dtu_msg* msgs, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    const bool kept = (msgs[i].flags & DTU_MSG_REGISTRATION) != 0;  // for those who come: it is no loss
    if (!kept) complete({msgs[i].token, msgs[i].payload.len, 0, msgs[i].source != 0, false});
    if (kept && msgs[i].token != 0) host_.complete(msgs[i].token, DTU_E_DROPPED);
  }
}

void Server::send_batch(const dtu_msg* msgs, uint32_t n) {
  const uint64_t first = ledger_.next();
  for (uint32_t i = 0; i < n; ++i) {
    const bool directed = msgs[i].source != 0;
    const auto targets =
        std::count_if(peers_.begin(), peers_.end(), [&](const auto& p) { return is_for(msgs[i], *p); });
    ledger_.add({msgs[i].token, msgs[i].payload.len, static_cast<uint32_t>(targets), directed, false});
  }
  std::array<SendQueue::Item, SendQueue::kBatch> items;
  for (const auto& peer : peers_) {
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; ++i)
      if (is_for(msgs[i], *peer)) items[k++] = {&msgs[i], first + i};
    if (k > 0) peer->send(items.data(), k);
  }
  finish_settled();  // those for a client that is gone
}

void Server::settled(Stream& /*stream*/, uint64_t ticket, Stream::Fate fate) {
  const Ledger::Entry* e = ledger_.settle(ticket, fate == Stream::Fate::acknowledged);
  if (e != nullptr && context_.settings.hold_when_empty && !e->directed && e->waiting == 0 && !e->acknowledged) {
    orphaned_ = true;
    closed_by_peer_ = closed_by_peer_ || fate == Stream::Fate::closed_by_peer;
  }
  if (!orphaned_) finish_settled();
}

void Server::finish_settled() {
  Ledger::Entry e;
  while (ledger_.take_settled(&e)) complete(e);
}

void Server::complete(const Ledger::Entry& e) {
  dtu_status status = DTU_OK;
  if (!e.acknowledged && phase_ == Phase::stopping) {
    status = DTU_E_CLOSED;
  } else if (!e.acknowledged) {
    context_.metrics.add(Count::discarded_messages);
    context_.metrics.add(Count::discarded_bytes, e.bytes);
    status = DTU_E_DROPPED;  // of a directed one too: ids are never used again, so nobody will ever get it
  }
  if (e.token != 0) host_.complete(e.token, status);
}

// The host sends again what it holds after a change of state only, and then in order: so all of it goes back, and the
// clients that are still there may get some twice.
void Server::return_all() {
  orphaned_ = false;
  const dtu_status lost = std::exchange(closed_by_peer_, false) ? DTU_E_REFUSED : DTU_E_CLOSED;
  Ledger::Entry e;
  while (ledger_.take_any(&e)) {
    const bool delivered = e.waiting == 0 && e.acknowledged;
    if (e.token != 0) host_.complete(e.token, delivered ? DTU_OK : lost);
  }
  if (phase_ == Phase::listening)
    state_.not_up(DTU_STATE_CONNECTING, "a client of " + address_ + " went before it acknowledged what it was sent");
}

bool Server::full() const {
  return ledger_.size() + SendQueue::kBatch > SendQueue::kMostOpen ||
         std::any_of(peers_.begin(), peers_.end(), [](const auto& p) { return p->full(); });
}

bool Server::has_open() const {
  return std::any_of(peers_.begin(), peers_.end(), [](const auto& p) { return p->has_open(); });
}

void Server::offer_room() {
  if (!refused_ || full() || !state_.is_up()) return;
  refused_ = false;
  host_.writable();
}

void Server::progressed(Stream& stream) {
  if (phase_ == Phase::stopping) {
    if (!has_open()) finish_stop();
    return;
  }
  if (control_) stream.resume();  // it reads its answers again
  offer_room();
}

bool Server::flush() {
  for (const auto& peer : peers_) peer->hurry();
  return !has_open();
}

bool Server::deliver(Stream& stream, std::string_view bytes) {
  auto& peer = static_cast<ServedClient&>(stream);
  peer.heard_ns = host_.monotonic_ns();
  return peer.telnet ? take_telnet(peer, bytes) : emit(peer, bytes);
}

bool Server::emit(ServedClient& peer, std::string_view bytes) {
  if (peer.read_only) {
    context_.metrics.add(Count::read_only_bytes, bytes.size());
    return true;
  }
  const dtu::EmitResult result = host_.emit(peer.id(), bytes);
  if (result && context_.settings.answers_to_asker) asker_ = peer.gone ? 0 : peer.id();
  return !result.again();
}

void Server::writable() {
  const auto all_handed_on = [this](const auto& p) {
    if (p->telnet) hand_on(*p);
    return p->drain() && p->unread() == 0;
  };
  unread_.erase(std::remove_if(unread_.begin(), unread_.end(), all_handed_on), unread_.end());
  // Another client is first each time: none can take all the room.
  if (peers_.size() > 1) std::rotate(peers_.begin(), peers_.begin() + 1, peers_.end());
  for (const auto& peer : peers_) {
    if (peer->telnet) hand_on(*peer);
    peer->resume();
  }
}

bool Server::stop(uint32_t deadline_ms) {
  timer_.disarm();
  poll_timer_.disarm();
  listen_watch_.reset();
  listener_.reset();
  arriving_.clear();
  phase_ = Phase::stopping;
  for (const auto& stream : unread_) context_.metrics.add(Count::lost_downlink_bytes, stream->unread());
  unread_.clear();
  if (!flush()) {
    timer_.arm_ms(deadline_ms);
    return false;
  }
  end_all();
  phase_ = Phase::stopped;
  return true;
}

void Server::end_all() {
  std::vector<std::unique_ptr<ServedClient>> last;
  last.swap(peers_);
  for (auto& stream : last) retire(std::move(stream));
}

void Server::finish_stop() {
  end_all();
  timer_.disarm();
  phase_ = Phase::stopped;
  host_.report(DTU_STATE_STOPPED);
}

void Server::health(Poco::JSON::Object& out) const {
  constexpr int kListen = 1;
  const int state = listener_ ? kListen : 0;
  out.set("dtu_state", peers_.empty() ? state : facts(peers_.front()->fd()).dtu_state);
  if (listener_) {
    out.set("local", address_);
    out.set("listen_port", net::local_address(listener_.fd()).port());
  }
  Poco::JSON::Array peers;
  for (const auto& peer : peers_) peers.add(show(*peer));
  out.set("peers", peers);
  if (!peers_.empty()) out.set("rtt_us", facts(peers_.front()->fd()).rtt_us);
}

}  // namespace channel_tcp
