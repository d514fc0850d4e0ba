// What a dialect is told besides messages: what became of those that it follows, and the states of its port.
#include <algorithm>
#include <utility>

#include "plugins/sound.hpp"
#include "routing/router.hpp"

namespace dtud::routing {

void Router::ended(Link* link, uint32_t channel, uint64_t token, dtu_status status, std::string_view reason) {
  if (token == 0 || link == nullptr || link->session == nullptr) return;
  if (link->fates.empty()) fated_.push_back(link->id);
  link->fates.push_back({token, channel, status, std::string(reason)});
}

void Router::tell_fates() {
  const std::vector<uint64_t> links = std::exchange(fated_, {});
  for (const uint64_t id : links) {
    Link* link = link_of(id);
    if (link == nullptr) continue;
    const std::vector<Link::Fate> fates = std::exchange(link->fates, {});
    const void* session = link->session;
    for (const Link::Fate& f : fates) {
      link = link_of(id);  // what was told before may have ended it
      if (link == nullptr || link->session != session || session == nullptr || !link->speaker->alive()) break;
      plugins::Instance& speaker = *link->speaker;
      const dtu_dialect& table = speaker.tables().dialect;
      const dtu_fate fate{sizeof fate, f.status, f.token, f.channel, 0, {f.reason.data(), f.reason.size()}};
      const auto tell = [&](const char* function, auto fn) {
        if (fn == nullptr) return;
        speaker.guarded(function, nullptr, [&] { return fn(speaker.self(), link->session, &fate), DTU_OK; });
      };
      f.channel == 0 ? tell("sent", table.sent) : tell("delivered", table.delivered);
    }
  }
}

// The session is over: its messages stay, and nobody follows them.
void Router::end_following(Link& link) {
  link.fates.clear();
  for (Channel* channel : link.channels) channel->outbox.followed().forget();
  if (link.port == nullptr) return;
  for (size_t i = 0; i < link.port->queue.size(); ++i) link.port->queue[i].token = 0;
  link.port->line.token = 0;
}

void Router::tell_port_state(Port& port, const dtu_error* error) {
  const Link* link = port.link;
  if (link == nullptr || link->session == nullptr || !link->speaker->alive()) return;
  plugins::Instance& speaker = *link->speaker;
  const auto fn = speaker.tables().dialect.port_state;
  if (fn == nullptr) return;
  dtu_error known{};  // what it said before the session was there
  known.struct_size = sizeof known;
  known.code = port.error_code;
  port.error.copy(known.message, sizeof known.message - 1);
  if (error == nullptr && !port.error.empty()) error = &known;
  speaker.guarded("port_state", nullptr, [&] { return fn(speaker.self(), link->session, port.state, error), DTU_OK; });
}

}  // namespace dtud::routing
