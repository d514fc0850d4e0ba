// What goes on as it happens: tap, events and log.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <sstream>

#include "actions.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "log/counted.hpp"
#include "pcapng.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

struct Message {
  std::string target, route, peer, data, device;
  uint64_t time_ns = 0;
  uint64_t length = 0;
  bool incoming = false;
  bool clock_set = true;  // false: time_ns is of a clock that nobody had set
};

Message read_message(const Json& j) {
  Message m{j["target"].text(), j["route"].text(), j["peer"].text(), from_base64(j["data_b64"].text()),
            j["device"].text()};
  m.time_ns = j["time_ns"].number();
  m.length = std::max<uint64_t>(j["length"].number(), m.data.size());
  m.incoming = j["direction"].text() == "in";
  m.clock_set = j["clock_set"].is_null();  // only said when it is not
  return m;
}

std::string facts(const Message& m) {
  std::string out = m.route.empty() ? "" : "route " + m.route;
  if (!m.peer.empty() && m.peer != "0") out += (out.empty() ? "peer " : ", peer ") + m.peer;
  if (!m.device.empty()) out += (out.empty() ? "device " : ", device ") + m.device;
  if (!m.clock_set) out += out.empty() ? "clock not set" : ", clock not set";
  return out;
}

std::string padded(std::string text, size_t width, bool right = false) {
  if (const size_t used = columns(text); used < width) text.insert(right ? 0 : text.size(), width - used, ' ');
  return text;
}

std::string line_of(const Message& m, const Terminal& t) {
  const std::string more = facts(m);
  std::string out = t.paint(Colour::faint, time_of_day(m.time_ns)) + "  " +
                    t.paint(m.incoming ? Colour::good : Colour::warning, m.incoming ? "<-" : "->") + "  " +
                    padded(printable(m.target), 10) + "  " + padded(byte_size(m.length), 9, true) + "  ";
  if (!more.empty()) out += t.paint(Colour::faint, "[" + printable(more) + "]") + "  ";
  const std::string cut_off =
      m.data.size() < m.length ? "    (" + dtud::counted(m.length - m.data.size(), "more byte") + " not shown)\n" : "";
  if (is_text(m.data)) return out + printable(m.data) + "\n" + cut_off;
  out.erase(out.find_last_not_of(' ') + 1);
  return out + "\n" + hexdump(m.data, "    ") + cut_off;
}

struct Tap {
  const Invocation& in;
  unsigned limit = 0;  // 0: none
  std::unique_ptr<Pcapng> capture;
  bool lines = true;
  uint64_t seen = 0;
  uint64_t missed = 0;

  bool take(const std::string& line) {
    const Json j = Json::parse(line, "a line of the tap", kFailed);
    const bool show_json = lines && in.json();
    if (show_json) print(line + "\n");
    if (!j["missed"].is_null()) {
      missed += j["missed"].number();
      if (lines && !show_json)
        print("--  " + dtud::counted(j["missed"].number(), "message") + " missed: too fast to be shown\n");
    } else {
      const Message m = read_message(j);
      if (lines && !show_json) print(line_of(m, in.terminal));
      if (capture != nullptr) {
        const std::string more = facts(m);
        capture->write({m.target, m.time_ns, m.incoming, m.data, m.length,
                        m.target + (m.incoming ? ", in" : ", out") + (more.empty() ? "" : ", " + more)});
      }
      ++seen;
    }
    if (lines) finish_output();  // each line when it comes, into a pipe too
    return limit == 0 || seen < limit;
  }
};

}  // namespace

int tap(const Invocation& in) {
  Tap tap{in, in.number("--count", 1'000'000'000).value_or(0), nullptr};
  auto until = Client::Clock::time_point::max();
  if (const auto seconds = in.number("--for", 10'000'000))
    until = Client::Clock::now() + std::chrono::seconds(*seconds);
  if (const auto file = in.options.find("--pcapng"); file != in.options.end()) {
    tap.lines = file->second != "-";
    if (!tap.lines && in.terminal.width > 0) throw Failure(kUsage, "a capture is not for a terminal; give a file");
    tap.capture = std::make_unique<Pcapng>(file->second);
  }
  const auto summary = [&] {
    if (in.json()) return;
    const std::string lost = tap.missed > 0 ? ", " + std::to_string(tap.missed) + " missed" : "";
    std::fprintf(stderr, "dtuctl: %s%s\n", dtud::counted(tap.seen, "message").c_str(), lost.c_str());
  };
  try {
    in.client().stream("/v1/tap?target=" + as_segment(in.operands[0]), until,
                       [&](const std::string& line) { return tap.take(line); });
  } catch (const Failure&) {
    if (tap.seen > 0) summary();
    throw;
  }
  summary();
  return kOk;
}

namespace {

std::string event_line(const Json& e, const Terminal& t) {
  if (!e["missed"].is_null())
    return "--  " + dtud::counted(e["missed"].number(), "event") + " missed: too fast to be shown\n";
  const bool gone = !e["gone"].is_null();
  const char* mark = gone ? "gone  " : !e["last"].is_null() ? "last  " : "";
  return t.paint(Colour::faint, date_and_time(e["time_ns"].number())) + "  " + padded(printable(e["name"].text()), 20) +
         "  " + padded(printable(e["source"].text()), 12) + "  " +
         t.paint(gone ? Colour::warning : Colour::faint, mark) + (gone ? "" : printable(e["data"].dump())) + "\n";
}

std::string log_line(const Json& line, const Terminal& t) {
  if (!line["missed"].is_null())
    return "--  " + dtud::counted(line["missed"].number(), "line") + " missed: too fast to be shown\n";
  const std::string level = line["level"].text();
  return t.paint(Colour::faint, date_and_time(line["time_ns"].number())) + "  " +
         t.paint(colour_of_state(level), padded(printable(level), 7)) + "  " +
         padded(printable(line["who"].text()), 12) + "  " + printable(line["text"].text()) + "\n";
}

}  // namespace

int show_events(const Invocation& in) {
  const unsigned limit = in.number("--count", 1'000'000'000).value_or(0);
  auto until = Client::Clock::time_point::max();
  if (const auto seconds = in.number("--for", 10'000'000))
    until = Client::Clock::now() + std::chrono::seconds(*seconds);
  const std::string prefix = in.operands.empty() ? "" : as_segment(in.operands[0]);
  unsigned seen = 0;
  in.client().stream("/v1/events?prefix=" + prefix, until, [&](const std::string& line) {
    const Json event = Json::parse(line, "an event", kFailed);
    print(in.json() ? line + "\n" : event_line(event, in.terminal));
    finish_output();
    if (event["missed"].is_null()) ++seen;
    return limit == 0 || seen < limit;
  });
  return kOk;
}

int show_log(const Invocation& in) {
  const unsigned lines = in.number("--lines", 10'000).value_or(100);
  const Client client = in.client();
  const std::string body = client.need("GET", "/v1/log?lines=" + std::to_string(lines));
  if (in.json() && !in.has("--follow")) {
    print(body + "\n");
    return kOk;
  }
  for (const Json& line : Json::parse(body, "the answer", kFailed)["lines"].items())
    print(in.json() ? line.dump() + "\n" : log_line(line, in.terminal));
  finish_output();
  if (!in.has("--follow")) return kOk;
  client.stream("/v1/log?follow=1", Client::Clock::time_point::max(), [&](const std::string& line) {
    print(in.json() ? line + "\n" : log_line(Json::parse(line, "a line of the log", kFailed), in.terminal));
    finish_output();
    return true;
  });
  return kOk;
}

}  // namespace dtuctl
