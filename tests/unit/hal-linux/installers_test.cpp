// Programs that install, say what runs, and mark it good.
#include "installers.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <dtu/commands.h>
#include <dtu/sdk/json.hpp>
#include <dtu/sdk/sha256.hpp>

#include <fstream>

#include "fixture.hpp"

namespace hal_linux::test {
namespace {

class InstallersTest : public HalTest {
 protected:
  TempDir dir_;
  uint64_t call_ = 0;
  std::string image_ = path("image");
  [[nodiscard]] std::string path(const std::string& name) const { return dir_ / name; }

  void SetUp() override { std::ofstream(image_) << "bytes"; }
  std::string script(const std::string& name, const std::string& text) {
    std::string file = path(name);
    std::ofstream(file) << "#!/bin/sh\n" << text << "\n";
    ::chmod(file.c_str(), 0755);
    return file;
  }
  // One installer "firmware" whose install is this script; more: further members.
  void installer(const std::string& text, const std::string& more = "") {
    use(R"({"installers": {"firmware": {"install": [")" + script("install", text) +
        R"(", "--version", "{version}", "{file}"])" + more + "}}}");
  }
  [[nodiscard]] static const dtu_commands& commands_of(const Instance& hal) {
    return *hal.iface<dtu_commands>(DTU_COMMANDS_IFACE);
  }
  dtu_status ask(Instance& hal, const std::string& name, const std::string& args) {
    const dtu_caller caller{sizeof caller, DTU_CALLER_HOST, 0, 0, dtu::str("kernel")};
    const dtu_invocation asked{sizeof asked, 0, ++call_, dtu::str(name), dtu::str(args), &caller};
    return commands_of(hal).invoke(hal.self(), &asked, &error_);
  }
  // The answer, JSON or the text of the error.
  std::string answered(dtu_status status) {
    if (status != DTU_OK) return error_.message;
    const auto there = [&] { return !host_.replies().empty() && host_.replies().back().call == call_; };
    if (!host_.run_until(there, std::chrono::seconds(20))) return "no answer";
    const auto& reply = host_.replies().back();
    return reply.status == DTU_OK ? reply.json : reply.error;
  }
  std::string facts() { return answered(ask(*hal_, "firmware.facts", "{}")); }
  std::string mark() { return answered(ask(*hal_, "firmware.mark_good", R"({"kind": "firmware"})")); }
  // The order of a file with those bytes; `version` as a server may say it.
  [[nodiscard]] std::string order_of(const std::string& bytes, const std::string& kind = "firmware",
                                     const std::string& version = "2.1; rm -rf x") const {
    dtu::Sha256 sha256;
    sha256.update(bytes);
    return R"({"kind": ")" + kind + R"(", "file": )" + dtu::quoted(image_) + R"(, "version": )" + dtu::quoted(version) +
           R"(, "size": )" + std::to_string(bytes.size()) + R"(, "sha256": ")" + sha256.hex() + "\"}";
  }
  dtu_status begin() { return ask(*hal_, "firmware.install", order_of("bytes")); }
  bool told(const std::string& json) {
    return host_.run_until([&] { return !host_.events().empty() && host_.events().back().json == json; });
  }
  std::string install() { return answered(begin()); }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream in(path(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(InstallersTest, WithoutAnyNothingIsOffered) {
  const auto listed = [this] {
    std::vector<std::string> all;
    const auto each = [](void* to, const dtu_command_info* i) {
      static_cast<std::vector<std::string>*>(to)->emplace_back(dtu::view(i->name));
      EXPECT_EQ(i->flags & ~DTU_COMMAND_CHANGES, DTU_COMMAND_INTERNAL | DTU_COMMAND_SHARED) << dtu::view(i->name);
    };
    EXPECT_EQ(commands_of(*hal_).list(hal_->self(), each, &all, &error_), DTU_OK);
    return all;
  };
  use("{}");
  EXPECT_TRUE(listed().empty());
  EXPECT_THAT(install(), HasSubstr("names no installer for firmware"));
  installer("true");
  EXPECT_THAT(listed(),
              testing::ElementsAre("firmware.facts", "firmware.install", "firmware.mark_good", "firmware.cancel"));
  EXPECT_THAT(answered(ask(*hal_, "firmware.install", order_of("bytes", "modem"))),
              HasSubstr("names no installer for modem"));
}

TEST_F(InstallersTest, RunsWithoutAShellInACleanEnvironment) {
  ::setenv("SECRET_OF_DTUD", "x", 1);
  installer("printf '%s\\n' \"$@\" > " + path("args") + "; env | cut -d= -f1 | sort > " + path("env") + "; cat > " +
            path("stdin") + "; ls /proc/self/fd > " + path("fds"));
  EXPECT_EQ(install(), "");
  EXPECT_EQ(content("args"), "--version\n2.1; rm -rf x\n" + image_ + "\n");
  EXPECT_THAT(content("env"), testing::Not(HasSubstr("SECRET_OF_DTUD")));
  EXPECT_THAT(content("env"), HasSubstr("PATH"));
  EXPECT_EQ(content("stdin"), "");
  ::unsetenv("SECRET_OF_DTUD");
}

TEST_F(InstallersTest, TellsHowFarItIs) {
  installer("echo ' 40% Copying'; while [ ! -e " + path("go") + " ]; do sleep 0.02; done; printf '100%%\\r'",
            R"(, "restart": "board")");
  ASSERT_EQ(begin(), DTU_OK);
  EXPECT_TRUE(told(R"({"percent": 40})"));
  std::ofstream(path("go")) << "";
  EXPECT_EQ(answered(DTU_OK), R"({"restart": "board"})");
  EXPECT_TRUE(told(R"({"percent": -1})"));
}

TEST_F(InstallersTest, AFileThatIsNotTheOneAnnouncedIsNotGivenToTheProgram) {
  installer("touch " + path("ran"));
  for (const char* announced : {"bytEs", "byte", "bytes and more"})
    EXPECT_THAT(answered(ask(*hal_, "firmware.install", order_of(announced))), HasSubstr(image_)) << announced;
  EXPECT_FALSE(std::ifstream(path("ran")));
  EXPECT_EQ(install(), "");
  EXPECT_TRUE(std::ifstream(path("ran")));
}

// More than is read at once.
TEST_F(InstallersTest, ALargeFileIsHashedInParts) {
  const std::string bytes(1'000'000, 'x');
  std::ofstream(image_) << bytes;
  use(R"({"installers": {"firmware": {"install": [")" + script("install", "echo \"$@\" > " + path("args")) +
      R"(", "{size}", "{sha256}", "{version}"]}}})");
  EXPECT_EQ(answered(ask(*hal_, "firmware.install", order_of(bytes, "firmware", "{file}"))), "");
  EXPECT_THAT(content("args"), testing::MatchesRegex("1000000 [0-9a-f]+ .file.\n"));
}

TEST_F(InstallersTest, PercentInALine) {
  EXPECT_EQ(percent_in("[ 40%] x"), 40);
  EXPECT_EQ(percent_in("7%"), 7);
  EXPECT_EQ(percent_in("999%"), 100);
  EXPECT_EQ(percent_in("12345%"), -1);
  EXPECT_EQ(percent_in("% 5"), -1);
  EXPECT_EQ(percent_in("none"), -1);
}

TEST_F(InstallersTest, FailuresInItsOwnWords) {
  installer("echo 10%; echo 'LastError: no space left' >&2; exit 3");
  EXPECT_EQ(install(), path("install") + ": exit status 3: LastError: no space left");
  installer("kill -9 $$");
  EXPECT_THAT(install(), HasSubstr("ended by signal 9"));
  use(R"({"installers": {"firmware": {"install": ["/nowhere/installer"]}}})");
  EXPECT_THAT(install(), HasSubstr("/nowhere/installer cannot be run: No such file"));
}

TEST_F(InstallersTest, OneThatTakesTooLongIsEndedWithWhatItStarted) {
  installer("sleep 1000 & echo $! > " + path("child") + "; wait", R"(, "timeout_s": 1)");
  EXPECT_THAT(install(), HasSubstr("took longer than 1 s"));
  const pid_t child = std::stoi(content("child"));
  EXPECT_TRUE(host_.run_until([&] {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    const std::string all{std::istreambuf_iterator<char>(stat), {}};
    return all.empty() || all.find(") Z") != std::string::npos;  // whoever is its parent now buries it
  }));
}

TEST_F(InstallersTest, OneThatLeavesAServiceBehindIsOverAllTheSame) {
  installer("setsid sleep 3 & exit 0");
  EXPECT_EQ(install(), "");
}

TEST_F(InstallersTest, CancelledItIsEnded) {
  installer("echo 1%; exec sleep 1000");
  for (const bool deadline : {false, true}) {
    ASSERT_EQ(begin(), DTU_OK);
    const uint64_t installing = call_;
    ASSERT_TRUE(told(R"({"percent": 1})"));
    if (deadline)
      commands_of(*hal_).cancel(hal_->self(), call_);
    else
      EXPECT_EQ(answered(ask(*hal_, "firmware.cancel", "{}")), "");
    call_ = installing;
    EXPECT_THAT(answered(DTU_OK), HasSubstr("it was cancelled"));
    call_ += 10;
  }
  ASSERT_EQ(begin(), DTU_OK);  // before the program runs
  commands_of(*hal_).cancel(hal_->self(), call_);
  EXPECT_EQ(answered(DTU_OK), "it was cancelled");
}

TEST_F(InstallersTest, StoppedItAnswers) {
  installer("exec sleep 1000");
  ASSERT_EQ(begin(), DTU_OK);
  EXPECT_EQ(hal_->stop(), DTU_OK);
  EXPECT_EQ(host_.replies().back().error, "the board was stopped");
}

// As after a kill of dtud: the installer of before still has the file.
TEST_F(InstallersTest, NeverTwoAtATime) {
  installer("echo begun >> " + path("runs") + "; while [ ! -e " + path("go") +
            " ]; do sleep 0.02; done; echo done >> " + path("runs"));
  ASSERT_EQ(begin(), DTU_OK);
  const uint64_t first = call_;
  ASSERT_TRUE(host_.run_until([&] { return content("runs") == "begun\n"; }));
  EXPECT_EQ(begin(), DTU_E_INVALID) << "of the same HAL";
  Instance other = host_.create(*DTU_ENTRY.components[0],
                                R"({"installers": {"firmware": {"install": [")" + path("install") + "\"]}}}");
  ASSERT_EQ(other.start(), DTU_OK);
  ASSERT_EQ(ask(other, "firmware.install", order_of("bytes")), DTU_OK);
  const uint64_t second = call_;
  EXPECT_TRUE(host_.run_until([&] { return host_.logged("waiting for an earlier installer that is still running"); }));
  EXPECT_TRUE(host_.run_until([&] { return content("runs") == "begun\n"; })) << content("runs");
  std::ofstream(path("go")) << "";
  EXPECT_TRUE(host_.run_until(
      [&] {
        size_t answers = 0;
        for (const auto& reply : host_.replies()) answers += reply.call == first || reply.call == second ? 1 : 0;
        return answers == 2;
      },
      std::chrono::seconds(20)));
  EXPECT_EQ(content("runs"), "begun\ndone\nbegun\ndone\n");
}

TEST_F(InstallersTest, FactsFromAProgramOrAFile) {
  const std::string good =
      script("good", R"(echo '{"version": "2.1", "slot": "B", "confirmed": false}'; echo noise >&2)");
  const std::string bad = script("bad", "echo nonsense"), failing = script("failing", "exit 1");
  std::ofstream(path("version")) << "3.4\nmore\n";
  use(R"({"installers": {"firmware": {"install": ["/x"], "facts": [")" + good +
      R"("]}, "modem": {"install": ["/x"], "facts": [")" + bad + R"("]}, "other": {"install": ["/x"], "facts": [")" +
      failing + R"("]}, "package": {"install": ["/x"], "version_file": ")" + path("version") + "\"}}}");
  const std::string expected =
      R"({"firmware":{"confirmed":false,"slot":"B","version":"2.1"},"package":{"version":"3.4"}})";
  EXPECT_EQ(facts(), expected);
  EXPECT_TRUE(host_.logged("did not report the version of modem: no JSON object"));
  EXPECT_TRUE(host_.logged("did not report the version of other: exit status 1"));
  // Two questions at once share an answer.
  ASSERT_EQ(ask(*hal_, "firmware.facts", "{}"), DTU_OK);
  const uint64_t first = call_;
  EXPECT_EQ(facts(), expected);
  bool both = false;
  for (const auto& reply : host_.replies()) both = both || (reply.call == first && reply.json == expected);
  EXPECT_TRUE(both);
}

TEST_F(InstallersTest, MarkingGood) {
  installer("true", R"(, "mark_good": [")" + script("mark", "echo marked > " + path("marked")) + "\"]");
  EXPECT_EQ(mark(), "");
  EXPECT_EQ(content("marked"), "marked\n");
  installer("true", R"(, "mark_good": [")" + script("mark", "echo no boot loader; exit 1") + "\"]");
  EXPECT_EQ(mark(), "exit status 1: no boot loader");
  installer("true");
  EXPECT_EQ(mark(), "") << "nothing has to be marked";
}

TEST_F(InstallersTest, AProgramIsNamedByItsPath) {
  const Instance hal = host_.create(*DTU_ENTRY.components[0], R"({"installers": {"firmware": {"install": ["rauc"]}}})");
  EXPECT_FALSE(hal);
  EXPECT_THAT(hal.error(), HasSubstr("/installers/firmware/install: \"rauc\" is no absolute path"));
}

}  // namespace
}  // namespace hal_linux::test
