// What an exchange with a modem costs the lane: from submit() to the result, without the modem. The gate is 50 us.
#include <benchmark/benchmark.h>

#include <string>

#include "at_engine.hpp"

namespace {

using namespace hal_ec600;

struct Line : AtLine, AtListener {
  AtEngine engine{*this, *this};
  void write(std::string_view bytes) override { benchmark::DoNotOptimize(bytes.data()); }
  int64_t now_ms() override { return 1; }
  void wake_in(uint64_t /*ms*/) override {}
  void on_unknown(std::string_view line) override { benchmark::DoNotOptimize(line.data()); }
  void on_restart() override {}
  void on_silent() override {}
  void on_proved() override {}
  Line() {
    for (const char* prefix : {"+CREG:", "+CGREG:", "+CEREG:", "+CPIN:"})
      engine.on_urc(prefix, [](std::string_view line, std::string_view) { benchmark::DoNotOptimize(line.data()); });
    engine.opened();
    engine.prove();
    engine.received("\r\n+CMEE: 1\r\n\r\nOK\r\n");
  }
};

void signal(benchmark::State& state) {
  Line line;
  for (auto _ : state) {
    AtExchange ask;
    ask.command = "AT+CSQ";
    ask.forms = {{"+CSQ: n,n"}};
    ask.done = [](const AtResult& r) { benchmark::DoNotOptimize(r.lines.data()); };
    if (line.engine.submit(std::move(ask)) == 0) state.SkipWithError("refused");
    line.engine.received("\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
  }
}
BENCHMARK(signal);

// The one exchange of an idle modem.
void all_that_changes(benchmark::State& state) {
  Line line;
  for (auto _ : state) {
    AtExchange ask;
    ask.command = "AT+CSQ;+CREG?;+CGREG?;+CEREG?;+COPS?;+QCSQ;+CBC;+QTEMP;+CPIN?";
    ask.forms = {{"+CSQ: n,n"},  {"+CREG: n,n,*"}, {"+CGREG: n,n,*"}, {"+CEREG: n,n,*"}, {"+COPS: n,*"},
                 {"+QCSQ: t,*"}, {"+CBC: w,w,w"},  {"+QTEMP: *"},     {"+CPIN: *"}};
    ask.done = [](const AtResult& r) { benchmark::DoNotOptimize(r.lines.data()); };
    if (line.engine.submit(std::move(ask)) == 0) state.SkipWithError("refused");
    line.engine.received(
        "\r\n+CSQ: 20,99\r\n\r\n+CREG: 2,1,\"1C28\",\"06C4E907\",7\r\n\r\n+CGREG: 2,1,\"1C28\",\"06C4E907\",7\r\n"
        "\r\n+CEREG: 2,1,\"1C28\",\"06C4E907\",7\r\n\r\n+COPS: 0,0,\"CHINA MOBILE\",7\r\n"
        "\r\n+QCSQ: \"LTE\",-73,-88,195,-6\r\n\r\n+CBC: 0,75,3890\r\n\r\n+QTEMP: 31,31,30\r\n\r\n+CPIN: "
        "READY\r\n\r\nOK\r\n");
  }
}
BENCHMARK(all_that_changes);

// A line of a storm that nobody knows.
void unknown_line(benchmark::State& state) {
  Line line;
  for (auto _ : state) line.engine.received("\r\n+QSTORM: 4711\r\n");
}
BENCHMARK(unknown_line);

}  // namespace
