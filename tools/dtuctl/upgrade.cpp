// Ordering an upgrade, and watching it through the restart of dtud.
#include <poll.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "actions.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "json.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

constexpr std::chrono::minutes kRestartTakes{10};
constexpr int kLookAgain_ms = 300;

// The options of a start as members of the order.
struct Member {
  const char* option;
  const char* name;
  bool number, condition;
};
constexpr Member kMembers[] = {{"--to", "version", false, false},
                               {"--sha256", "sha256", false, false},
                               {"--md5", "md5", false, false},
                               {"--size", "size", true, false},
                               {"--signature", "signature", false, false},
                               {"--kind", "kind", false, false},
                               {"--min-battery-mv", "min_battery_mv", true, true},
                               {"--min-battery-percent", "min_battery_percent", true, true},
                               {"--min-csq", "min_csq", true, true},
                               {"--free-bytes", "free_bytes", true, true}};

std::string value_of(const Member& m, const std::string& word) {
  if (m.number) {
    if (word.empty() || word.size() > 18 || word.find_first_not_of("0123456789") != std::string::npos)
      throw Failure(kUsage, std::string(m.option) + " must be a whole number, not \"" + word + "\"");
    return std::to_string(std::stoull(word));
  }
  if (word.empty() || word[0] != '@') return quoted(word);
  std::ifstream file(word.substr(1), std::ios::binary);
  if (!file) throw Failure(kUsage, "cannot read " + word.substr(1));
  std::string text{std::istreambuf_iterator<char>(file), {}};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return quoted(text);
}

std::string order_of(const Invocation& in) {
  std::string order = "{\"url\": " + quoted(in.operands[0]), conditions;
  for (const Member& m : kMembers) {
    const auto at = in.options.find(m.option);
    if (at == in.options.end()) continue;
    std::string& to = m.condition ? conditions : order;
    to += (to.empty() ? "\"" : ", \"") + std::string(m.name) + "\": " + value_of(m, at->second);
  }
  if (!conditions.empty()) order += ", \"conditions\": {" + conditions + "}";
  return order + (in.has("--force") ? ", \"force\": true}" : "}");
}

Colour colour_of(const Json& state) {
  const std::string step = state["step"].text();
  if (step == "took") return Colour::good;
  if (step == "failed" || step == "rolled_back" || step == "unconfirmed") return Colour::bad;
  return Colour::none;
}

std::string how_far(const Json& state) {
  std::string out = byte_size(state["bytes"].number());
  if (state["size"].number() != 0) out += " of " + byte_size(state["size"].number());
  const std::string percent = state["percent"].text();
  return percent.empty() || percent[0] == '-' ? out : percent + " %, " + out;
}

std::string step_line(const Json& state, const Terminal& terminal) {
  std::string out = terminal.paint(colour_of(state), printable(state["step"].text()));
  for (const char* more : {"note", "error"})
    if (const std::string text = state[more].text(); !text.empty()) out += ": " + printable(text);
  return out + "\n";
}

void print_state(const Json& state, const Terminal& terminal) {
  std::string runs;
  for (const std::string& kind : state["runs"].keys())
    runs += (runs.empty() ? "" : ", ") + kind + " " +
            (state["runs"][kind].text().empty() ? "?" : state["runs"][kind].text());
  print("runs        " + printable(runs.empty() ? "this board cannot install upgrades" : runs) + "\n");
  if (state["id"].is_null()) return print("upgrade     none ordered\n");
  print("order " + state["id"].text() + "     " + printable(state["kind"].text() + " " + state["version"].text()) +
        " by " + printable(state["source"].text()) + "\n            " + printable(state["url"].text()) + "\n");
  print("step        " + step_line(state, terminal));
  if (!state["over"].flag()) print("so far      " + how_far(state) + "\n");
  if (const std::string by = state["checked_by"].text(); !by.empty()) print("checked by  " + printable(by) + "\n");
  if (state["bytes_per_day"].number() != 0)
    print("today       " + byte_size(state["bytes_today"].number()) + " of " +
          byte_size(state["bytes_per_day"].number()) + "\n");
}

void show_progress(const Json& state, const Terminal& terminal, bool clear) {
  if (!terminal.progress) return;
  const std::string text = clear ? "" : state["step"].text() + "  " + how_far(state);
  std::fprintf(stderr, "\r\033[K%s", printable(text).c_str());
  std::fflush(stderr);
}

int exit_of(const Json& state) { return state["step"].text() == "took" || state["id"].is_null() ? kOk : kFailed; }

// One stream's worth of news. True: it is over.
bool follow_once(const Invocation& in, std::string& said, Json& last) {
  bool over = false;
  in.client().stream("/v1/upgrade?follow=1", Client::Clock::time_point::max(), [&](const std::string& line) {
    last = Json::parse(line, "the state of the upgrade", kFailed);
    const std::string now = step_line(last, in.terminal);
    over = last["over"].flag() || last["id"].is_null();
    if (in.json()) {
      print(line + "\n");
    } else if (now != said) {
      show_progress(last, in.terminal, true);
      print(now);
    }
    said = now;
    if (!over && !in.json()) show_progress(last, in.terminal, false);
    finish_output();
    return !over;
  });
  return over;
}

int follow(const Invocation& in) {
  std::string said;
  Json last;
  auto give_up = Client::Clock::now() + kRestartTakes;
  for (bool known = false;;) {
    try {
      if (follow_once(in, said, last)) return exit_of(last);
      known = true;
      give_up = Client::Clock::now() + kRestartTakes;
    } catch (const Failure& f) {
      const bool away = f.code() == kUnreachable || f.code() == kTimeout;
      if (!away || !(known || !said.empty()) || Client::Clock::now() > give_up) throw;
    }
    ::poll(nullptr, 0, kLookAgain_ms);  // dtud is being restarted
  }
}

Json called(const Invocation& in, const std::string& command, const std::string& args) {
  const std::string body =
      in.client().need("POST", "/v1/call", "{\"command\": \"" + command + "\", \"args\": " + args + "}");
  const Json reply = Json::parse(body, "the answer", kFailed);
  if (reply["status"].text() != "ok") throw Failure(kFailed, printable(reply["error"].text()));
  return reply["result"];
}

int show(const Invocation& in, const Json& state) {
  if (in.json())
    print(state.dump() + "\n");
  else
    print_state(state, in.terminal);
  return kOk;
}

}  // namespace

int upgrade_state(const Invocation& in) {
  if (in.has("--follow")) return follow(in);
  return show(in, Json::parse(in.client().need("GET", "/v1/upgrade"), "the answer", kFailed));
}

int upgrade_start(const Invocation& in) {
  const Json state = called(in, "upgrade.start", order_of(in));
  return in.has("--follow") ? follow(in) : show(in, state);
}

int upgrade_cancel(const Invocation& in) { return show(in, called(in, "upgrade.cancel", "{}")); }

int upgrade_confirm(const Invocation& in) { return show(in, called(in, "upgrade.confirm", "{}")); }

}  // namespace dtuctl
