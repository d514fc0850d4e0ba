// An upgrade with a clock, a board and an errand that do what the test says.
#pragma once
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <deque>
#include <fstream>
#include <memory>

#include "config/json_text.hpp"
#include "temp_dir.hpp"
#include "upgrade/upgrade.hpp"

namespace dtud::upgrade {

using testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;

struct World : Surroundings {
  int64_t now = kSecond, clock = 1'795'132'800, alarm = 0;
  std::string boot = "boot-1";
  std::deque<std::string> jobs;  // of errands begun and not ended by the test
  bool told_to_end = false;
  std::string no_errand;
  FactsByKind board{{"firmware", {"1", "A", true, false}}};
  bool silent = false;
  std::function<void(const FactsByKind&)> open_facts;
  commands::Done installing;
  Image installed;
  commands::Done cancelling;
  std::map<std::string, double> points;
  uint64_t room = 1U << 30U;
  std::string restarted;
  int restarts = 0, marks = 0;
  bool healthy = false, mark_fails = false, can_cancel = true;
  bool slow = false;                       // what goes to the disk waits
  std::deque<std::function<void()>> disk;  // for the test to let it

  void on_disk(std::function<bool()> job, std::function<void(bool)> then) override {
    if (!slow) return then(job());
    disk.push_back([job = std::move(job), then = std::move(then)] { then(job()); });
  }
  // The disk took the first of what waits.
  void written() {
    ASSERT_FALSE(disk.empty());
    const auto first = std::move(disk.front());
    disk.pop_front();
    first();
  }
  int64_t now_ns() override { return now; }
  int64_t unix_s() override { return clock; }
  std::string boot_id() override { return boot; }
  uint32_t random() override { return 0; }
  void wake_at(int64_t ns) override { alarm = ns; }
  void changed(bool) override {}
  void say(Level, const std::string&) override {}
  std::string begin_errand(const std::string& job) override {
    if (!no_errand.empty()) return no_errand;
    jobs.push_back(job);
    told_to_end = false;
    return {};
  }
  void end_errand() override { told_to_end = true; }
  void drop_errand() override { jobs.clear(); }
  void facts(std::function<void(const FactsByKind&)> done) override {
    if (silent)
      open_facts = std::move(done);
    else
      done(board);
  }
  void install(const Image& image, uint32_t, commands::Done done) override {
    installed = image;
    installing = std::move(done);
  }
  bool cancel_install(commands::Done done) override {
    cancelling = std::move(done);
    return can_cancel;
  }
  void mark_good(const std::string&, commands::Done done) override {
    ++marks;
    done(mark_fails ? commands::Answer{DTU_E_IO, "", "no mark"} : commands::Answer{});
  }
  void read_point(const std::string& name, std::function<void(std::optional<double>)> done) override {
    done(points.count(name) != 0 ? std::optional<double>(points[name]) : std::nullopt);
  }
  std::optional<uint64_t> free_bytes(const std::string&) override { return room; }
  void restart(const std::string& how) override {
    restarted = how;
    ++restarts;
  }
  std::string restart_rule() override { return "dtud"; }
  Health health() override { return healthy ? Health::proven : Health::unproven; }
};

struct Steps : testing::Test {
  TempDir dir;
  World world;
  config::UpgradeConfig rules;
  std::unique_ptr<Upgrade> upgrade;

  void SetUp() override {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
  // dtud starts (anew).
  void start() {
    if (upgrade != nullptr) upgrade->stop();
    world.alarm = 0;
    world.restarted.clear();
    upgrade = std::make_unique<Upgrade>(world, rules, dir.path("upgrade"));
    upgrade->start();
  }
  commands::Answer order(const std::string& more = "", const std::string& source = "console",
                         const Upgrade::Switches& switches = {}) {
    const config::Json args =
        config::parse_trusted(R"({"url": "https://h/f", "version": "2", "sha256": ")" + std::string(64, 'a') + "\"" +
                              (more.empty() ? "" : ", " + more) + "}");
    const auto answer = std::make_shared<commands::Answer>(commands::Answer{DTU_PENDING, "", "not answered"});
    upgrade->order(*config::as_object(args), source, switches, [answer](const commands::Answer& a) { *answer = a; });
    return *answer;
  }
  [[nodiscard]] std::string member(const std::string& name) const {
    const config::Json state = config::parse_trusted(upgrade->state());
    const config::Json value = config::as_object(state)->get(name);
    return value.isEmpty() ? "" : value.isString() ? value.extract<std::string>() : config::to_json(value);
  }
  [[nodiscard]] std::string step() const { return member("step"); }
  [[nodiscard]] std::string job(const std::string& name) const {
    if (world.jobs.empty()) return "no job";
    const config::Json job = config::parse_trusted(world.jobs.back());
    const config::Json value = config::as_object(job)->get(name);
    return value.isEmpty() ? "" : value.isString() ? value.extract<std::string>() : config::to_json(value);
  }
  // The errand ends with this last word.
  void ends(const std::string& word) {
    world.jobs.clear();
    if (!word.empty()) upgrade->errand_said(word);
    upgrade->errand_ended("exit status 0");
  }
  void fails(const std::string& text, const std::string& more = R"("again": true)") {
    ends(R"({"say": "failed", "text": ")" + text + "\", " + more + "}");
  }
  void said(const std::string& line) { upgrade->errand_said(line); }
  void put_file(size_t bytes) { std::ofstream(dir.path("upgrade/image")) << std::string(bytes, 'x'); }
  // Time passes to the alarm.
  void wait_for_alarm() {
    ASSERT_NE(world.alarm, 0);
    const int64_t by = std::max<int64_t>(world.alarm - world.now, 0);
    world.now += by;
    world.clock += (by + kSecond - 1) / kSecond;
    world.alarm = 0;
    upgrade->wake();
  }
  void to_installing() {
    start();
    ASSERT_EQ(order().status, DTU_OK);
    put_file(10);
    ends(R"({"say": "done"})");
    ends(R"({"say": "done", "checked": ["sha256"], "size": 10, "sha256": ")" + std::string(64, 'a') + "\"}");
    ASSERT_EQ(step(), "installing");
  }
  void answer_install(const commands::Answer& answer) { std::exchange(world.installing, nullptr)(answer); }
  void to_confirming() {
    to_installing();
    answer_install({});
    ASSERT_EQ(step(), "restarting");
    world.board["firmware"] = {"2", "B", false, false};
    start();
    ASSERT_EQ(step(), "confirming");
  }
};

}  // namespace dtud::upgrade
