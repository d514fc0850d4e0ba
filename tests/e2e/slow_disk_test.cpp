// A disk that takes 300 ms to sync: dtud's main thread does not wait for it, answers come when what they promise is on
// disk, and a kill leaves what was answered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <sstream>
#include <string>
#include <vector>

#include "harness/build.hpp"
#include "harness/dtud.hpp"
#include "harness/http.hpp"
#include "harness/trials.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct SlowDisk : Trials {
  // The disk is slow from the start on, and what is done to it is listed once dtud carries data.
  void begin_slow(const std::string& more = "") {
    dtud.environment({"LD_PRELOAD=" E2E_SLOW_DISK, "ASAN_OPTIONS=verify_asan_link_order=0", "SLOW_DISK_MS=300",
                      "SLOW_DISK_LOG=" + dtud.path("steps")});
    ASSERT_NO_FATAL_FAILURE(start(more));
    ASSERT_TRUE(eventually([&] { return read_file(dtud.path("state/history/ran")) == "1\n"; }));
    write_file(dtud.path("steps"), "");
  }
  // Of the state and of the device file, by the main thread of dtud, or by any other one.
  [[nodiscard]] std::vector<std::string> steps(bool of_main) {
    std::vector<std::string> out;
    std::istringstream lines(read_file(dtud.path("steps")));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream parts(line);
      long pid = 0, tid = 0;
      std::string what, file;
      parts >> pid >> tid >> what >> file;
      const bool ours = file.find(dtud.path("state")) == 0 || file.find("dtu_config.json") != std::string::npos;
      if (pid == dtud.process().pid() && ours && (tid == pid) == of_main) out.push_back(what + " " + file);
    }
    return out;
  }
  // What was done since the last look was done, and not by the main thread.
  void look(const std::string& file) {
    EXPECT_THAT(steps(true), IsEmpty());
    EXPECT_THAT(steps(false), testing::Contains(HasSubstr(file)));
    write_file(dtud.path("steps"), "");
  }
};

TEST_F(SlowDisk, IsNotWaitedForByTheMainThread) {
  ASSERT_NO_FATAL_FAILURE(begin_slow(R"(, "confirm_s": 600)"));

  EXPECT_EQ(dtud.dtuctl({"config", "set", "version=\"2\"", "password=\"new\""}).status, 0);
  look("history/00000002.json");
  EXPECT_EQ(dtud.dtuctl({"config", "rollback"}).status, 0);
  look("dtu_config.json");

  // A change over the channel, which passes its trial at once: the channel stays up.
  EXPECT_EQ(number(order("54", R"({"version": "3"})"), "status"), 1);
  look("trial.json");
  ASSERT_TRUE(eventually([&] { return text(state(), "applied") == "true" && text(state(), "trial") == ""; }));
  look("unproven.json");

  EXPECT_EQ(number(order("51", R"({"new_password": "pw2"})"), "status"), 1);
  EXPECT_EQ(dtud.get("/v1/audit").status, 200);
  EXPECT_THAT(steps(false), testing::Contains(HasSubstr("history/00000005.json")));
  look("audit.log");
  ASSERT_TRUE(eventually([&] { return text(state(), "applied") == "true" && text(state(), "trial") == ""; }));
  look("unproven.json");

  write_file(dtud.path("dtu_config.json"), R"({"uconf": {"1": {}}, "version": "by hand", "conf": {}})");
  EXPECT_EQ(dtud.dtuctl({"config", "reload"}).status, 0);
  look("history/00000006.json");
  write_file(dtud.path("dtu_config.json"), "no document");
  EXPECT_EQ(dtud.dtuctl({"config", "set", "plate=1"}).status, 0);
  look("dtu_config.json.rejected");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(SlowDisk, AtAChangeThatIsUndoneIsNotWaitedForByTheMainThread) {
  ASSERT_NO_FATAL_FAILURE(begin_slow(R"(, "confirm_s": 1)"));
  ASSERT_NO_FATAL_FAILURE(begin());
  ASSERT_TRUE(eventually([&] { return text(state(), "rolled_back") != ""; }));
  EXPECT_EQ(text(state(), "trial"), "");
  told = boss.accept();
  EXPECT_GE(told.fd(), 0);
  EXPECT_EQ(number(config(), "conf.1.port"), boss.port());
  look("history/00000003.json");
  EXPECT_EQ(read_file(dtud.path("state/trial.json")), "");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(SlowDisk, AtAnUpgradeIsNotWaitedForByTheMainThread) {
  ASSERT_NO_FATAL_FAILURE(begin_slow());
  ASSERT_TRUE(eventually([&] { return text(parse_json(dtud.get("/v1/upgrade").body), "runs.firmware") == "1"; }));
  TcpServer silent;
  const std::string url = "http://127.0.0.1:" + std::to_string(silent.port()) + "/x";
  const HttpAnswer ordered = dtud.post("/v1/call", R"({"command": "upgrade.start", "args": {"url": ")" + url +
                                                       R"(", "version": "9",
        "sha256": ")" + std::string(64, 'a') + "\"}}");
  ASSERT_THAT(ordered.body, HasSubstr(R"("status":"ok")"));
  EXPECT_THAT(read_file(dtud.path("state/upgrade/order.json")), HasSubstr(url)) << "answered before it was stored";
  look("upgrade/order.json");
  const HttpAnswer cancelled = dtud.post("/v1/call", R"({"command": "upgrade.cancel"})");
  EXPECT_THAT(cancelled.body, HasSubstr(R"("status":"ok")"));
  EXPECT_THAT(read_file(dtud.path("state/upgrade/order.json")), HasSubstr(R"("step":"cancelled")"));
  look("upgrade/order.json");
  EXPECT_EQ(dtud.stop(), 0);
}

// What is answered is in the index, and dtud's main thread did not wait for that.
struct SlowDiskPlugins : SlowDisk {
  [[nodiscard]] std::string index() { return read_file(dtud.path("state/plugins/installed.json")); }
  [[nodiscard]] std::string trial() { return read_file(dtud.path("state/plugins/trial.json")); }
  [[nodiscard]] Json upgrade() { return parse_json(dtud.get("/v1/plugins/upgrade").body); }
  void plugins(std::vector<std::string> arguments, const std::string& answer) {
    arguments.insert(arguments.begin(), "plugins");
    const Ran ran = dtud.dtuctl(arguments);
    EXPECT_THAT(ran.output, HasSubstr(answer));
    look("plugins/installed.json");
  }
};

TEST_F(SlowDiskPlugins, InstalledAndRemoved) {
  ASSERT_NO_FATAL_FAILURE(begin_slow());
  plugins({"install", build_of(dtud, "channel-http", "0.2.0")}, "0.2.0");
  EXPECT_THAT(index(), HasSubstr("org.dtukit.channel-http"));
  plugins({"install", build_of(dtud, "channel-http", "0.3.0")}, "0.3.0");
  EXPECT_THAT(index(), HasSubstr(R"("version":"0.3.0")"));
  dtud.kill();
  dtud.start();
  EXPECT_THAT(dtud.get("/v1/plugins").body, HasSubstr("org.dtukit.channel-http"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  write_file(dtud.path("steps"), "");
  plugins({"remove", "org.dtukit.channel-http"}, "org.dtukit.channel-http");
  EXPECT_THAT(index(), HasSubstr(R"("plugins":[])"));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(SlowDiskPlugins, UpgradedAndTakenBack) {
  ASSERT_NO_FATAL_FAILURE(begin_slow());
  plugins({"upgrade", build_of(dtud, "channel-tcp", "0.2.0")}, "0.2.0");
  EXPECT_THAT(index(), HasSubstr(R"("version":"0.2.0")"));
  EXPECT_THAT(trial(), HasSubstr(R"("chosen":true)"));
  plugins({"upgrade", "--rollback", "org.dtukit.channel-tcp"}, "0.1.0");
  EXPECT_THAT(index(), HasSubstr(R"("sha256":"")")) << "the one of the package";
  EXPECT_EQ(trial(), "");
  EXPECT_EQ(dtud.stop(), 0);
}

// A death in the first call into a build must find the build written down.
TEST_F(SlowDiskPlugins, TheTrialIsOnTheDiskBeforeTheBuildIsUsed) {
  ASSERT_NO_FATAL_FAILURE(begin_slow());
  auto answer = std::async(std::launch::async, [this] {
    return dtud.dtuctl({"plugins", "upgrade", E2E_FIXTURES "/tcp_never_up.so", "--timeout", "3"});
  });
  ASSERT_TRUE(eventually([&] { return text(upgrade(), "now") == "channel 1"; }));
  EXPECT_THAT(trial(), HasSubstr(R"("chosen":false)"));
  const auto done = steps(false);
  const auto renamed = std::find(done.begin(), done.end(), "rename " + dtud.path("state/plugins/trial.json"));
  EXPECT_NE(std::find(renamed, done.end(), "fsync " + dtud.path("state/plugins")), done.end());
  EXPECT_THAT(answer.get().output, HasSubstr("org.dtukit.channel-tcp 0.1.0 runs again"));
  EXPECT_THAT(index(), HasSubstr("was not up again")) << "answered before it was marked as failed";
  EXPECT_EQ(trial(), "") << "answered before the trial was over";
  look("plugins/installed.json");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(SlowDisk, AtValuesOfAPluginIsNotWaitedForByTheMainThread) {
  dtud.plugins(kPlugins + "\", \"" E2E_FIXTURES "/kv");
  ASSERT_NO_FATAL_FAILURE(begin_slow());
  for (const std::string type : {"keeps", "keeps-on-its-lane"}) {
    ASSERT_TRUE(eventually([&] { return dtud.get("/v1/commands").body.find(type + ".set") != std::string::npos; }));
    const auto call = [&](const std::string& command) {
      return dtud.post("/v1/call", R"({"command": ")" + type + command + R"(", "args": {"value": "kept"}})").body;
    };
    EXPECT_THAT(call(".set"), HasSubstr(R"("result":true)"));
    EXPECT_EQ(read_file(dtud.path("state/kv/command-" + type + "/value")), "kept") << "answered before it was kept";
    EXPECT_THAT(call(".get"), HasSubstr(R"("result":"kept")"));
    look("kv/command-" + type);
  }
  EXPECT_EQ(dtud.stop(), 0);
}

// What was answered is on disk; what was not is there as a whole, or not at all.
TEST_F(SlowDisk, AKillLeavesWhatWasAnswered) {
  ASSERT_NO_FATAL_FAILURE(begin_slow());
  EXPECT_EQ(dtud.dtuctl({"config", "set", "version=\"2\""}).status, 0);
  dtud.kill();
  dtud.start();
  EXPECT_EQ(text(config(), "version"), "2");
  told = boss.accept();
  ASSERT_EQ(number(order("54", R"({"version": "3"})"), "status"), 1);
  dtud.kill();
  EXPECT_THAT(read_file(dtud.path("state/trial.json")), HasSubstr("channel 1"));
  dtud.start();
  EXPECT_EQ(text(config(), "version"), "3");
  EXPECT_EQ(dtud.stop(), 0);
}

// Changes that come while one is being stored wait for it, in order: none is lost, and none is mixed with another one.
TEST_F(SlowDisk, ChangesThatComeTogetherAreStoredInOrder) {
  ASSERT_NO_FATAL_FAILURE(begin_slow());
  std::vector<std::future<HttpAnswer>> answers;
  for (const char* key : {"version", "plate", "confirm_s"})
    answers.push_back(std::async(std::launch::async, [this, key] {
      const std::string value = std::string(key) == "version" ? "\"2\"" : std::string(key) == "plate" ? "1" : "77";
      return http(dtud.socket(), "PATCH", "/v1/config", "{\"" + std::string(key) + "\": " + value + "}");
    }));
  for (auto& answer : answers) EXPECT_EQ(answer.get().status, 200);
  EXPECT_EQ(number(state(), "revision"), 4);
  EXPECT_EQ(text(config(), "version"), "2");
  EXPECT_EQ(number(config(), "plate"), 1);
  EXPECT_EQ(number(config(), "confirm_s"), 77);
  EXPECT_EQ(dtud.stop(), 0);
}

// A stop lets the change that is being stored end, and its sender is answered.
TEST_F(SlowDisk, AStopLetsAChangeEnd) {
  ASSERT_NO_FATAL_FAILURE(begin_slow());
  const std::string request = R"({"msg_id": 1, "cmd_code": 54, "password": "pw", "data": {"version": "2"}})";
  ASSERT_TRUE(told.write(request));
  ASSERT_TRUE(eventually([&] { return !steps(false).empty(); })) << "it is being stored";
  dtud.process().signal(SIGTERM);
  EXPECT_EQ(number(parse_json(told.read_until("}")), "status"), 1);
  EXPECT_EQ(dtud.process().wait(), 0);
  EXPECT_THAT(read_file(dtud.path("dtu_config.json")), HasSubstr(R"("version": "2")"));
}

}  // namespace
}  // namespace e2e
