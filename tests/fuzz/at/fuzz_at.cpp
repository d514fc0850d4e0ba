// What a modem sends, whatever it is: the first byte picks the exchange that is under way, the second how the stream is
// cut. Every exchange ends once, whatever comes; nothing grows without a bound; it comes to rest.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "at_engine.hpp"
#include "readings.hpp"

namespace {

using namespace hal_ec600;

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "fuzz-at: %s\n", what);
  std::abort();
}

struct Rig : AtLine, AtListener {
  AtEngine engine{*this, *this};
  int64_t now = 1;
  int64_t due = -1;
  std::string seen;
  size_t asked = 0, ended = 0;

  void write(std::string_view bytes) override { seen.append("<").append(bytes); }
  int64_t now_ms() override { return now; }
  void wake_in(uint64_t ms) override { due = ms == 0 ? -1 : now + static_cast<int64_t>(ms); }
  void on_unknown(std::string_view line) override { seen.append("?").append(line); }
  void on_restart() override { seen += "R"; }
  void on_silent() override { seen += "S"; }
  void on_proved() override { seen += "P"; }

  AtExchange exchange(uint8_t choice) {
    AtExchange ask;
    ask.command = "AT+TEST";
    ask.forms = {{"+CREG: n,n,*", "", (choice & 1U) != 0}, {"+CMGR: *", "h"}};
    if ((choice & 2U) != 0) ask.forms.push_back({"~"});
    if ((choice & 4U) != 0) ask.prompt = AtPrompt{"0011", (choice & 8U) != 0};
    if ((choice & 16U) != 0) ask.counted = AtCounted{"+QIRD: w,*", 0, 64};
    if ((choice & 32U) != 0) ask.ends = {{"SEND OK", AtEnd::ok}};
    ask.sim_busy_ms = (choice & 64U) != 0 ? 2'000 : 0;
    ask.done = [this](const AtResult& r) {
      ++ended;
      if (r.lines.size() > AtEngine::kMostLines || r.data.size() > 64) broken("an answer is too long");
      if (r.ok() == !r.text.empty()) broken("a failure has no words, or a success has some");
      seen.append("=").append(r.final).append(r.text).append(r.data);
      for (const std::string& l : r.lines) {
        if (l.empty() || l.size() > AtReader::kLongestLine) broken("a line is empty or too long");
        seen.append(";").append(l);
      }
    };
    return ask;
  }
};

void run(uint8_t choice, std::string_view stream, size_t step) {
  Rig rig;
  rig.engine.on_urc("+CREG:", [&](std::string_view l, std::string_view) { rig.seen.append("!").append(l); });
  rig.engine.on_urc(
      "+CMT:", [&](std::string_view l, std::string_view f) { rig.seen.append("!").append(l).append("/").append(f); },
      true);
  rig.engine.opened();
  rig.engine.prove();
  rig.engine.received("\r\n+CMEE: 0\r\n\r\nOK\r\n");
  for (int i = 0; i < 3; ++i) rig.asked += rig.engine.submit(rig.exchange(choice)) != 0 ? 1 : 0;
  for (size_t at = 0; at < stream.size(); at += step) rig.engine.received(stream.substr(at, step));

  for (int ticks = 0; rig.due >= 0 && ticks < 1'000; ++ticks) {
    rig.now = rig.due;
    rig.due = -1;
    rig.engine.tick();
  }
  if (rig.due >= 0) broken("it never comes to rest");
  rig.engine.lost("gone");
  if (rig.asked != rig.ended) broken("an exchange did not end once");
}

void read(std::string_view line) {  // no reading crashes, and each is JSON or nothing
  using namespace readings;
  for (const std::string& json : {csq(line), digits(line), iccid(line), number(line), registration(line),
                                  operator_name(line), technology(line), battery_mv(line), adc_volt(line)})
    if (json.find('\n') != std::string::npos) broken("a reading has a line end");
  (void)signal(line);
  (void)sim_state(line);
  (void)temperature({std::string(line)});
  (void)cells({std::string(line)});
  (void)locator(line);
  (void)gnss(line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as text
  const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t step = data[1] % 16U + 1;
  run(data[0], stream, step);
  run(data[0], stream, stream.size() + 1);
  for (size_t begin = 0; begin < stream.size();) {
    const size_t end = std::min(stream.find_first_of("\r\n", begin), stream.size());
    if (end > begin) read(stream.substr(begin, end - begin));
    begin = end + 1;
  }
  return 0;
}
