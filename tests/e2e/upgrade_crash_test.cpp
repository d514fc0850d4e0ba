// Upgrades and kills: dtud or dtu-fetch dies at any moment, and afterwards the upgrade goes on, or is reported as
// failed.
#include <signal.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>

#include "harness/upgrade.hpp"

namespace e2e {
namespace {

using http_test::Asked;
using http_test::Peer;
using http_test::Server;

struct UpgradeKilled : UpgradeTest {
  std::string file = firmware("2", 200'000);
  std::atomic<bool> let_go{false};
  // The first half at once, the rest when the test lets it go.
  Server server{[this](Peer& peer, int) {
    const auto a = peer.read();
    if (!a) return;
    asked.add(*a);
    const std::string whole = serve(*a, file);
    if (let_go) {
      peer.write(whole);
    } else {
      peer.write(whole.substr(0, whole.size() / 2));
      peer.wait_closed();
    }
  }};
  void order_half() {
    stall_s = 60;
    ASSERT_NO_FATAL_FAILURE(start());
    ordered(order_of(server.url("/fw"), file));
    ASSERT_TRUE(eventually([&] { return number(state(), "bytes") > 90'000; })) << to_json(state());
  }
  // The process that dtud runs, 0 = none.
  [[nodiscard]] pid_t child() {
    const std::string pid = std::to_string(dtud.process().pid());
    std::ifstream list("/proc/" + pid + "/task/" + pid + "/children");
    pid_t found = 0;
    list >> found;
    return found;
  }
};

TEST_F(UpgradeKilled, DtudInTheMiddleOfTheDownload) {
  ASSERT_NO_FATAL_FAILURE(order_half());
  const pid_t fetching = child();
  ASSERT_GT(fetching, 0);
  dtud.kill();
  EXPECT_TRUE(eventually([&] { return ::kill(fetching, 0) != 0; })) << "dtu-fetch outlives dtud";
  let_go = true;
  dtud.start();
  expect_end("took");
  const auto ranges = asked.ranges();
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_GE(std::stoul(ranges[1].substr(6)), 90'000U) << "goes on where it was: " << ranges[1];
  stop();
}

TEST_F(UpgradeKilled, DtudIsStoppedInTheMiddleOfTheDownload) {
  ASSERT_NO_FATAL_FAILURE(order_half());
  const pid_t fetching = child();
  stop();
  EXPECT_NE(::kill(fetching, 0), 0) << "dtu-fetch outlives dtud";
  let_go = true;
  dtud.start();
  expect_end("took");
  EXPECT_NE(asked.ranges().back(), "");
  stop();
}

TEST_F(UpgradeKilled, DtuFetchInTheMiddleOfTheDownload) {
  ASSERT_NO_FATAL_FAILURE(order_half());
  let_go = true;
  ASSERT_EQ(::kill(child(), SIGKILL), 0);
  expect_end("took");
  EXPECT_NE(asked.ranges().back(), "");
  EXPECT_NE(dtud.log().find("ended without a result (signal 9)"), std::string::npos);
  stop();
}

// After a power cut only what was synced is believed: the machine's boot id is another.
TEST_F(UpgradeKilled, AfterAPowerCutOnlyWhatWasSyncedCounts) {
  ASSERT_NO_FATAL_FAILURE(order_half());
  dtud.kill();
  const std::string kept = dtud.path("state/upgrade/order.json");
  std::string record = read_file(kept);
  const size_t at = record.find("\"synced_boot\":\"");
  ASSERT_NE(at, std::string::npos) << record;
  record.replace(at + 15, 4, "0000");
  write_file(kept, record);
  let_go = true;
  dtud.start();
  expect_end("took");
  EXPECT_EQ(asked.ranges().back(), "") << "nothing was synced yet";
  stop();
}

TEST_F(UpgradeKilled, CancelledInTheMiddleOfTheDownload) {
  ASSERT_NO_FATAL_FAILURE(order_half());
  const pid_t fetching = child();
  EXPECT_EQ(dtud.dtuctl({"upgrade", "cancel"}).status, 0);
  expect_end("cancelled");
  EXPECT_NE(::kill(fetching, 0), 0);
  let_go = true;
  ordered(order_of(server.url("/fw"), file));
  expect_end("took");
  EXPECT_EQ(asked.ranges().back(), "") << "what was cancelled is gone";
  stop();
}

TEST(UpgradeRecord, OneThatIsBrokenKeepsNobodyFromGoingOn) {
  Dtud dtud;
  dtud.hal(R"({"type": "sim"})");
  std::filesystem::create_directories(dtud.path("state/upgrade"));
  for (const std::string& broken : {std::string("{"), std::string(100, '\0'), std::string(R"({"step": "took"})"),
                                    std::string(R"({"step": "x", "order": {}})")}) {
    write_file(dtud.path("state/upgrade/order.json"), broken);
    dtud.start();
    EXPECT_EQ(text(parse_json(dtud.get("/v1/upgrade").body), "step"), "idle");
    EXPECT_NE(dtud.log().find("the result of the last order is unknown"), std::string::npos);
    EXPECT_EQ(dtud.stop(), 0);
  }
}

// One life of a dtud that upgrades, with the power cut at the given step towards the disk, in dtud (also after it
// started itself anew) or in dtu-fetch. True: the step was reached.
bool cut_at(int cut, std::string& wrong) {
  const std::string file = firmware("2", 300);
  const Server server(Server::replies([&](const Asked& a) { return serve(a, file); }));
  TcpServer boss;
  Dtud dtud;
  dtud.hal(R"({"type": "sim", "firmware": {"install_ms": 0}})").board(R"("upgrade": {"retry_s": 1})");
  dtud.device(R"({"conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" + std::to_string(boss.port()) +
              "}}}");
  dtud.environment({"LD_PRELOAD=" E2E_CRASH_AT, "ASAN_OPTIONS=verify_asan_link_order=0",
                    "CRASH_ARMED=" + dtud.path("armed"), "CRASH_AT=" + std::to_string(cut)});
  dtud.start();
  const auto state = [&] { return parse_json(dtud.get("/v1/upgrade").body); };
  const auto order = [&] {
    return text(parse_json(dtud.post("/v1/call", R"({"command": "upgrade.start", "args": )" +
                                                     UpgradeTest::order_of(server.url(), file) + "}")
                               .body),
                "status");
  };
  if (!eventually([&] { return text(state(), "runs.firmware") == "1"; })) wrong = "no firmware: " + to_json(state());
  if (!eventually([&] { return number(dtud.status(), "config.revision") > 0; })) wrong = "nothing recorded";
  write_file(dtud.path("armed"), "");
  const bool taken = order() == "ok";
  const auto over = [&] { return text(state(), "over") == "true"; };
  if (taken && !eventually([&] { return !dtud.process().running() || over(); })) wrong = "neither dead nor over";
  const auto reached = [&] { return read_file(dtud.path("armed")).size() >= static_cast<size_t>(cut); };
  // The last steps come when it is over for others already.
  if (reached())
    (void)eventually([&] { return !dtud.process().running(); }, std::chrono::milliseconds(taken ? 200 : 5000));
  if (!dtud.process().running()) {
    if (const int status = dtud.process().wait(); status != 128 + SIGKILL)
      wrong = "ended with " + std::to_string(status);
    dtud.environment({});
    dtud.start();
    // An order that was not answered may be known all the same; one that is not is given again.
    Json seen;  // one state: a moment later dtud may restart, as the order says
    const auto knows = [&] { return text(seen = state(), "runs.firmware") != ""; };
    if (!eventually(knows)) wrong = "no firmware: " + to_json(seen);
    if (number(seen, "id") < 1 && order() != "ok") wrong = "not taken after the power cut";
  } else if (!taken) {
    wrong = "not taken";
  }
  if (!eventually(over)) wrong = "not over: " + to_json(state());
  const Json last = state();
  const std::string step = text(last, "step"), runs = text(last, "runs.firmware");
  if (!(step == "took" && runs == "2") && !((step == "rolled_back" || step == "failed") && runs == "1"))
    wrong = "half applied: " + to_json(last);
  // And it stays so.
  if (const int status = dtud.stop(); status != 0 && status != 128 + SIGKILL) wrong = "does not stop";
  dtud.environment({});
  dtud.start();
  if (!eventually([&] { return text(state(), "runs.firmware") == runs; })) wrong = "runs another after one more start";
  if (text(state(), "step") != step) wrong = "ended another way after one more start: " + to_json(state());
  if (std::filesystem::exists(dtud.path("state/upgrade/image"))) wrong = "the file is left behind";
  if (!wrong.empty()) wrong += "\n" + dtud.log();
  return reached();
}

TEST(UpgradePowerCut, AtEveryStep) {
  constexpr int kAtOnce = 8;
  bool reached = true;
  int cut = 1;
  for (; reached; cut += kAtOnce) {
    ASSERT_LT(cut, 300) << "the steps do not end";
    std::array<std::string, kAtOnce> wrong;
    std::array<std::future<bool>, kAtOnce> lives;
    for (size_t i = 0; i < kAtOnce; ++i)
      lives.at(i) = std::async(std::launch::async, [&, i] { return cut_at(cut + static_cast<int>(i), wrong.at(i)); });
    for (size_t i = 0; i < kAtOnce; ++i) {
      reached = lives.at(i).get();
      EXPECT_EQ(wrong.at(i), "") << "cut at step " << cut + static_cast<int>(i);
    }
  }
  RecordProperty("steps", cut);
  EXPECT_GE(cut, 40) << "an upgrade takes more steps than that";
}

}  // namespace
}  // namespace e2e
