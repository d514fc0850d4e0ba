// Orders as dtuctl puts them, and the state as it shows it.
#include <fstream>

#include "fixture.hpp"

namespace dtuctl::test {
namespace {

constexpr const char* kTook =
    R"({"step": "took", "id": 3, "over": true, "kind": "firmware", "version": "2.1", "source": "console",)"
    R"( "url": "https://h/f", "bytes": 100, "size": 100, "percent": 100, "note": "", "error": "",)"
    R"( "checked_by": "SHA-256", "runs": {"firmware": "2.1", "package": ""}})";

TEST_F(DtuctlTest, UpgradeOrder) {
  answer("call", std::string(R"({"status": "ok", "result": )") + kTook + "}");
  std::ofstream(dir_.file("digest")) << "abc\n";
  const Result r =
      dtuctl({"upgrade", "start", "https://h/f?a=\"b", "--to", "2.1", "--sha256", "@" + dir_.file("digest"), "--size",
              "0100", "--min-csq", "12", "--free-bytes", "5", "--force"});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(backend_.body_of("call"),
            R"({"command": "upgrade.start", "args": {"url": "https://h/f?a=\"b", "version": "2.1", "sha256": "abc", )"
            R"("size": 100, "conditions": {"min_csq": 12, "free_bytes": 5}, "force": true}})");
  EXPECT_THAT(r.out, HasSubstr("step        took\n"));
}

TEST_F(DtuctlTest, UpgradeOrderThatIsWrong) {
  EXPECT_EQ(dtuctl({"upgrade", "start"}).code, 2);
  EXPECT_EQ(dtuctl({"upgrade", "start", "u", "--size", "many"}).code, 2);
  EXPECT_EQ(dtuctl({"upgrade", "start", "u", "--sha256", "@" + dir_.file("missing")}).code, 2);
  EXPECT_EQ(dtuctl({"upgrade", "now"}).code, 2);
  EXPECT_EQ(dtuctl({"upgrade", "cancel", "--to", "2"}).code, 2);
  answer("call", R"({"status": "invalid", "error": "2.0 is not newer\u001b[2J"})");
  const Result r = dtuctl({"upgrade", "start", "u"});
  EXPECT_EQ(r.code, 1);
  EXPECT_EQ(r.err, "dtuctl: 2.0 is not newer\\x1b[2J\n");
}

TEST_F(DtuctlTest, UpgradeState) {
  answer("upgrade", kTook);
  for (const std::vector<std::string>& words : {std::vector<std::string>{"upgrade"}, {"upgrade", "state"}}) {
    const Result r = dtuctl(words);
    EXPECT_EQ(r.code, 0);
    EXPECT_THAT(r.out, HasSubstr("runs        firmware 2.1, package ?\n"));
    EXPECT_THAT(r.out, HasSubstr("order 3     firmware 2.1 by console\n"));
    EXPECT_THAT(r.out, HasSubstr("checked by  SHA-256\n"));
  }
  EXPECT_EQ(dtuctl({"--json", "upgrade"}).out.substr(0, 1), "{");
  answer("upgrade", R"({"step": "idle", "runs": {}})");
  EXPECT_EQ(dtuctl({"upgrade"}).out, "runs        this board cannot install upgrades\nupgrade     none ordered\n");
}

TEST_F(DtuctlTest, UpgradeFollowedToItsEnd) {
  Process follow(command({"upgrade", "--follow"}));
  ASSERT_TRUE(backend_.wait_feeds(1));
  backend_.push(R"({"step": "downloading", "id": 3, "over": false, "bytes": 10, "size": 100, "percent": 10})");
  backend_.push(R"({"step": "downloading", "id": 3, "over": false, "bytes": 50, "size": 100, "percent": 50})");
  backend_.push(R"({"step": "failed", "id": 3, "over": true, "error": "no room"})");
  const Result r = follow.finish();
  EXPECT_EQ(r.code, 1);
  EXPECT_EQ(r.out, "downloading\nfailed: no room\n");
}

TEST_F(DtuctlTest, UpgradeFollowedWithoutDtud) {
  no_server_ = true;
  EXPECT_EQ(dtuctl({"upgrade", "--follow"}).code, 3) << "one that was never there is not waited for";
}

TEST_F(DtuctlTest, PluginsUpgradeAsksAndReports) {
  answer("upgrade_plugin",
         R"({"running": false, "plugin": "org.x", "from": {"version": "1.0"}, "to": {"version": "1.1"},)"
         R"( "total": 1, "moved": [{"instance": "channel 1", "ms": 12}], "result": "upgraded"})");
  const Result r = dtuctl({"plugins", "upgrade", "/p/../q/x.so", "--timeout", "3", "--force"});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(r.out, "channel 1  12 ms\norg.x 1.1 runs, after 1.0\n");
  EXPECT_EQ(backend_.body_of("upgrade_plugin"), R"({"deadline_ms": 3000, "file": "/q/x.so", "force": true})");
  EXPECT_EQ(dtuctl({"plugins", "upgrade", "--rollback", "org.x", "--json"}).out.substr(0, 1), "{");
  EXPECT_EQ(backend_.body_of("upgrade_plugin"), R"({"deadline_ms": 10000, "rollback": "org.x"})");
  EXPECT_EQ(dtuctl({"plugins", "upgrade"}).code, 2);
  EXPECT_EQ(dtuctl({"plugins", "upgrade", "x", "--rollback", "y"}).code, 2);
  answer("upgrade_plugin", R"({"error": "channel 1: failed: no. org.x 1.0 runs again"})", 409);
  const Result refused = dtuctl({"plugins", "upgrade", "x"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("org.x 1.0 runs again"));
}

TEST_F(DtuctlTest, DeadPluginsAreShown) {
  answer(
      "plugins",
      R"([{"file": "/p/a.so", "id": "org.x", "loaded": false, "state": "dead", "error": "", "dead": "superseded by 2"}])");
  const Result r = dtuctl({"plugins"});
  EXPECT_THAT(r.out, testing::AllOf(HasSubstr("dead"), HasSubstr("/p/a.so: superseded by 2")));
}

}  // namespace
}  // namespace dtuctl::test
