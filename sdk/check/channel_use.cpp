// dtu.channel/1
#include <algorithm>

#include "uses.hpp"

namespace dtu::check {
namespace {

using Messages = std::vector<host::Message>;
constexpr milliseconds budget(4000);  // for everything that is sent
constexpr milliseconds settle(30);
constexpr milliseconds soon(300);

host::Message message(std::string payload, std::string route = {}, uint32_t flags = 0) {
  host::Message m;
  m.payload = std::move(payload);
  m.route = std::move(route);
  m.flags = flags;
  m.time_ns = 1'700'000'000'000'000'000;
  return m;
}

Messages numbered(size_t n, const std::string& route) {
  Messages all;
  for (size_t k = 0; k < n; ++k) all.push_back(message("message " + std::to_string(k) + " of a batch", route));
  return all;
}

std::string all_bytes() {
  std::string bytes;
  for (int b = 0; b < 256; ++b) bytes += static_cast<char>(b);
  return bytes;
}

size_t times_writable(const Subject& s) {
  const auto& all = s.bench().state.records().writables;
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [&](const auto& w) { return w.by == s.handle(); }));
}

uint32_t send(Subject& s, Messages& batch, bool with_tokens = true) {
  const auto channel = s.bench().part.iface<dtu_channel>(DTU_CHANNEL_IFACE);
  return s.offer("send()", batch, with_tokens, [&](const dtu_msg* m, uint32_t n, uint32_t* taken, dtu_error* e) {
    return channel->send(s.self(), m, n, taken, e);
  });
}

// Until all of it is taken. False: no more can be sent. Light: nothing is said of a writable() that does not come soon.
bool deliver(Subject& s, Messages batch, std::chrono::steady_clock::time_point until, Depth depth) {
  const milliseconds wait = depth == Depth::light ? std::min(soon, s.bench().patience()) : s.bench().patience();
  while (!batch.empty()) {
    if (!s.is_up() || std::chrono::steady_clock::now() >= until) return false;
    const size_t before = times_writable(s);
    batch.erase(batch.begin(), batch.begin() + send(s, batch));
    if (s.status() == DTU_OK) continue;
    if (s.status() != DTU_AGAIN) return false;
    if (s.bench().run_until([&] { return times_writable(s) > before || !s.is_up(); }, wait)) continue;
    if (s.is_well() && depth == Depth::thorough)
      s.bench().found("data.writable", s.in("send()") + " answered DTU_AGAIN; host->writable never came");
    return false;
  }
  return true;
}

bool comes_up(Subject& s) {
  if (!s.bench().part.iface<dtu_channel>(DTU_CHANNEL_IFACE)) return false;
  return s.wait_up(milliseconds(s.bench().job.up_ms));
}

void flush(Subject& s) {
  const auto channel = s.bench().part.iface<dtu_channel>(DTU_CHANNEL_IFACE);
  if (channel->flush == nullptr) return;
  s.call("flush()", [&](dtu_error* e) { return channel->flush(s.self(), 1000, e); });
}

void wait_for_completions(Subject& s) {
  const bool all = s.bench().run_until([&] { return s.open_tokens() == 0 || !s.is_well(); }, s.bench().patience());
  if (!all && s.open_tokens() != 0)
    s.bench().found("data.never", s.name() + " is up and has not completed " + std::to_string(s.open_tokens()) +
                                      " messages that send() took");
}

}  // namespace

void use_channel(Subject& s, Depth depth) {
  if (!comes_up(s)) return;
  const auto until = std::chrono::steady_clock::now() + budget;
  const bool light = depth == Depth::light;
  if (!deliver(s, {message("check"), message("check", "0"), message("last")}, until, depth)) return;
  if (light) return s.bench().run_for(settle);
  std::vector<Messages> batches{numbered(64, ""),
                                {message("")},
                                {message(all_bytes(), "0")},
                                {message("x", "dtu-check-no-such-route")},
                                {message("x", std::string(DTU_ROUTE_MAX, 'r'))},
                                {message("an answer", "", DTU_MSG_COMMAND)},
                                {message("a clock not set", "", DTU_MSG_CLOCK_UNSET)},
                                {message(std::string(DTU_PAYLOAD_MAX, 'm'))},
                                numbered(64, "0")};
  for (Messages& batch : batches)
    if (!deliver(s, std::move(batch), until, depth)) break;
  if (s.is_up()) {
    Messages untold{message("nobody asks what became of it")};
    send(s, untold, false);
  }
  flush(s);
  wait_for_completions(s);
}

size_t carry_many(Subject& s, size_t most, milliseconds time) {
  constexpr size_t batch = 64;
  if (!comes_up(s)) return 0;
  const auto until = std::chrono::steady_clock::now() + time;
  size_t carried = 0;
  for (; carried < most && deliver(s, numbered(batch, ""), until, Depth::light); carried += batch) {
    s.bench().run_until([&] { return s.open_tokens() == 0; }, soon);
    if (s.open_tokens() != 0) break;
    s.bench().state.forget_past();
    if (!s.is_up()) break;
  }
  return carried;
}

void press_channel(Subject& s) {
  if (!comes_up(s)) return;
  s.bench().hold_emits();
  Messages batch = numbered(16, "");
  batch.erase(batch.begin(), batch.begin() + send(s, batch));
  s.bench().run_for(milliseconds(200));
  s.bench().state.set_emit_room(-1);
  // One that has to emit for each message may have refused to send more until it could.
  deliver(s, std::move(batch), std::chrono::steady_clock::now() + s.bench().patience(), Depth::light);
  s.bench().release_emits(s.name());
}

void load_channel(Subject& s) {
  if (!comes_up(s)) return;
  for (int k = 0; k < 4; ++k) {
    Messages batch = numbered(64, "");
    if (send(s, batch) < 64) break;
  }
}

}  // namespace dtu::check
