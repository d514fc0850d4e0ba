// The device file is people's too: edits are read again, never lost, and what cannot be used is kept and said.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "harness/dtud.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

struct DeviceFile : testing::Test {
  Dtud dtud;
  void start(const std::string& device) {
    dtud.hal(R"({"type": "sim"})").device(device);
    dtud.start();
    ASSERT_TRUE(eventually([&] { return number(state(), "revision") > 0; }));
  }
  [[nodiscard]] Json state() const { return at(dtud.status(), "config"); }
  [[nodiscard]] Json config() const { return parse_json(dtud.get("/v1/config").body); }
  [[nodiscard]] Json history() const { return parse_json(dtud.get("/v1/config/history").body); }
  [[nodiscard]] std::string file() const { return read_file(dtud.path("dtu_config.json")); }
  [[nodiscard]] std::string rejected() const { return dtud.path("dtu_config.json.rejected"); }
  void edit(const std::string& text) const { write_file(dtud.path("dtu_config.json"), text); }
  void hang_up() { ASSERT_EQ(::kill(dtud.process().pid(), SIGHUP), 0); }
};

TEST_F(DeviceFile, SighupReadsItAgain) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start("{\"version\": \"1\"}"));
  edit(R"({"version": "2", "conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" +
       std::to_string(server.port()) + "}}}");
  EXPECT_NE(dtud.dtuctl({"status"}).output.find("edited    device file"), std::string::npos);
  hang_up();
  TcpPeer peer = server.accept();
  EXPECT_GE(peer.fd(), 0);
  EXPECT_EQ(text(config(), "version"), "2");
  EXPECT_EQ(text(history(), "[0].source"), "file");
  EXPECT_EQ(number(state(), "revision"), 2);
  EXPECT_EQ(dtud.dtuctl({"status"}).output.find("edited"), std::string::npos);
  hang_up();  // nothing new
  EXPECT_EQ(dtud.dtuctl({"config", "reload"}).output, "nothing changed\n");
  EXPECT_EQ(size(history()), 2U);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(DeviceFile, AnEditThatIsRefusedStaysAndIsNotUsed) {
  ASSERT_NO_FATAL_FAILURE(start("{\"version\": \"1\"}"));
  const std::string wrong = "{\n  \"version\": \"2\",\n  \"plate\": 7\n}\n";
  edit(wrong);
  hang_up();
  ASSERT_TRUE(eventually([&] { return text(state(), "file_refused") != ""; }));
  EXPECT_EQ(file(), wrong);
  EXPECT_EQ(text(config(), "version"), "1");
  const Ran reload = dtud.dtuctl({"config", "reload"});
  EXPECT_EQ(reload.status, 1);
  EXPECT_NE(reload.output.find("dtu_config.json:3:12: error: /plate: "), std::string::npos) << reload.output;
  EXPECT_NE(dtud.dtuctl({"status"}).output.find("refused   device file: "), std::string::npos);
  edit("{\"version\": \"2\", \"plate\": 1}");
  EXPECT_EQ(dtud.dtuctl({"config", "reload"}).status, 0);
  EXPECT_EQ(text(config(), "version"), "2");
  EXPECT_EQ(text(state(), "file_refused"), "");
  EXPECT_FALSE(std::filesystem::exists(rejected()));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(DeviceFile, ASetIsMadeToAnEditThatWasNotReadYet) {
  ASSERT_NO_FATAL_FAILURE(start("{\"version\": \"1\"}"));
  edit("{\"version\": \"by hand\"}");
  const Ran set = dtud.dtuctl({"config", "set", "plate=1"});
  EXPECT_EQ(set.status, 0) << set.output;
  EXPECT_NE(set.output.find("note: the device file had been edited: revision 2 is that edit"), std::string::npos)
      << set.output;
  EXPECT_EQ(text(config(), "version"), "by hand");
  EXPECT_EQ(number(config(), "plate"), 1);
  EXPECT_EQ(text(history(), "[1].source"), "file");

  edit("{\"version\": \"by hand again\"}");
  EXPECT_EQ(dtud.put("/v1/config", "{\"version\": \"whole\"}").status, 200) << "replaces it, and it is a revision";
  EXPECT_EQ(text(config(), "version"), "whole");
  EXPECT_NE(dtud.get("/v1/config/history/4").body.find("by hand again"), std::string::npos);

  edit("{\"version\": \"third\"}");
  EXPECT_EQ(dtud.put("/v1/config", "{\"wrong\": 1}").status, 409) << "the set is refused, the edit is not lost";
  EXPECT_EQ(text(config(), "version"), "third");
  EXPECT_TRUE(eventually([&] { return text(state(), "applied") == "true"; }));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(DeviceFile, AnEditThatCannotBeUsedIsKeptBesideIt) {
  ASSERT_NO_FATAL_FAILURE(start("{\"version\": \"1\"}"));
  const std::string wrong = "{\"version\": \"by hand\",}";
  edit(wrong);
  const Ran set = dtud.dtuctl({"config", "set", "plate=1"});
  EXPECT_EQ(set.status, 0) << set.output;
  EXPECT_NE(set.output.find("note: the device file had been edited and cannot be used ("), std::string::npos)
      << set.output;
  EXPECT_EQ(read_file(rejected()), wrong);
  EXPECT_EQ(number(config(), "plate"), 1);
  EXPECT_NE(dtud.dtuctl({"status"}).output.find("rejected  " + rejected()), std::string::npos);
  for (int starts = 0; starts < 2; ++starts) {
    const Json list = history();
    ASSERT_EQ(size(list), 3U) << to_json(list);
    const Json edited = with(list, "state", "rejected");
    EXPECT_EQ(text(edited, "source"), "file");
    EXPECT_GT(number(edited, "time_ns"), number(list, "[2].time_ns"));
    EXPECT_EQ(number(edited, "bytes"), static_cast<int64_t>(wrong.size()));
    EXPECT_EQ(text(edited, "note").find("kept as " + rejected() + ": "), 0U) << to_json(edited);
    EXPECT_NE(text(edited, "note").find("1:22: error: "), std::string::npos) << to_json(edited);
    EXPECT_NE(dtud.dtuctl({"config", "history"}).output.find("rejected  kept as " + rejected()), std::string::npos)
        << dtud.dtuctl({"config", "history"}).output;
    dtud.kill();
    dtud.start();
  }
  EXPECT_EQ(dtud.stop(), 0);
}

// It refused every set.
TEST_F(DeviceFile, AnEditThatCannotBeKeptRefusesNothingAndIsSaidOnce) {
  ASSERT_NO_FATAL_FAILURE(start("{\"version\": \"1\"}"));
  std::filesystem::create_directory(rejected());
  edit("{\"version\": \"by hand\",}");
  const Ran set = dtud.dtuctl({"config", "set", "plate=1"});
  EXPECT_EQ(set.status, 0) << set.output;
  EXPECT_NE(set.output.find("the edit is not kept, and what is stored now replaces it: cannot write " + rejected()),
            std::string::npos)
      << set.output;
  EXPECT_NE(dtud.log().find("the edit is not kept"), std::string::npos);
  EXPECT_EQ(number(config(), "plate"), 1);
  EXPECT_EQ(dtud.dtuctl({"config", "set", "plate=0"}).output.find("the edit is not kept"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(DeviceFile, OneThatCannotBeReadAtTheStartIsKeptAndTheRevisionThatRanLastIsUsed) {
  ASSERT_NO_FATAL_FAILURE(start("{\"version\": \"1\"}"));
  ASSERT_EQ(dtud.dtuctl({"config", "set", "version=\"2\""}).status, 0);
  EXPECT_EQ(dtud.stop(), 0);
  // A revision that never ran, as a power cut between the steps of a set leaves it.
  write_file(dtud.path("state/history/00000003.json"),
             R"({"time_ns": 1, "source": "console", "note": "", "document": "{\"version\": \"never ran\"}"})");
  const std::string broken = "{\"version\": \"by hand\"";
  dtud.device(broken).write_documents();
  const Ran check = dtud.check();
  EXPECT_NE(check.output.find("revision 2 takes its place"), std::string::npos) << check.output;
  EXPECT_NE(check.output.find(rejected()), std::string::npos) << check.output;
  EXPECT_EQ(file(), broken) << "--check writes nothing";
  dtud.start();
  EXPECT_EQ(text(config(), "version"), "2");
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(rejected()); }));
  EXPECT_EQ(read_file(rejected()), broken);
  ASSERT_TRUE(eventually([&] { return file().find("\"2\"") != std::string::npos; }));
  EXPECT_EQ(text(state(), "file_rejected"), rejected());
  EXPECT_NE(text(state(), "file_refused"), "");
  // It is written behind the file, within milliseconds of the file that was set aside: their order is not promised.
  EXPECT_TRUE(eventually([&] {
    return text(with(history(), "source", "dtud"), "note")
               .find("kept as " + rejected() + "; revision 2 takes its place") != std::string::npos;
  })) << to_json(history());
  EXPECT_EQ(dtud.stop(), 0);
  EXPECT_NE(dtud.check().output.find(rejected()), std::string::npos) << "until somebody removes it";
}

TEST_F(DeviceFile, WithoutARevisionABrokenOneIsLeftToBeCorrected) {
  dtud.hal(R"({"type": "sim"})").device("{\"version\": \"1\"");
  dtud.start();
  EXPECT_EQ(to_json(config()), "{}");
  EXPECT_EQ(file(), "{\"version\": \"1\"");
  EXPECT_NE(text(state(), "file_refused"), "");
  edit("{\"version\": \"1\"}");
  EXPECT_EQ(dtud.dtuctl({"config", "reload"}).status, 0);
  EXPECT_EQ(text(config(), "version"), "1");
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
