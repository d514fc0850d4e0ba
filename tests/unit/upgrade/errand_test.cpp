#include "upgrade/errand.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>

#include "temp_dir.hpp"

namespace dtud::upgrade {
namespace {

struct ErrandTest : testing::Test, Errand::Owner {
  TempDir dir;
  Lane lane{"main"};
  Errand errand{lane, *this};
  std::vector<std::string> lines;
  std::string ended;
  std::function<void()> on_line = [] {};
  uint64_t deadline = lane.timers().create([](void* self) { static_cast<ErrandTest*>(self)->lane.stop(); }, this);

  void errand_said(std::string_view line) override {
    lines.emplace_back(line);
    on_line();
  }
  void errand_ended(const std::string& how) override {
    ended = how;
    lane.stop();
  }
  std::string begin(const std::string& script, const std::string& job = "{}") {
    const std::string path = dir.path("program");
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    ::chmod(path.c_str(), 0755);
    return errand.begin(path, job);
  }
  void run() {
    lane.timers().arm(deadline, monotonic_ns() + 20'000'000'000);
    lane.run();
  }
};

TEST_F(ErrandTest, GetsItsJobAndTellsByLines) {
  ASSERT_EQ(begin("read job; echo \"got $job\"; printf 'a\\nb\\nc'; exit 3", "{\"x\": 1}"), "");
  EXPECT_TRUE(errand.running());
  run();
  EXPECT_EQ(lines, (std::vector<std::string>{"got {\"x\": 1}", "a", "b"})) << "what has no end is no line";
  EXPECT_EQ(ended, "exit status 3");
  EXPECT_FALSE(errand.running());
}

TEST_F(ErrandTest, IsToldToStopByTheEndOfItsInput) {
  ASSERT_EQ(begin("read job; echo up; while read more; do :; done; echo bye"), "");
  on_line = [this] { errand.end(); };
  run();
  EXPECT_EQ(lines, (std::vector<std::string>{"up", "bye"}));
  EXPECT_EQ(ended, "exit status 0");
}

TEST_F(ErrandTest, IsKilledWhenItDoesNotStop) {
  ASSERT_EQ(begin("echo up; exec sleep 1000"), "");
  on_line = [this] { errand.end(); };
  run();
  EXPECT_EQ(ended, "signal 9");
}

TEST_F(ErrandTest, OneThatClosesItsOutputAndGoesOnIsEnded) {
  ASSERT_EQ(begin("exec >&-; exec sleep 1000"), "");
  run();
  EXPECT_EQ(ended, "signal 9");
}

TEST_F(ErrandTest, DroppedItIsGoneAndNothingIsHeardOfIt) {
  ASSERT_EQ(begin("echo $$; exec sleep 1000"), "");
  on_line = [this] {
    errand.drop();
    lane.stop();
  };
  run();
  EXPECT_FALSE(errand.running());
  EXPECT_EQ(ended, "");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(::kill(std::stoi(lines[0]), 0), 0);
}

TEST_F(ErrandTest, AFloodWithoutLinesTakesNoMemory) {
  ASSERT_EQ(begin("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end"), "");
  run();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_LE(lines[0].size(), 8192U);
  EXPECT_EQ(lines[1], "end");
}

TEST_F(ErrandTest, WhatCannotBeRunIsSaidSo) {
  EXPECT_THAT(errand.begin(dir.path("missing"), "{}"), testing::HasSubstr("missing cannot be run: No such file"));
  EXPECT_THAT(begin("true", std::string(40'000, ' ')), testing::HasSubstr("too long"));
  EXPECT_FALSE(errand.running());
}

}  // namespace
}  // namespace dtud::upgrade
