// The line: a pty of our own, and one that goes and comes back.
#include "line.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "options.hpp"
#include "session.hpp"

namespace {

using sim::Fd;
using sim::Line;

class LineTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/dtu-sim-test-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

std::string read_within(sim::Session& session, int64_t ms, size_t at_least) {
  std::string got;
  for (const int64_t end = sim::now_ms() + ms; got.size() < at_least && sim::now_ms() < end;)
    if (session.wait(sim::now_ms() + 50)) got += session.line().read();
  return got;
}

TEST_F(LineTest, ExactlyOneLineIsNeeded) {
  EXPECT_THROW(Line({"", "", "", 9600}), std::runtime_error);
  EXPECT_THROW(Line({"/dev/null", "", "localhost:1", 9600}), std::runtime_error);
  EXPECT_THROW(Line({"/dev/null", "", "", 9601}), std::runtime_error);
}

TEST_F(LineTest, AMissingDeviceIsNamedAndPatienceEnds) {
  const std::string path = folder_ / "none";
  sim::Session session({path, "", "", 9600}, 1);
  try {
    for (const int64_t end = sim::now_ms() + 10'000; sim::now_ms() < end;) session.wait(sim::now_ms() + 1000);
    FAIL() << "it waits for ever";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find(path), std::string::npos);
  }
}

TEST_F(LineTest, OurPtyIsLinkedCarriesBytesAndIsUnlinked) {
  const std::string link = folder_ / "meter";
  {
    sim::Session session({"", link, "", 9600}, 1);
    const Fd other(open(link.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK));
    ASSERT_GE(other.get(), 0);
    const std::string binary("\x00\x03\x04\x11\x13\r\n\x7f\xff", 9);  // nothing a terminal would act on may be changed
    ASSERT_EQ(write(other.get(), binary.data(), binary.size()), 9);
    EXPECT_EQ(read_within(session, 5000, 9), binary);
  }
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(link)));
}

TEST_F(LineTest, AFileThatIsNotALinkIsLeftAlone) {
  const std::string path = folder_ / "precious";
  std::ofstream(path) << "data";
  EXPECT_THROW(Line({"", path, "", 9600}), std::runtime_error);
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST_F(LineTest, AVanishedPortIsFoundAgain) {
  const std::string path = folder_ / "port";
  auto make = [&] {
    Fd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    EXPECT_EQ(grantpt(master.get()) + unlockpt(master.get()), 0);
    std::filesystem::remove(path);
    std::filesystem::create_symlink(ptsname(master.get()), path);
    return master;
  };
  Fd master = make();
  sim::Session session({path, "", "", 9600}, 20);
  session.wait(sim::now_ms());
  ASSERT_TRUE(session.line().is_open());

  master.reset();
  for (const int64_t end = sim::now_ms() + 5000; session.line().is_open() && sim::now_ms() < end;)
    if (session.wait(sim::now_ms() + 50)) session.line().read();
  ASSERT_FALSE(session.line().is_open());

  master = make();
  for (const int64_t end = sim::now_ms() + 5000; !session.line().is_open() && sim::now_ms() < end;)
    session.wait(sim::now_ms() + 50);
  ASSERT_TRUE(session.line().is_open());
  EXPECT_EQ(session.vanished(), 1U);
  ASSERT_EQ(write(master.get(), "back", 4), 4);
  EXPECT_EQ(read_within(session, 5000, 4), "back");
}

TEST(SimOptions, NamesWhatIsWrong) {
  const std::vector<sim::Option> table = {{"every", "MS", "", "10"}, {"json", "", "", ""}};
  EXPECT_EQ(sim::Options(table, {}).number("every", 1, 100), 10);
  EXPECT_TRUE(sim::Options(table, {"--json"}).has("json"));
  EXPECT_THROW(sim::Options(table, {"--evry", "1"}), sim::UsageError);
  EXPECT_THROW(sim::Options(table, {"--every"}), sim::UsageError);
  EXPECT_THROW(static_cast<void>(sim::Options(table, {"--every", "1x"}).number("every", 1, 100)), sim::UsageError);
  EXPECT_THROW(static_cast<void>(sim::Options(table, {"--every", "101"}).number("every", 1, 100)), sim::UsageError);
}

}  // namespace
