// An AT line in memory: what was sent is kept, time stands still until the test moves it.
#pragma once
#include <string>
#include <vector>

#include "at_engine.hpp"

namespace hal_ec600::test {

struct ScriptedLine : AtLine, AtListener {
  std::vector<std::string> sent;  // one entry for each write
  std::vector<std::string> unknown;
  int restarts = 0, silences = 0, proofs = 0;
  int64_t now = 1'000, due = -1;
  AtEngine engine{*this, *this};

  void write(std::string_view bytes) override { sent.emplace_back(bytes); }
  int64_t now_ms() override { return now; }
  void wake_in(uint64_t ms) override { due = ms == 0 ? -1 : now + static_cast<int64_t>(ms); }
  void on_unknown(std::string_view line) override { unknown.emplace_back(line); }
  void on_restart() override { ++restarts; }
  void on_silent() override { ++silences; }
  void on_proved() override { ++proofs; }

  void advance(int64_t ms) {
    const int64_t end = now + ms;
    while (due >= 0 && due <= end) {
      now = due;
      due = -1;
      engine.tick();
    }
    now = end;
  }
  std::string last() const { return sent.empty() ? "" : sent.back(); }
  void make_ready() {
    engine.opened();
    engine.prove();
    engine.received("\r\n+CMEE: 0\r\n\r\nOK\r\n");
    sent.clear();
  }
};

// An exchange whose result is kept.
struct Asked {
  int answers = 0;
  AtResult result;
  AtExchange of(std::string command, std::vector<AtForm> forms = {}) {
    AtExchange ask;
    ask.command = std::move(command);
    ask.forms = std::move(forms);
    ask.done = [this](const AtResult& r) {
      ++answers;
      result = r;
    };
    return ask;
  }
};

}  // namespace hal_ec600::test
