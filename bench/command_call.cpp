// What the kernel itself costs a command: access, the schema of its arguments, the queues, the audit, the answer. The
// command is one of the kernel that answers at once. Also counts allocations. "every_schema_anew" is what a call costs
// whose schema is compiled for it, for the ratio.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "allocations.hpp"
#include "commands/calls.hpp"

namespace {

using namespace dtud;
using namespace dtud::commands;

// As long as one of command-dtu's: a few members, limits, one of them required.
constexpr char kSchema[] = R"({"type": "object", "required": ["number", "sms_msg"], "additionalProperties": false,
  "properties": {"number": {"type": "string", "minLength": 1, "maxLength": 32},
                 "sms_msg": {"type": "string", "maxLength": 1024}, "flash": {"type": "boolean"},
                 "class": {"type": "integer", "minimum": 0, "maximum": 3}}})";
constexpr char kArguments[] = R"({"number": "17201593988", "sms_msg": "the pump has stopped", "class": 1})";

void call(benchmark::State& state, const char* schema, bool anew) {
  Lane lane("bench");
  Log log{Level::error, false};
  Directory directory;
  Access access;
  Calls calls(lane, log, directory, access);
  const auto offer = [&] {
    Command c;
    c.name = "bench.call";
    c.arguments = std::make_shared<Arguments>(schema);
    c.builtin = [](const std::string& /*args*/, const Caller& /*caller*/, const Done& done) {
      done({DTU_OK, "1", ""});
    };
    if (!directory.add(std::move(c)).empty()) std::abort();
  };
  offer();
  uint64_t before = 0;
  for (auto _ : state) {
    if (anew) {
      directory = Directory();
      offer();
    }
    bool answered = false;
    Request request;
    request.command = "bench.call";
    request.args = kArguments;
    request.caller = {Caller::Kind::channel, 1, 0, "channel 1"};
    if (calls.invoke(request, nullptr, [&](const Answer& a) { answered = a.status == DTU_OK; }).status != DTU_OK)
      std::abort();
    while (!answered) calls.deliver();
    if (before == 0) before = allocations;  // not those of the first call, which compiles
  }
  const auto calls_counted = static_cast<double>(state.iterations() > 1 ? state.iterations() - 1 : 1);
  state.counters["allocations"] = static_cast<double>(allocations - before) / calls_counted;
}

BENCHMARK_CAPTURE(call, without_a_schema, "", false);
BENCHMARK_CAPTURE(call, with_a_schema, kSchema, false);
BENCHMARK_CAPTURE(call, every_schema_anew, kSchema, true);

}  // namespace
