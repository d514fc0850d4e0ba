// dtu.dialect/1
#include <array>
#include <random>

#include "uses.hpp"

namespace dtu::check {
namespace {

constexpr uint32_t channel_id = 1;

// What becomes of messages that it follows; several end before anything becomes of them.
struct Fate {
  dtu_status status;
  const char* reason;
};
constexpr std::array<Fate, 4> of_a_channel{
    {{DTU_OK, ""}, {DTU_UNCONFIRMED, ""}, {DTU_E_DROPPED, "drop-oldest"}, {DTU_E_INVALID, "max_message"}}};
constexpr std::array<Fate, 4> of_the_port{
    {{DTU_OK, ""}, {DTU_E_TIMEOUT, ""}, {DTU_E_DROPPED, "full"}, {DTU_E_CLOSED, ""}}};

host::Message bytes(std::string payload, uint64_t source = 0) {
  host::Message m;
  m.payload = std::move(payload);
  m.source = source;
  return m;
}

std::string noise(size_t n) {
  std::minstd_rand numbers(static_cast<uint32_t>(n) + 1);  // the same every time
  std::string out;
  for (size_t k = 0; k < n; ++k) out += static_cast<char>(numbers() & 0xFFU);
  return out;
}

class Session {
 public:
  Session(Subject& s, const dtu_dialect& table, const std::string& name, bool with_port)
      : s_(s), table_(table), with_port_(with_port) {
    auto& links = s.bench().state.open_links;
    link_ = ++s.bench().state.last_link;  // never one twice
    links.insert(link_);
    host::Storage& storage = s.bench().storage;
    const LentText dialect(storage, name);
    const LentText port(storage, with_port ? "1" : "");
    const LentText empty(storage, "{}");
    const LentText type(storage, "tcp");
    const dtu_bound_channel channel{sizeof channel, channel_id, type.get(), 0, empty.get()};
    const std::array<const dtu_bound_channel*, 1> channels{&channel};
    const dtu_link_info info{
        sizeof info, 0,           link_,       dialect.get(),   port.get(),     with_port ? 9600U : 0U,
        10,          empty.get(), empty.get(), channels.data(), channels.size()};
    s.bench().state.has_session = [with_port, mine = link_](uint64_t link, uint32_t of) {
      return link == mine && (of == channel_id || (of == 0 && with_port));
    };
    opened_ = s.call("dialect.open() of \"" + name + "\"",
                     [&](dtu_error* e) { return table.open(s.self(), &info, &session_, e); }) >= 0;
    if (!opened_) links.erase(link_);
    if (!opened_) s.bench().found("dialect.open", s.in("dialect.open()") + " of \"" + name + "\" failed: " + s.error());
  }
  [[nodiscard]] bool opened() const { return opened_; }
  void from_port(const std::string& text) {
    const Letters letters(s_.bench().storage, {bytes(text)});
    s_.bench().act(s_.in("from_port()"), [&] { table_.from_port(s_.self(), session_, letters.data()); });
  }
  void from_channel(const std::string& text) {
    const Letters letters(s_.bench().storage, {bytes(text, 3)});
    s_.bench().act(s_.in("from_channel()"),
                   [&] { table_.from_channel(s_.self(), session_, channel_id, letters.data()); });
  }
  void channel_state(int32_t state) {
    if (table_.channel_state == nullptr) return;
    s_.bench().act(s_.in("channel_state()"),
                   [&] { table_.channel_state(s_.self(), session_, channel_id, state, nullptr); });
  }
  void port_state(int32_t state) {
    if (table_.port_state == nullptr || !with_port_) return;
    s_.bench().act(s_.in("port_state()"), [&] { table_.port_state(s_.self(), session_, state, nullptr); });
  }
  // Of two of three that it follows so far; the others are not told of any more, as when the session ends before.
  void tell_fates() {
    std::vector<host::LinkWrite> followed;
    for (const host::LinkWrite& w : s_.bench().state.records().link_writes)
      if (w.by == s_.handle() && w.link == link_ && w.token != 0) followed.push_back(w);
    for (size_t k = 0; k < followed.size(); ++k) {
      const host::LinkWrite& w = followed[k];
      const Fate& fate = (w.channel != 0 ? of_a_channel : of_the_port).at(k % of_a_channel.size());
      const auto fn = w.channel != 0 ? table_.delivered : table_.sent;
      if (k % 3 == 2 || fn == nullptr) continue;
      const LentText reason(s_.bench().storage, fate.reason);
      const dtu_fate told{sizeof told, fate.status, w.token, w.channel, 0, reason.get()};
      s_.bench().act(s_.in(w.channel != 0 ? "delivered()" : "sent()"), [&] { fn(s_.self(), session_, &told); });
    }
  }
  void unfinished() {
    if (table_.unfinished == nullptr) return;
    std::string out;
    const auto take = [](void* to, dtu_str text) { *static_cast<std::string*>(to) = said(text); };
    s_.bench().act(s_.in("unfinished()"), [&] { table_.unfinished(s_.self(), session_, take, &out); });
  }
  void close() {
    s_.bench().act(s_.in("dialect.close()"), [&] { table_.close(s_.self(), session_); });
    s_.bench().state.has_session = [](uint64_t, uint32_t) { return false; };
    s_.bench().state.open_links.erase(link_);
  }

 private:
  Subject& s_;
  const dtu_dialect& table_;
  const bool with_port_;
  uint64_t link_ = 0;
  void* session_ = nullptr;
  bool opened_ = false;
};

void feed(Session& session, Depth depth) {
  session.port_state(DTU_STATE_CONNECTING);
  session.channel_state(DTU_STATE_UP);
  session.port_state(DTU_STATE_UP);
  session.from_port("plain text\r\n");
  session.from_channel("plain text");
  if (depth == Depth::light) return;
  for (const size_t n : {0, 1, 7, 255, 4096, 70'000}) {
    session.from_port(noise(n));
    session.from_channel(noise(n));
  }
  for (const char c : noise(300)) session.from_port(std::string(1, c));
  session.channel_state(DTU_STATE_DOWN);
  session.port_state(DTU_STATE_DOWN);
  session.from_port(std::string(5000, '\0'));
  session.from_channel("{\"cmd\": [[[[[[[[[[");
}

}  // namespace

void use_dialect(Subject& s, Depth depth) {
  const auto table = s.bench().part.iface<dtu_dialect>(DTU_DIALECT_IFACE);
  if (!table) return;
  for (const char* const* name = table->names; *name != nullptr; ++name)
    for (const bool with_port : {true, false}) {
      Session session(s, *table, *name, with_port);
      if (!session.opened()) continue;
      feed(session, depth);
      s.bench().run_for(milliseconds(10));
      session.tell_fates();
      session.unfinished();
      session.close();
      s.bench().run_for(milliseconds(10));  // for what it left behind
    }
}

}  // namespace dtu::check
