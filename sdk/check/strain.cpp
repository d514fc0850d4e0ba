// What goes wrong around an instance: no room, a stop at the wrong moment, broken configurations, a host that refuses.
#include "check_use.hpp"
#include "config.hpp"
#include "process_state.hpp"
#include "scenarios.hpp"
#include "uses.hpp"

namespace dtu::check {
namespace {

constexpr milliseconds settle(30);
constexpr uint64_t refusals_max = 3;  // of each function
constexpr int warm_up = 5;
constexpr size_t rounds_max = 200;
constexpr size_t rounds_least = 20;  // fewer say nothing of memory
constexpr milliseconds rounds_budget(2000);
constexpr size_t growth_max = 64;  // bytes an instance
constexpr size_t messages_warm_up = 640, messages_max = 2560, messages_least = 640;
constexpr size_t message_growth_max = 32;  // bytes a message

bool begun(Subject& s, const std::string& config) {
  if (!s.create(config)) return false;
  s.start();
  s.bench().run_for(settle);
  return true;
}

std::string nested(const std::string& open, size_t n) {
  std::string out;
  for (size_t k = 0; k < n; ++k) out += open;
  return out;
}

struct Broken {
  const char* name;
  std::string text;
  bool is_object;  // some plugins have no settings, and look at none
};
std::vector<Broken> broken_texts() {
  return {{"nothing", "", false},
          {"half an object", "{", false},
          {"half a text", "{\"a\": \"", false},
          {"an array", "[]", false},
          {"null", "null", false},
          {"a number", "42", false},
          {"a text", "\"text\"", false},
          {"bytes that are no UTF-8", "{\"\xFF\xFE\": \"\xC0\x80\"}", true},
          {"a NUL inside", std::string("{\"a\":\0 1}", 9), false},
          {"1000 arrays in each other", "{\"a\": " + nested("[", 1000) + nested("]", 1000) + "}", true},
          {"1000 objects begun", nested("{\"a\":", 1000), false},
          {"an empty object", "{}", true},
          {"a megabyte of blanks", std::string(size_t{1} << 20U, ' '), false}};
}

void try_configuration(Bench& b, const std::string& name, const std::string& text, bool may_be_accepted) {
  b.step("with " + name + " as its configuration");
  const auto told = checked(b, text);
  Subject s(b, "an instance");
  const bool lives = s.create(text);
  compare(b, name, told, s);
  if (!lives) return;
  if (!may_be_accepted && b.job.takes_settings)
    b.found("config.accepted", "create() accepted " + name + " as its configuration");
  s.stop();
  s.destroy();
}

}  // namespace

namespace strain {

void pressure(Stage& stage) {
  Bench& b = stage.bench();
  Subject s(b, "instance 1");
  if (!begun(s, b.job.config)) return;
  press_channel(s);
  press_ports(s);
  s.end();
}

void under_load(Stage& stage) {
  Bench& b = stage.bench();
  Subject s(b, "instance 1");
  if (!begun(s, b.job.config)) return;
  load_channel(s);
  load_ports(s);
  s.end();
  b.run_for(settle);
}

void secrets(Stage& stage) {
  if (stage.job.secret_config.empty()) return;
  Bench& b = stage.bench();
  Subject s(b, "instance 1");
  if (begun(s, b.job.secret_config)) {
    s.health();
    use_all(s, Depth::light);
    s.end();
  }
  b.look_through_records();
}

void broken_configurations(Stage& stage) {
  Bench& b = stage.bench();
  for (const Broken& broken : broken_texts()) try_configuration(b, broken.name, broken.text, broken.is_object);
  const Schema schema(b.part.component().config_schema);
  for (const std::string& property : schema.properties())
    for (const char* value : {"null", "[]", "{}", "\"text\"", "\"\"", "-1", "1e300", "18446744073709551616", "true"}) {
      const std::string text = "{" + json_text(property) + ": " + value + "}";
      try_configuration(b, text, text, true);
    }
}

// Its whole use again and again, with one host call after the other failing, like a test of memory that runs short.
void refusal(Stage& stage) {
  stage.job.patience_ms = 200;  // what a refusal left undone need not come
  stage.job.up_ms = std::min(stage.job.up_ms, 200);
  Bench& b = stage.bench();
  for (uint64_t nth = 1; nth <= refusals_max; ++nth) {
    const ProcessState before = ProcessState::now();
    b.step("with " + b.job.refused + " failing, time " + std::to_string(nth));
    b.refuse(b.job.refused, nth);
    Subject s(b, "an instance");
    if (s.create(b.job.config)) {
      s.start();
      b.run_for(settle);
      use_all(s, Depth::light);
      s.end();
    }
    const bool reached = b.times_called(b.job.refused) >= nth;
    b.refuse("", 0);
    if (!b.run_until([&] { return count_threads() <= before.threads; }, milliseconds(1000)))
      b.found("leak.threads", "threads still run after an instance was refused " + b.job.refused);
    if (!reached) return;
  }
}

// What is kept of each message, for ever.
void messages(Stage& stage) {
  Bench& b = stage.bench();
  Subject s(b, "instance 1");
  if (!begun(s, b.job.config)) return;
  const auto heap = [&] {
    b.state.forget_past();  // our own memory is not to be counted
    return heap_in_use();
  };
  if (carry_many(s, messages_warm_up, rounds_budget) == messages_warm_up) {
    const size_t before = heap(), carried = carry_many(s, messages_max, rounds_budget), after = heap();
    if (carried >= messages_least && after > before && (after - before) / carried >= message_growth_max)
      stage.wire.finding("leak.memory", std::to_string((after - before) / carried) +
                                            " bytes are left behind for each message, over " + std::to_string(carried) +
                                            " messages");
  }
  s.end();
}

void rounds(Stage& stage) {
  const auto until = std::chrono::steady_clock::now() + rounds_budget;
  const auto live = [&] {
    Bench& b = stage.bench();
    Subject s(b, "an instance");
    if (s.create(b.job.config)) {
      s.start();
      s.end();
    }
    stage.benches.clear();  // its memory is not to be counted
  };
  for (int k = 0; k < warm_up; ++k) live();
  const auto descriptors = open_descriptors();
  const size_t before = heap_in_use();
  size_t lives = 0;
  for (; lives < rounds_max && std::chrono::steady_clock::now() < until; ++lives) live();
  const size_t after = heap_in_use();
  const std::string each = " for each instance, over " + std::to_string(lives) + " lives";
  if (lives >= rounds_least && after > before && (after - before) / lives >= growth_max)
    stage.wire.finding("leak.memory", std::to_string((after - before) / lives) + " bytes are left behind" + each);
  const auto left = open_descriptors();
  if (lives != 0 && left.size() >= descriptors.size() + lives)
    stage.wire.finding("leak.descriptors", "one descriptor or more is left open" + each + "; the last one leads to " +
                                               left.rbegin()->second);
}

}  // namespace strain
}  // namespace dtu::check
