// What dtud keeps on the disk, damaged or not to be read at one start: a start always succeeds and carries data, says
// which file, and keeps it. One dtud for one folder of state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "harness/dtud.hpp"
#include "harness/faulty_link.hpp"
#include "harness/pty.hpp"
#include "harness/recorder.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// As a user writes it: a line in, a line out.
std::string lines_to(uint16_t port) {
  return R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "0x0a"}}}, "conf": {"1": {"serialID": "1",
    "protocol": "tcp", "url": "127.0.0.1", "port": )" +
         std::to_string(port) + "}}}";
}

struct File {
  const char* name;
  const char* path;  // in the test's folder
  const char* good;  // a text that dtud takes
};
void PrintTo(const File& file, std::ostream* out) { *out << file.path; }
constexpr File kFiles[] = {
    {"trial", "state/trial.json", R"({"good":1,"tried":2,"source":"channel 1","starts":0})"},
    {"unproven", "state/unproven.json",
     R"({"documents":[{"revision":2,"source":"channel 1","sha256":")"
     R"(44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]})"},
    {"order", "state/upgrade/order.json", R"({"id":3,"total":5,"step":"took","order":{"url":"http://127.0.0.1/x"}})"},
    {"budget", "state/upgrade/budget.json", R"({"day":1,"bytes":5})"},
    {"probes", "state/plugins/probes.json", R"({"version":1,"entries":[]})"},
    {"installed", "state/plugins/installed.json", R"({"version":1,"plugins":[],"failed":[]})"},
};

struct Damage {
  const char* name;
  std::function<std::string(const std::string& good)> make;
};
std::string replaced(const std::string& in, const std::string& number) {
  std::string out = in;
  const auto at = out.find(":");
  return out.substr(0, at + 1) + number + out.substr(out.find_first_of(",}", at));
}
std::vector<Damage> damages() {
  return {
      {"empty", [](const std::string&) { return std::string(); }},
      {"truncated", [](const std::string& good) { return good.substr(0, good.size() / 2); }},
      {"zeros", [](const std::string& good) { return std::string(good.size(), '\0'); }},
      {"binary", [](const std::string&) { return std::string("\x7f\x45LF\x02\x01\xff\xfe\x80\n\x03", 11); }},
      {"invalid UTF-8",
       [](const std::string& good) { return good.substr(0, good.size() - 1) + ",\"x\":\"\xc3\x28\"}"; }},
      {"a list", [](const std::string& good) { return "[" + good + "]"; }},
      {"an empty object", [](const std::string&) { return std::string("{}"); }},
      {"2^63", [](const std::string& good) { return replaced(good, "9223372036854775808"); }},
      {"2^64", [](const std::string& good) { return replaced(good, "18446744073709551616"); }},
      {"1e999", [](const std::string& good) { return replaced(good, "1e999"); }},
      {"NaN", [](const std::string& good) { return replaced(good, "NaN"); }},
      {"a text for a number", [](const std::string& good) { return replaced(good, "\"x\""); }},
      {"deep nesting", [](const std::string&) { return "{\"x\":" + std::string(50'000, '['); }},
      {"the same key twice",
       [](const std::string& good) { return good.substr(0, good.size() - 1) + "," + good.substr(1); }},
      {"two documents", [](const std::string& good) { return good + good; }},
  };
}

class StateFile : public testing::TestWithParam<File> {
 protected:
  StateFile() {
    dtud.ports({{"1", pty.device()}}).device(lines_to(sink.port())).board(R"("upgrade": {"bytes_per_day": 1000000})");
  }
  // A start with which data goes through.
  void works() {
    write_file(dtud.path("log"), "");
    ASSERT_NO_THROW(dtud.start());
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    ASSERT_TRUE(pty.write(marked('a', ++last_, 64)));
    ASSERT_TRUE(sink.has('a', last_));
  }
  [[nodiscard]] std::string file() const { return dtud.path(GetParam().path); }
  Pty pty;
  TcpSink sink;
  Dtud dtud;

 private:
  uint32_t last_ = 0;
};

// Issue 9, row 20: "Out of range" ended every start, and named no file.
TEST_P(StateFile, OfAnyDamageIsNamedAndKeptAndDataGoesThrough) {
  works();
  EXPECT_EQ(dtud.stop(), 0);
  for (const Damage& damage : damages()) {
    SCOPED_TRACE(damage.name);
    const std::string text = damage.make(GetParam().good);
    fs::create_directories(fs::path(file()).parent_path());
    fs::remove(file() + ".rejected");
    write_file(file(), text);
    works();
    if (HasFatalFailure()) return;
    EXPECT_THAT(dtud.dtuctl({"status"}).output, HasSubstr("damaged   " + file()));
    EXPECT_EQ(dtud.stop(), 0);
    EXPECT_THAT(dtud.log(), HasSubstr(file() + " is not what dtud wrote"));
    EXPECT_THAT(dtud.log(), HasSubstr("kept as " + file() + ".rejected"));
    EXPECT_EQ(read_file(file() + ".rejected"), text);
  }
  write_file(file(), "");
  fs::resize_file(file(), 100U << 20U);
  works();
  EXPECT_EQ(dtud.stop(), 0);
  EXPECT_THAT(dtud.log(), HasSubstr(file() + " is not what dtud wrote: it has more than"));
  EXPECT_EQ(fs::file_size(file() + ".rejected"), 100U << 20U);
  fs::remove(file() + ".rejected");
  write_file(file(), GetParam().good);
  works();
  EXPECT_FALSE(fs::exists(file() + ".rejected")) << dtud.log();
}

// What cannot be read at one start is neither replaced nor moved by the start.
TEST_P(StateFile, ThatCannotBeReadIsNamedAndLeft) {
  works();
  EXPECT_EQ(dtud.stop(), 0);
  fs::create_directories(fs::path(file()).parent_path());
  write_file(file(), GetParam().good);
  const std::string away = file() + ".away";
  for (const bool link : {true, false}) {
    fs::rename(file(), away);
    if (link)
      fs::create_symlink("/nonexistent/place", file());
    else
      fs::create_directory(file());
    works();
    EXPECT_EQ(dtud.stop(), 0);
    EXPECT_THAT(dtud.log(), HasSubstr("cannot read " + file()));
    EXPECT_EQ(read_file(away), GetParam().good);
    const std::string there =
        fs::symlink_status(file()).type() == (link ? fs::file_type::symlink : fs::file_type::directory)
            ? file()
            : file() + ".rejected";  // something newer took its place
    EXPECT_EQ(fs::symlink_status(there).type(), link ? fs::file_type::symlink : fs::file_type::directory);
    fs::remove_all(there);
    fs::remove(file());
    fs::rename(away, file());
  }
}

INSTANTIATE_TEST_SUITE_P(Each, StateFile, testing::ValuesIn(kFiles),
                         [](const auto& info) { return std::string(info.param.name); });

// What is only for people, or for a start without a device file.
TEST(StateDamage, OfTheAuditAndOfWhatRanLastIsSaidAndShown) {
  Dtud dtud;
  dtud.hal(R"({"type": "sim"})").device(R"({"version": "1"})");
  dtud.start();
  const std::string audit = dtud.path("state/audit.log"), ran = dtud.path("state/history/ran");
  ASSERT_EQ(dtud.dtuctl({"config", "set", "plate=1"}).status, 0);
  ASSERT_TRUE(eventually([&] { return read_file(ran) != ""; }));
  const std::string entries = read_file(audit);
  ASSERT_NE(entries, "");
  const auto said = [&](const std::string& what) {
    EXPECT_EQ(dtud.stop(), 0);
    const std::string log = dtud.log();
    EXPECT_EQ(log.find(what), log.rfind(what)) << "once";
    EXPECT_NE(log.find(what), std::string::npos) << what << "\n" << log;
  };
  const auto start = [&](const std::string& what) {
    write_file(dtud.path("log"), "");
    dtud.start();
    const Ran status = dtud.dtuctl({"status"});
    EXPECT_NE(status.output.find("damaged   " + what), std::string::npos) << status.output;
    EXPECT_EQ(dtud.dtuctl({"config", "set", "plate=1"}).status, 0);
  };
  EXPECT_EQ(dtud.stop(), 0);
  for (const std::string& text : {std::string(100, '\0') + "\n", std::string("x\n") + entries}) {
    write_file(audit, text);
    start(audit + " is not what dtud wrote");
    said(audit + " is not what dtud wrote");
    EXPECT_EQ(read_file(audit + ".rejected"), text);
  }
  fs::remove(audit + ".rejected");
  write_file(audit, entries + "{\"time_ns\": 12");
  start(audit + " ends in the middle of an entry");
  EXPECT_EQ(read_file(audit).find(entries), 0U);
  said(audit + " ends in the middle of an entry");
  fs::remove(audit);
  fs::create_directory(audit);
  start(audit + " is not what dtud wrote: it is no regular file");
  said(audit + " is not what dtud wrote");
  EXPECT_TRUE(fs::is_directory(audit + ".rejected"));
  fs::remove(audit + ".rejected");
  for (const char* text : {"", "x", "99999999999999999999\n", "1 2\n"}) {
    SCOPED_TRACE(text);
    write_file(ran, text);
    start(ran + " is not what dtud wrote");
    said(ran + " is not what dtud wrote");
    EXPECT_EQ(read_file(ran + ".rejected"), text);
    EXPECT_NE(read_file(ran), "") << "and it is known again";
  }
}

// It ran, kept nothing, and --check called it a warning.
TEST(StateFolder, ThatIsNoneIsSaidByAStartAndByCheck) {
  Dtud dtud;
  dtud.hal(R"({"type": "sim"})");
  dtud.write_documents();
  write_file(dtud.path("file"), "precious");
  for (const char* place : {"file", "file/below"}) {
    const std::string what =
        "/state_dir: " + dtud.path(place) +
        (std::string(place) == "file" ? "" : " cannot be made: " + dtud.path("file")) +
        " is a plain file, no folder. dtud keeps its state in a folder that it may write: move it away";
    const Ran start = run({kDtud, "--board", dtud.path("board.json"), "--state-dir", dtud.path(place)});
    EXPECT_EQ(start.status, 3) << start.output;
    EXPECT_THAT(start.output, HasSubstr("error: " + what));
    const Ran check = dtud.check({"--state-dir", dtud.path(place)});
    EXPECT_EQ(check.status, 1) << check.output;
    EXPECT_THAT(check.output, HasSubstr("error: " + what));
  }
  EXPECT_EQ(read_file(dtud.path("file")), "precious");
  EXPECT_EQ(dtud.check({"--state-dir", dtud.path("a/b/c")}).status, 0) << "a start makes it";
  EXPECT_FALSE(fs::exists(dtud.path("a")));
  dtud.start({"--state-dir", dtud.path("a/b/c")});
  EXPECT_EQ(dtud.stop(), 0);
}

// The documents of people: named by path and line, by --check and by a start.
TEST(StateDocuments, NumbersThatAreTooLargeAreNamedByPathAndLine) {
  for (const char* number : {"9223372036854775808", "18446744073709551616", "-9223372036854775809", "1e999"}) {
    SCOPED_TRACE(number);
    Dtud dtud;
    dtud.hal(R"({"type": "sim"})");
    dtud.device(std::string("{\"conf\": {\"1\": {\"protocol\": \"tcp\", \"url\": \"127.0.0.1\",\n  \"port\": ") +
                number + "}}}");
    const Ran device = dtud.check();
    EXPECT_EQ(device.status, 1);
    EXPECT_THAT(device.output, HasSubstr("dtu_config.json:2:"));
    EXPECT_THAT(device.output, HasSubstr("/conf/1/port"));
    EXPECT_THAT(device.output, HasSubstr("out of range"));
    Dtud other;
    other.hal(std::string("{\"type\": \"sim\", \"ports\":\n {\"1\": {\"link\": ") + number + "}}}");
    const Ran board = other.check();
    EXPECT_EQ(board.status, 1);
    EXPECT_THAT(board.output, HasSubstr("board.json:2:"));
    EXPECT_THAT(board.output, HasSubstr("/hal/0/ports/1/link"));
  }
}

// Issue 9, row 18: 536 of 1,020 arrived, and nothing was counted.
TEST(StateSpool, ThatCouldNotBeReadAtOneStartLosesNothing) {
  Pty pty;
  MqttSink server;
  FaultyLink link(server.port());
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(R"({"offline_storage": "always", "uconf": {"1": {"mode": "raw", "packet": {"delimiter": "0x0a"}}},
    "conf": {"1": {"serialID": "1", "protocol": "mqtt", "qos": 1, "publish": {"0": "up"}, "url": "127.0.0.1", "port": )" +
              std::to_string(link.port()) + "}}}");
  const auto spool = [&] { return with(at(parse_json(dtud.get("/v1/spool").body), "channels"), "channel", "1"); };
  link.refuse();
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  for (uint32_t n = 0; n < 1000; n += 100) {
    ASSERT_TRUE(pty.write(marked_lines('a', n + 1, 100, 64)));
    ASSERT_TRUE(eventually([&] { return number(spool(), "disk.messages") == n + 100; }));
  }
  dtud.kill();
  const fs::path folder = dtud.path("state/spool/1");
  fs::permissions(folder, fs::perms::group_write, fs::perm_options::add);
  link.pass();
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write(marked_lines('b', 1, 20, 64)));
  EXPECT_TRUE(server.has('b', 20));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_THAT(text(spool(), "error"), HasSubstr(folder.string()));
  EXPECT_EQ(dtud.stop(), 0);
  fs::permissions(folder, fs::perms::group_write, fs::perm_options::remove);
  dtud.start();
  EXPECT_TRUE(server.has('a', 1000));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_EQ(server.tally().wrong('a', 1000), "");
  EXPECT_EQ(server.tally().wrong('b', 20), "");
  EXPECT_EQ(number(spool(), "disk.damaged"), 0);
}

// Row 19: a segment that is gone.
TEST(StateSpool, WhatIsGoneIsCounted) {
  Pty pty;
  MqttSink server;
  FaultyLink link(server.port());
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(R"({"offline_storage": "on", "uconf": {"1": {"mode": "raw", "packet": {"delimiter": "0x0a"}}},
    "conf": {"1": {"serialID": "1", "protocol": "mqtt", "qos": 1, "publish": {"0": "up"}, "url": "127.0.0.1", "port": )" +
              std::to_string(link.port()) + "}}}");
  link.refuse();
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 100, 64)));
  ASSERT_TRUE(dtud.channel_number("1", "outbox.messages", 100));
  EXPECT_EQ(dtud.stop(), 0);
  for (const auto& entry : fs::directory_iterator(dtud.path("state/spool/1"))) fs::remove(entry.path());
  dtud.start();
  ASSERT_TRUE(eventually([&] { return dtud.log().find("lost: ") != std::string::npos; }));
  EXPECT_THAT(dtud.log(), HasSubstr("lost: 100 stored messages, of 100 that were in " + dtud.path("state/spool/1")));
  EXPECT_EQ(dtud.metric(R"(dtu_spool_damaged_total{channel="1",type="mqtt"})"), 100);
}

// Row 19: the second of two dtud does not start, and the first does not notice.
TEST(StateLock, ASecondDtudDoesNotStart) {
  Dtud dtud;
  dtud.hal(R"({"type": "sim"})");
  dtud.start();
  const std::string who = "another dtud (process " + std::to_string(dtud.process().pid()) + ") uses ";
  const Ran same = run({kDtud, "--board", dtud.path("board.json"), "--socket", dtud.path("other/control.sock")});
  EXPECT_EQ(same.status, 3) << same.output;
  EXPECT_THAT(same.output, HasSubstr(who + dtud.path("state")));
  const Ran runtime = run({kDtud, "--board", dtud.path("board.json"), "--state-dir", dtud.path("other")});
  EXPECT_EQ(runtime.status, 3) << runtime.output;
  EXPECT_THAT(runtime.output, HasSubstr(who + fs::path(dtud.socket()).parent_path().string()));
  EXPECT_THAT(runtime.output, HasSubstr("runtime_dir"));
  EXPECT_EQ(run({kDtud, "--board", dtud.path("board.json"), "--check"}).status, 0);
  EXPECT_TRUE(dtud.answers());
}

TEST(StateLock, ARestartAndAKillGiveItAway) {
  TcpSink sink;
  Dtud dtud;
  dtud.hal(R"({"type": "sim"})");
  dtud.device(R"({"conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "isolate": true, "port": )" +
              std::to_string(sink.port()) + "}}}");
  dtud.start();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  const auto starts = [&] {
    const std::string log = dtud.log(), words = "runs; control socket";
    size_t count = 0;
    for (size_t at = log.find(words); at != std::string::npos; at = log.find(words, at + 1)) ++count;
    return count;
  };
  ASSERT_EQ(starts(), 1U);
  (void)dtud.dtuctl({"call", "system.restart"});
  ASSERT_TRUE(eventually([&] { return starts() == 2; }));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(run({kDtud, "--board", dtud.path("board.json")}).status, 3);
  for (int i = 0; i < 5; ++i) {
    dtud.kill();
    ASSERT_NO_THROW(dtud.start());
    ASSERT_TRUE(dtud.channel_is("1", "up"));
  }
}

}  // namespace
}  // namespace e2e
