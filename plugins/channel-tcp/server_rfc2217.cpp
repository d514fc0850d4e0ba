// The server's clients that set the serial port (RFC 2217). What a client sent is taken apart at once and handed on in
// order: data while the port takes them, and a wish when the ones before it, of whichever client, were answered.
#include <algorithm>

#include "server.hpp"

namespace channel_tcp {
namespace {

constexpr uint32_t kPollMs = 1000;  // the signals of the other end

}  // namespace

void Server::greet(ServedClient& peer) {
  if (!control_) return;
  peer.telnet = std::make_unique<rfc2217::Session>(peer.read_only);
  peer.send_control(peer.telnet->hello());
  peer.encode_with(&peer.telnet->encoder());
}

// False: what came before is not handed on yet, or the client does not read its answers.
bool Server::take_telnet(ServedClient& peer, std::string_view bytes) {
  if (!peer.telnet->events().empty() || (!peer.gone && peer.full())) return false;
  const bool before = peer.telnet->com_port();
  const uint64_t malformed = peer.telnet->malformed();
  std::string reply;
  peer.telnet->feed(bytes, reply);
  context_.metrics.add(Count::malformed_telnet_bytes, peer.telnet->malformed() - malformed);
  if (!peer.gone && !reply.empty()) peer.send_control(reply);
  if (!before && peer.telnet->com_port()) poll_timer_.arm_us(0);  // it wants to know the signals
  hand_on(peer);
  return true;
}

void Server::hand_on(ServedClient& peer) {
  std::deque<rfc2217::Event>& events = peer.telnet->events();
  while (!events.empty()) {
    const rfc2217::Event& e = events.front();
    if (!e.asks) {
      if (!emit(peer, e.data)) return;
    } else if (!peer.gone) {
      if (control_->busy()) return;
      return control_->ask(e.wish, [this, id = peer.id()](const rfc2217::Values& values) { granted(id, values); });
    }
    peer.telnet->pop();
  }
}

void Server::granted(uint64_t id, const rfc2217::Values& values) {
  const auto it = std::find_if(peers_.begin(), peers_.end(), [&](const auto& p) { return p->id() == id; });
  if (it != peers_.end()) {
    rfc2217::Session& telnet = *(*it)->telnet;
    (*it)->send_control(telnet.answer(telnet.events().front(), values));
    telnet.pop();
  }
  values_are(values);
}

// After each call: who waited for it goes on.
void Server::values_are(const rfc2217::Values& values) {
  for (const auto& peer : peers_)
    if (const std::string notice = peer->telnet->notice(values); !notice.empty()) peer->send_control(notice);
  restore_line();
  go_on();
}

// The port is as configured again before anybody else is served.
void Server::restore_line() {
  if (!control_ || !restore_ || control_->busy()) return;
  restore_ = false;
  control_->reset([this](const rfc2217::Values& values) { values_are(values); });
}

void Server::go_on() {
  writable();
  if (control_ && !control_->busy() && has_com_port()) poll_timer_.arm_ms(kPollMs);
}

bool Server::has_com_port() const {
  return std::any_of(peers_.begin(), peers_.end(), [](const auto& p) { return p->telnet && p->telnet->com_port(); });
}

void Server::on_poll() {
  if (!has_com_port() || control_->busy()) return;
  control_->ask({}, [this](const rfc2217::Values& values) { values_are(values); });
}

}  // namespace channel_tcp
