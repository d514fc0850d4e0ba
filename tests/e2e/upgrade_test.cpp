// Upgrades from the order to the version that runs: taken, proven, rolled back, refused, reported.
#include <channel-mqtt/tls_files.hpp>

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "harness/upgrade.hpp"

namespace e2e {
namespace {

using http_test::Asked;
using http_test::Server;

struct Upgrade : UpgradeTest {
  std::string file = firmware("2");
  Server server{Server::replies([this](const Asked& a) {
    asked.add(a);
    const std::string path = a.target.substr(0, a.target.find('?'));
    return path == "/fw.bin" ? serve(a, file) : path == "/fw.bin.sig" ? sig() : http_test::answer(404);
  })};
  std::string signature;
  [[nodiscard]] std::string sig() const {
    return signature.empty() ? http_test::answer(404) : http_test::answer(200, signature);
  }
  [[nodiscard]] std::string good(const std::string& more = "") const {
    return order_of(server.url("/fw.bin?key=secret"), file, more);
  }
  [[nodiscard]] std::string refused(const std::string& json) {
    const Json answer = order(json);
    return text(answer, "status") == "ok" ? "it was taken" : text(answer, "error");
  }
};

TEST_F(Upgrade, TakesAndProvesItselfThroughTheRestart) {
  ASSERT_NO_FATAL_FAILURE(start());
  ordered(good(R"("size": 100000)"));
  expect_end("took");
  const Json last = state();
  EXPECT_EQ(text(last, "checked_by"), "SHA-256");
  EXPECT_EQ(text(last, "confirmed"), "true");
  EXPECT_EQ(text(last, "previous_version"), "1");
  EXPECT_EQ(asked.ranges(), std::vector<std::string>{""});
  EXPECT_EQ(dtud.log().find("secret"), std::string::npos) << "the query of an address may hold a key";
  EXPECT_NE(refused(good()).find("2 is not newer than the running 2: use force"), std::string::npos);
  ordered(good(R"("force": true)"));
  expect_end("took");
  stop();
}

TEST_F(Upgrade, OverTlsWithAnAuthorityOfItsOwn) {
  mqtt_test::TlsFiles files;
  files.issue("good", "IP:127.0.0.1");
  files.issue("other", "DNS:elsewhere.example");
  const Server safe(Server::replies([this](const Asked& a) { return serve(a, file); }), files.file("good.pem"),
                    files.file("good.key"));
  const Server wrong(Server::replies([this](const Asked& a) { return serve(a, file); }), files.file("other.pem"),
                     files.file("other.key"));
  ASSERT_NO_FATAL_FAILURE(start(R"("tls": {"ca": ")" + files.file("ca.pem") + "\"}"));
  ordered(R"({"url": ")" + wrong.url("/x") + R"(", "version": "2", "md5": ")" + md5(file) + "\"}");
  EXPECT_TRUE(eventually([&] { return text(state(), "note").find("certificate") != std::string::npos; }));
  EXPECT_EQ(dtud.dtuctl({"upgrade", "cancel"}).status, 0);
  expect_end("cancelled");
  ordered(R"({"url": ")" + safe.url("/x") + R"(", "version": "2", "md5": ")" + md5(file) + "\"}");
  expect_end("took");
  EXPECT_NE(text(state(), "checked_by").find("MD5 only"), std::string::npos);
  stop();
}

// The board in a process of its own: the same, by frames.
TEST_F(Upgrade, TakesWithABoardThatIsIsolated) {
  ASSERT_NO_FATAL_FAILURE(start("", "", R"("isolate": true)"));
  ordered(good());
  expect_end("took");
  EXPECT_EQ(text(state(), "confirmed"), "true");
  stop();
}

TEST_F(Upgrade, ABoardThatDiesWhileItInstallsHasNotInstalled) {
  ASSERT_NO_FATAL_FAILURE(start("", R"("fail": "hang")", R"("isolate": true)"));
  ordered(good());
  ASSERT_TRUE(becomes("installing"));
  const Json hal = with(at(dtud.status(), "instances"), "name", "hal sim");
  ASSERT_EQ(::kill(static_cast<pid_t>(number(hal, "isolated.pid")), SIGKILL), 0);
  expect_end("failed", "the board did not install the file: ");  // hal sim was asked already, or was to be
  EXPECT_TRUE(eventually([&] {
    return refused(good(R"("kind": "modem")")).find("but firmware, package") != std::string::npos;
  })) << "it is there again";
  stop();
}

// Each installs its own kind, in whatever order they stand.
TEST_F(Upgrade, TwoBoardsInstallWhatIsTheirs) {
  const std::string script = dtud.path("install"), version = dtud.path("version"), ran = dtud.path("ran");
  write_file(script,
             "#!/bin/sh\ncmp \"$1\" \"$2\" && echo 50% && echo \"$3 $4\" > " + ran + " && echo 2 > " + version + "\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  write_file(version, "1\n");
  write_file(dtud.path("expected"), file);
  dtud.hal(R"({"type": "linux", "installers": {"modem": {"install": [")" + script + R"(", "{file}", ")" +
           dtud.path("expected") + R"(", "{size}", "{sha256}"], "version_file": ")" + version +
           R"(", "restart": "none"}}})");
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(eventually([&] { return text(state(), "runs.modem") == "1"; })) << to_json(state());
  ordered(good(R"("kind": "modem")"));
  EXPECT_EQ(text(end(), "step"), "took") << to_json(state());
  EXPECT_EQ(text(state(), "runs.modem"), "2");
  EXPECT_EQ(runs(), "1");
  EXPECT_EQ(read_file(ran), std::to_string(file.size()) + " " + sha256(file) + "\n");
  ordered(good());
  expect_end("took");
  EXPECT_EQ(text(state(), "runs.modem"), "2");
  stop();
}

// The file changes after it was verified: the board finds out while it writes.
TEST_F(Upgrade, ABoardRefusesAFileThatIsNotTheOneThatWasVerified) {
  file = firmware("2", 1'000'000);
  install_ms = 5000;
  ASSERT_NO_FATAL_FAILURE(start());
  ordered(good());
  ASSERT_TRUE(eventually([&] { return step() == "installing" && number(state(), "percent") >= 10; }));
  std::fstream image(this->image(), std::ios::in | std::ios::out | std::ios::binary);
  image.seekp(-1, std::ios::end);
  image.put(file.back() == 'x' ? 'y' : 'x');
  image.close();
  expect_end("failed", "the SHA-256 of what was written is ");
  stop();
}

TEST_F(Upgrade, TheProgressIsAnEvent) {
  ASSERT_NO_FATAL_FAILURE(start("", "", R"("isolate": true)"));
  const auto install = [&] {
    ordered(good(R"("kind": "package", "force": true)"));
    EXPECT_EQ(text(end(), "step"), "took");
  };
  const auto told = [&](const std::string& percent) {
    std::string all = read_file(dtud.path("events"));
    all.erase(std::remove(all.begin(), all.end(), ' '), all.end());
    return all.find("\"percent\":" + percent + "}") != std::string::npos;
  };
  install();
  Process follower;
  follower.start({kDtuctl, "--socket", dtud.socket(), "--json", "events", "firmware."}, dtud.path("events"));
  ASSERT_TRUE(eventually([&] { return told("-1"); })) << "the last state: " << read_file(dtud.path("events"));
  EXPECT_FALSE(told("50"));
  install();
  EXPECT_TRUE(eventually([&] { return told("50") && told("100"); })) << read_file(dtud.path("events"));
  EXPECT_NE(read_file(dtud.path("events")).find("firmware.progress"), std::string::npos);
  stop();
}

TEST_F(Upgrade, ABoardThatGoesBackIsReported) {
  ASSERT_NO_FATAL_FAILURE(start("", R"("fail": "boot")"));
  ordered(good());
  expect_end("rolled_back", "the board rolled back: 1 runs");
  stop();
}

TEST_F(Upgrade, ABoardThatCannotInstallIsReported) {
  ASSERT_NO_FATAL_FAILURE(start("", R"("fail": "install")"));
  ordered(good());
  expect_end("failed", "the simulated flash is worn out");
  stop();
}

TEST_F(Upgrade, WhatCannotProveItselfIsNotMarkedGood) {
  confirm_s = 2;
  ASSERT_NO_FATAL_FAILURE(start("", R"("fail": "confirm")"));
  ordered(good());
  expect_end("unconfirmed", "not marked good");
  EXPECT_EQ(runs(), "2");
  // Not marked good: the board goes back at its next start.
  EXPECT_EQ(dtud.stop(), 0);
  dtud.start();
  EXPECT_TRUE(eventually([&] { return runs() == "1"; }));
  stop();
}

TEST_F(Upgrade, AChannelThatNeverComesBackLeavesItUnconfirmedUntilAPersonSaysSo) {
  confirm_s = 1;
  ASSERT_NO_FATAL_FAILURE(start());
  boss.close();
  ordered(good());
  expect_end("unconfirmed", "no channel was up within 1 s");
  EXPECT_EQ(dtud.dtuctl({"upgrade", "confirm"}).status, 0);
  EXPECT_EQ(step(), "took");
  EXPECT_EQ(dtud.stop(), 0);
  dtud.start();
  EXPECT_TRUE(eventually([&] { return runs() == "2"; }));
  stop();
}

TEST_F(Upgrade, OrdersThatAreRefusedAtOnce) {
  ASSERT_NO_FATAL_FAILURE(start("", "", R"("points": {"radio.csq": 99}, "absent": ["battery.mv"])"));
  const auto says = [&](const std::string& json, const std::string& what) {
    const std::string error = refused(json);
    EXPECT_NE(error.find(what), std::string::npos) << json << " -> " << error;
  };
  const std::string digest = R"("sha256": ")" + sha256(file) + "\"", url = server.url("/fw.bin");
  says("{}", "url");
  says(R"({"url": "ftp://x/y", "version": "2", )" + digest + "}", "https:// or http://");
  says(R"({"url": "file:///etc/passwd", "version": "2", )" + digest + "}", "https:// or http://");
  says(R"({"url": ")" + url + R"(", "version": "2"})", "give sha256");
  says(R"({"url": ")" + url + R"(", "version": "2", "md5": ")" + md5(file) + "\"}", "url has http://");
  says(R"({"url": ")" + url + R"(", "version": "2", "sha256": "12"})", "sha256");
  says(R"({"url": ")" + url + "\", " + digest + "}", "the order has no version");
  says(R"({"url": ")" + url + R"(", "version": "0.9", )" + digest + "}", "0.9 is not newer than the running 1");
  says(R"({"url": ")" + url + R"(", "version": "1.0", )" + digest + "}", "1.0 is not newer than the running 1");
  says(good(R"("kind": "modem")"), "installs no modem, but firmware, package");
  says(good(R"("signature": "AAAA")"), "board.json has no key");
  says(good(R"("size": 268435457)"), "upgrade.max_bytes");
  says(good(R"("conditions": {"min_csq": 10})"), "radio.csq is unknown");
  says(good(R"("conditions": {"min_battery_mv": 3000})"), "battery.mv is unknown");
  says(good(R"("conditions": {"free_bytes": 4611686018427387904})"), "bytes are free");
  EXPECT_EQ(step(), "idle");
  EXPECT_EQ(asked.size(), 0U);
  ASSERT_EQ(dtud.put("/v1/points/radio.csq", "9").status, 200);
  says(good(R"("conditions": {"min_csq": 10})"), "radio.csq is 9, at least 10 is required");
  ASSERT_EQ(dtud.put("/v1/points/radio.csq", "10").status, 200);
  ordered(good(R"("conditions": {"min_csq": 10, "free_bytes": 1})"));
  expect_end("took");
  stop();
}

TEST_F(Upgrade, OneAtATimeAndTheSameOrderAgainIsTheSame) {
  ASSERT_NO_FATAL_FAILURE(start("", R"("fail": "hang")"));
  ordered(good());
  ASSERT_TRUE(becomes("installing"));
  const Json again = order(good());
  EXPECT_EQ(text(again, "status"), "ok");
  EXPECT_EQ(number(again, "result.id"), 1);
  const std::string other = refused(order_of(server.url("/other"), file));
  EXPECT_NE(other.find("order 1, firmware 2 from http://127.0.0.1:"), std::string::npos) << other;
  EXPECT_NE(other.find("is under way (installing)"), std::string::npos) << other;
  EXPECT_EQ(dtud.dtuctl({"upgrade", "cancel"}).status, 0);
  expect_end("cancelled");
  const Ran nothing = dtud.dtuctl({"upgrade", "cancel"});
  EXPECT_EQ(nothing.status, 1);
  EXPECT_NE(nothing.output.find("no upgrade is under way"), std::string::npos);
  stop();
}

TEST_F(Upgrade, OnlyWhatIsSignedIsInstalled) {
  const SigningKey key, stranger;
  ASSERT_NO_FATAL_FAILURE(start(R"("keys": [")" + key.public_key() + "\"]"));
  const auto with = [&](const std::string& text) { return good(R"("signature": ")" + text + "\""); };
  ordered(with(stranger.sign(file)));
  expect_end("failed", "no key of board.json");
  ordered(with(key.sign(file + "x")));
  expect_end("failed", "no key of board.json");
  ordered(with("bm8gc2lnbmF0dXJl"));
  expect_end("failed", "not the 64 bytes");
  ordered(good());  // none given, none at the server
  expect_end("failed", "the signature: ");
  signature = stranger.sign(file);
  ordered(good());  // the signature at the server may be another one later
  EXPECT_TRUE(eventually([&] { return text(state(), "note").find("no key of board.json") != std::string::npos; }));
  EXPECT_EQ(dtud.dtuctl({"upgrade", "cancel"}).status, 0);
  expect_end("cancelled");
  signature = key.sign(file) + "\n";
  ordered(R"({"url": ")" + server.url("/fw.bin") + R"(", "version": "2"})");  // the signature is enough
  expect_end("took");
  EXPECT_EQ(text(state(), "checked_by"), "signature");
  stop();
}

TEST_F(Upgrade, APackageIsInstalledWithoutARestart) {
  ASSERT_NO_FATAL_FAILURE(start());
  const pid_t pid = dtud.process().pid();
  ordered(good(R"("kind": "package")"));
  EXPECT_EQ(text(end(), "step"), "took");
  EXPECT_EQ(text(state(), "runs.package"), "2");
  EXPECT_EQ(runs(), "1");
  EXPECT_EQ(dtud.process().pid(), pid);
  EXPECT_EQ(dtud.log().find("restarting"), std::string::npos);
  stop();
}

TEST_F(Upgrade, TheBudgetOfADayIsKeptThroughARestart) {
  ASSERT_NO_FATAL_FAILURE(start(R"("bytes_per_day": 60000)"));
  ordered(good());
  ASSERT_TRUE(eventually([&] { return text(state(), "note").find("waits until 00:00") != std::string::npos; }));
  EXPECT_EQ(number(state(), "bytes"), 60000);
  EXPECT_EQ(number(state(), "bytes_today"), 60000);
  dtud.kill();
  dtud.start();
  ASSERT_TRUE(eventually([&] { return text(state(), "note").find("waits until 00:00") != std::string::npos; }));
  EXPECT_EQ(number(state(), "bytes_today"), 60000);
  EXPECT_EQ(asked.size(), 1U);
  // A new day.
  dtud.kill();
  write_file(dtud.path("state/upgrade/budget.json"), R"({"day": 1, "bytes": 60000})");
  dtud.start();
  expect_end("took");
  EXPECT_EQ(asked.ranges().back(), "bytes=60000-");
  stop();
}

TEST_F(Upgrade, FollowedByDtuctl) {
  ASSERT_NO_FATAL_FAILURE(start());
  const Ran ran = dtud.dtuctl({"upgrade", "start", server.url("/fw.bin"), "--to", "2", "--sha256", sha256(file),
                               "--size", "100000", "--follow"});
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("took: checked by SHA-256\n"), std::string::npos) << ran.output;
  EXPECT_NE(dtud.dtuctl({"upgrade"}).output.find("firmware 2, package ?"), std::string::npos);
  EXPECT_EQ(text(parse_json(dtud.dtuctl({"--json", "upgrade", "state"}).output), "step"), "took");
  stop();
}

// --- over a channel --------------------------------------------------------------------------------------------------

struct Ordered : Upgrade {
  TcpPeer told;
  void meet() {
    ASSERT_NO_FATAL_FAILURE(start());
    told = boss.accept();
    ASSERT_GE(told.fd(), 0);
  }
  Json ask(const std::string& data) {
    EXPECT_TRUE(told.write(R"({"msg_id": 7, "cmd_code": 62, "password": "pw", "data": )" + data + "}"));
    return next();
  }
  Json next() { return parse_json(told.read_until("\"success\":1}")); }
};

TEST_F(Ordered, EveryStepIsToldToTheServerThatOrdered) {
  ASSERT_NO_FATAL_FAILURE(meet());
  EXPECT_EQ(text(ask(R"({"ota": 1})"), "data.step"), "idle");
  EXPECT_EQ(text(ask(R"({"ota": )" + good() + "}"), "data.step"), "checked");
  std::string steps;
  for (std::string last; last != "restarting";) {
    const Json report = next();
    ASSERT_EQ(number(report, "msg_id"), 7) << to_json(report);
    ASSERT_EQ(number(report, "cmd_code"), 62);
    last = text(report, "data.step");
    steps += last + " ";
  }
  EXPECT_EQ(steps, "downloading verifying verified installing restarting ");
  told = boss.accept();  // after the restart
  std::string last;
  for (; last != "took" && last != "?";) {
    const Json report = next();
    last = number(report, "msg_id") == 7 ? text(report, "data.step") : "?";
  }
  EXPECT_EQ(last, "took");
  EXPECT_TRUE(eventually([&] { return text(state(), "told") == "true"; }));
  EXPECT_EQ(text(ask(R"({"ota": 1})"), "data.step"), "took");
  stop();
}

TEST_F(Ordered, SwitchedOffItIsRefusedFromAfar) {
  ASSERT_NO_FATAL_FAILURE(meet());
  const auto error = [&](const std::string& code, const std::string& data) {
    EXPECT_TRUE(told.write(R"({"cmd_code": )" + code + R"(, "password": "pw", "data": )" + data + "}"));
    return text(parse_json(told.read_until("}")), "error");
  };
  EXPECT_EQ(error("55", R"({"fota": 0})"), "");
  EXPECT_NE(error("62", R"({"ota": )" + good() + "}").find("fota is 0"), std::string::npos);
  EXPECT_EQ(error("62", R"({"ota": 0})"), "");
  EXPECT_NE(error("62", R"({"ota": )" + good(R"("force": true)") + "}").find("ota is 0"), std::string::npos);
  EXPECT_EQ(step(), "idle");
  stop();
}

// --- the service manager ---------------------------------------------------------------------------------------------

TEST_F(Upgrade, SystemdHearsOfTheStart) {
  const std::string path = dtud.path("notify");
  const auto made = bind_datagram(path);
  dtud.environment({"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=200000"});
  ASSERT_NO_FATAL_FAILURE(start());
  std::string all;
  EXPECT_TRUE(eventually([&] {
    all += receive_datagram(made.get());
    return all.find("READY=1\nSTATUS=running") != std::string::npos && all.find("WATCHDOG=1") != std::string::npos;
  })) << all;
  stop();
}

}  // namespace
}  // namespace e2e
