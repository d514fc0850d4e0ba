// The life of an instance, in every order.
#include "process_state.hpp"
#include "scenarios.hpp"
#include "uses.hpp"

namespace dtu::check {
namespace {

constexpr milliseconds settle(30);
constexpr milliseconds last_words(100);   // for late calls to show
constexpr milliseconds thread_end(1000);  // for threads that are on their way out

// With what belongs to the process looked at before and after.
void watched(Bench& b, const std::function<void()>& body) {
  const ProcessState before = ProcessState::now();
  body();
  b.run_for(last_words);
  for (const auto& [rule, what] : changes(before, ProcessState::now())) b.found(rule, "an instance " + what);
  if (!b.run_until([&] { return count_threads() <= before.threads; }, thread_end))
    b.found("leak.threads", std::to_string(count_threads() - before.threads) + " threads still run after destroy()");
  if (const size_t children = count_children(); children != 0)
    b.found("leak.children", std::to_string(children) + " child processes are left after destroy()");
  b.look_through_records();
}

bool begin(Subject& s) {
  if (!s.create(s.bench().job.config)) {
    if (s.status() == DTU_E_EXCEPTION) return false;  // said already
    s.bench().found("life.create", s.in("create()") + " failed with a valid configuration: " +
                                       std::to_string(s.status()) + " " + s.error());
    return false;
  }
  if (s.start()) return true;
  if (s.status() != DTU_E_EXCEPTION)
    s.bench().found("life.start", s.in("start()") + " failed: " + std::to_string(s.status()) + " " + s.error());
  s.end();
  return false;
}

// For scenarios that come after "one life" and need not say again what it said.
bool begun(Subject& s) {
  if (!s.create(s.bench().job.config)) return false;
  s.start();
  s.bench().run_for(settle);
  return true;
}

}  // namespace

namespace life {

void plain(Stage& stage) {
  Bench& b = stage.bench();
  watched(b, [&] {
    Subject s(b, "instance 1");
    if (!begin(s)) return;
    b.fact("lives", "1");
    if (s.wait_up(milliseconds(b.job.up_ms))) {
      b.fact("up", "1");
    } else if (b.part.is_channel()) {
      b.found("data.not-up", s.name() + " did not come up within " + std::to_string(b.job.up_ms) + " ms");
    }
    b.run_for(settle);
    s.health();
    s.end();
  });
}

void use(Stage& stage) {
  Bench& b = stage.bench();
  b.refuse("", 0);  // counts from here
  watched(b, [&] {
    Subject s(b, "instance 1");
    if (!begin(s)) return;
    use_all(s, Depth::thorough);
    s.end();
  });
  std::string called;
  for (const char* function : {"buf_alloc",
                               "emit",
                               "reply",
                               "post",
                               "timer.create",
                               "timer.arm",
                               "fd.add",
                               "fd.modify",
                               "kv.get",
                               "kv.change",
                               "folder.path",
                               "metrics.add",
                               "invoke.invoke",
                               "invoke.read_point",
                               "invoke.write_point",
                               "invoke.list_points",
                               "link.to_port",
                               "link.to_channel",
                               "service " DTU_TIMER_SERVICE,
                               "service " DTU_FD_SERVICE,
                               "service " DTU_POST_SERVICE,
                               "service " DTU_KV_SERVICE,
                               "service " DTU_FOLDER_SERVICE,
                               "service " DTU_METRICS_SERVICE,
                               "service " DTU_INVOKE_SERVICE,
                               "service " DTU_LINK_SERVICE})
    if (b.times_called(function) != 0) called += std::string(function) + "\n";
  b.fact("called", called);
}

void not_started(Stage& stage) {
  Bench& b = stage.bench();
  Subject s(b, "instance 1");
  if (s.create(b.job.config)) s.destroy();
  b.run_for(settle);
}

void stopped_unstarted(Stage& stage) {
  Bench& b = stage.bench();
  Subject s(b, "instance 1");
  if (!s.create(b.job.config)) return;
  s.stop();
  s.destroy();
  b.run_for(settle);
}

void destroyed_at_once(Stage& stage) {
  Bench& b = stage.bench();
  Subject s(b, "instance 1");
  if (!begun(s)) return;
  use_all(s, Depth::light);
  s.stop(false);
  s.destroy();
  b.run_for(last_words);
}

void stopped_twice(Stage& stage) {
  Bench& b = stage.bench();
  Subject s(b, "instance 1");
  if (!begun(s)) return;
  s.stop();
  s.stop();
  s.destroy();
  b.run_for(settle);
}

void restarted(Stage& stage) {
  Bench& b = stage.bench();
  for (int n = 1; n <= 3; ++n) {
    Subject s(b, "instance " + std::to_string(n));
    b.step("life " + std::to_string(n) + " in one process");
    if (!begin(s)) return;
    use_all(s, Depth::light);
    s.end();
  }
}

void two_instances(Stage& stage) {
  Bench& b = stage.bench();
  Subject first(b, "instance 1");
  Subject second(b, "instance 2");
  if (!first.create(b.job.config)) return;
  const bool created = second.create(b.job.config);
  const bool started = created && first.start() && second.start();
  if (!started) {
    b.found("check.skipped", "a second instance did not start while the first ran (" + second.error() +
                                 "): give a configuration that two instances can share");
    second.end();
    return first.end();
  }
  b.run_for(settle);
  use_all(first, Depth::light);
  use_all(second, Depth::light);
  use_all(first, Depth::light);
  b.step("after instance 1 was destroyed");
  first.end();
  use_all(second, Depth::light);
  Subject third(b, "instance 3");
  b.step("with instance 3 in the place of instance 1");
  if (third.create(b.job.config) && third.start()) use_all(third, Depth::light);
  use_all(second, Depth::light);
  second.end();
  use_all(third, Depth::light);
  third.end();
  b.run_for(settle);
}

}  // namespace life
}  // namespace dtu::check
