// Devices that are missing, busy, wrong, go away and come back.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "device.hpp"
#include "fixture.hpp"

namespace hal_linux::test {
namespace {

namespace fs = std::filesystem;

class DeviceTest : public HalTest {
 protected:
  // The device is a symlink, as in /dev/serial/by-id.
  void plug_in() {
    far_ = std::make_unique<FarEnd>(make_pty(&device_));
    fs::create_symlink(device_, link_);
  }
  void unplug() {
    fs::remove(link_);
    far_->hang_up();
  }
  bool carries(const std::string& up) {
    host_.clear();
    far_->send(up);
    return host_.run_until([&] { return far_->pump(), host_.emitted_bytes(kKey) == up; });
  }
  int looks() { return health()->getValue<int>("looks"); }

  TempDir dir_;
  std::string link_ = dir_ / "adapter";
};

TEST_F(DeviceTest, AMissingOneIsPendingAndNamed) {
  use_device(link_);
  ASSERT_EQ(open(), DTU_PENDING);
  ASSERT_EQ(host_.state(*hal_, kKey), DTU_STATE_DOWN);
  EXPECT_THAT(last_report(), HasSubstr("port 1: " + link_ + " is not there"));
  EXPECT_EQ(host_.reports().back().flags, DTU_ERR_RETRYABLE);
  const auto sent = write({"lost"});
  EXPECT_EQ(sent.status, DTU_E_IO);
  EXPECT_EQ(sent.taken, 0U);
  EXPECT_THAT(sent.error, HasSubstr("is not there"));
  EXPECT_EQ(health()->getValue<std::string>("state"), "waiting");
}

TEST_F(DeviceTest, AMissingOneIsTakenWhenItComes) {
  use_device(link_);
  ASSERT_EQ(open(), DTU_PENDING);
  plug_in();
  ASSERT_TRUE(becomes(DTU_STATE_UP));
  EXPECT_TRUE(carries("hello"));
}

// The clock stands still after the first looks, so only inotify can have told.
TEST_F(DeviceTest, ItsReturnIsToldByItsDirectory) {
  host_.use_fake_clock();
  use_device(link_);
  ASSERT_EQ(open(), DTU_PENDING);
  host_.advance(std::chrono::seconds(10));
  plug_in();
  ASSERT_TRUE(becomes(DTU_STATE_UP));
  EXPECT_TRUE(carries("hello"));
}

TEST_F(DeviceTest, ItsReturnIsToldWhenItsDirectoryIsMissingToo) {
  host_.use_fake_clock();
  link_ = dir_ / "by/id/adapter";
  use_device(link_);
  ASSERT_EQ(open(), DTU_PENDING);
  host_.advance(std::chrono::seconds(10));
  fs::create_directories(dir_ / "by/id");
  plug_in();
  ASSERT_TRUE(becomes(DTU_STATE_UP));
  unplug();
  fs::remove_all(dir_ / "by");
  ASSERT_TRUE(becomes(DTU_STATE_DOWN));
  host_.advance(std::chrono::seconds(10));
  fs::create_directories(dir_ / "by/id");
  plug_in();
  ASSERT_TRUE(becomes(DTU_STATE_UP));
  EXPECT_TRUE(carries("hello"));
}

TEST_F(DeviceTest, AnAbsentDeviceIsLookedForEver30Seconds) {
  host_.use_fake_clock();
  use_device(link_);
  ASSERT_EQ(open(), DTU_PENDING);
  host_.advance(std::chrono::seconds(10));
  const int first = looks();
  EXPECT_GE(first, 5);  // 0.1, 0.3, 0.7, 1.5, 3.1, 5.1 s
  EXPECT_LE(first, 7);
  host_.advance(std::chrono::seconds(300));
  EXPECT_GE(looks() - first, 9);
  EXPECT_LE(looks() - first, 11);
  EXPECT_EQ(host_.reports().size(), 1U);  // told once, not at every look
}

TEST_F(DeviceTest, GoneAndBackAgain) {
  plug_in();
  use_device(link_);
  ASSERT_EQ(open(), DTU_OK);
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(carries("round " + std::to_string(round)));
    unplug();
    ASSERT_TRUE(becomes(DTU_STATE_DOWN));
    EXPECT_EQ(write({"lost"}).status, DTU_E_IO);
    plug_in();
    ASSERT_TRUE(becomes(DTU_STATE_UP));
    EXPECT_EQ(health()->getValue<int>("losses"), round);
    EXPECT_EQ(host_.metric("port_losses{port=\"1\"}"), round);
  }
  EXPECT_TRUE(carries("back"));
  EXPECT_EQ(write({"down"}).status, DTU_OK);
  EXPECT_TRUE(receives(4));
}

TEST_F(DeviceTest, TheLossIsReportedWithItsReason) {
  use_pty();
  far_->hang_up();
  ASSERT_TRUE(becomes(DTU_STATE_DOWN));
  EXPECT_THAT(host_.reports()[0].text, HasSubstr("port 1: " + device_ + " went away"));
}

// A writer told DTU_AGAIN hears of room when the device is back; the message cut in half is not finished on it.
TEST_F(DeviceTest, AWaitingWriterIsToldAfterTheReturn) {
  plug_in();
  use_device(link_);
  ASSERT_EQ(open(), DTU_OK);
  const std::string big(512 * 1024, 'b');
  ASSERT_EQ(write({big, "next"}).status, DTU_AGAIN);
  unplug();
  ASSERT_TRUE(becomes(DTU_STATE_DOWN));
  EXPECT_GT(health()->getValue<size_t>("tx_lost_bytes"), 0U);
  plug_in();
  ASSERT_TRUE(host_.run_until([&] { return !host_.writables().empty(); }));
  ASSERT_EQ(write({"next"}).status, DTU_OK);
  ASSERT_TRUE(receives(4));
  EXPECT_EQ(far_->received(), "next");
}

TEST_F(DeviceTest, ALossSeenByWriteIsReported) {
  use_pty();
  far_->hang_up();
  EXPECT_EQ(write({"x"}).status, DTU_E_IO);
  EXPECT_EQ(host_.state(*hal_, kKey), DTU_STATE_DOWN);
}

TEST_F(DeviceTest, ABusyOneNamesItsHolder) {
  plug_in();
  const dtu_port::Descriptor other(::open(device_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_EQ(flock(other.get(), LOCK_EX | LOCK_NB), 0);
  use_device(link_);
  ASSERT_EQ(open(), DTU_PENDING);
  EXPECT_EQ(host_.state(*hal_, kKey), DTU_STATE_DOWN);
  EXPECT_THAT(last_report(), HasSubstr(link_ + " is in use by another port of this program"));
}

TEST_F(DeviceTest, ABusyOneIsTakenWhenItIsFree) {
  plug_in();
  dtu_port::Descriptor other(::open(device_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_EQ(flock(other.get(), LOCK_EX | LOCK_NB), 0);
  host_.use_fake_clock();
  use_device(link_);
  ASSERT_EQ(open(), DTU_PENDING);
  host_.advance(std::chrono::seconds(60));
  const int before = looks();
  EXPECT_LE(before, 34);  // every 2 s, after the first few
  EXPECT_EQ(host_.state(*hal_, kKey), DTU_STATE_DOWN);
  other.reset();
  host_.advance(std::chrono::seconds(2));
  ASSERT_TRUE(becomes(DTU_STATE_UP));
  EXPECT_TRUE(carries("mine now"));
}

TEST_F(DeviceTest, AHolderOutsideIsNamedWithItsPid) {
  plug_in();
  const dtu_port::Descriptor other(::open(device_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK));  // inherited on purpose
  const std::string command = "exec sleep 60 </dev/null >/dev/null 2>&1";
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  const std::string who = "pid " + std::to_string(child) + " (";
  EXPECT_THAT(holders(link_), HasSubstr(who));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST_F(DeviceTest, AnOpenPortIsLockedAgainstOthers) {
  use_pty();
  const dtu_port::Descriptor other(::open(device_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!other) {
    EXPECT_EQ(errno, EBUSY);  // TIOCEXCL, where we are not root
    return;
  }
  EXPECT_NE(flock(other.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(errno, EWOULDBLOCK);
}

TEST_F(DeviceTest, AClosedPortIsFreeForOthers) {
  use_pty();
  ports().close(hal_->self(), port_);
  const dtu_port::Descriptor other(::open(device_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(other);
  EXPECT_EQ(flock(other.get(), LOCK_EX | LOCK_NB), 0);
}

TEST_F(DeviceTest, ARegularFileIsRefused) {
  std::ofstream(link_) << "no tty";
  use_device(link_);
  EXPECT_EQ(open(), DTU_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("port 1: " + link_ + ": not a serial line"));
}

TEST_F(DeviceTest, Rs485OnAPtyIsRefused) {
  plug_in();
  use_device(link_, R"(, "rs485": {"mode": "kernel"})");
  EXPECT_EQ(open(), DTU_E_UNSUPPORTED);
  EXPECT_THAT(error_.message, HasSubstr("port 1: " + link_ + ": the driver has no RS-485 mode"));
}

TEST_F(DeviceTest, WrongSettingsAreRefusedAndThePortStaysClosed) {
  use_pty();
  ports().close(hal_->self(), port_);
  EXPECT_EQ(open(settings(1)), DTU_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("port 1: baud rate 1 is not possible"));
  EXPECT_EQ(open(), DTU_OK);
}

TEST_F(DeviceTest, ClosedWhileWaitingStaysQuiet) {
  host_.use_fake_clock();
  use_device(link_);
  ASSERT_EQ(open(), DTU_PENDING);
  host_.advance(std::chrono::seconds(1));
  ports().close(hal_->self(), port_);
  host_.clear();
  plug_in();
  host_.advance(std::chrono::seconds(60));
  EXPECT_TRUE(host_.reports().empty());
}

}  // namespace
}  // namespace hal_linux::test
