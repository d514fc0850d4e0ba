// What the watch tells, and what it does not.
#include <dtu/kit/port/device_watch.hpp>

#include <filesystem>
#include <fstream>

#include "fixture.hpp"

namespace hal_linux::test {
namespace {

namespace fs = std::filesystem;

void touch(const std::string& path) { std::ofstream(path).put('x'); }

class DeviceWatchTest : public HalTest {
 protected:
  void SetUp() override { use("{}"); }  // an instance to watch for
  void watch(const std::string& device) {
    told_ = 0;
    watch_ =
        std::make_unique<dtu_port::DeviceWatch>(dtu::Host(host_.table(), hal_->handle()), device, [this] { ++told_; });
    ASSERT_TRUE(watch_->working());
  }
  bool told() {
    return host_.run_until([&] { return told_ == 1; });
  }
  bool stays_quiet() {
    return !host_.run_until([&] { return told_ != 0; }, std::chrono::milliseconds(100));
  }
  void TearDown() override { watch_.reset(); }

  TempDir dir_;
  std::unique_ptr<dtu_port::DeviceWatch> watch_;
  int told_ = 0;
};

TEST_F(DeviceWatchTest, TellsOfTheNode) {
  watch(dir_ / "node");
  touch(dir_ / "node");
  EXPECT_TRUE(told());
}

TEST_F(DeviceWatchTest, SaysNothingOfItsNeighbours) {
  watch(dir_ / "node");
  touch(dir_ / "other");
  EXPECT_TRUE(stays_quiet());
  touch(dir_ / "node");
  EXPECT_TRUE(told());
}

TEST_F(DeviceWatchTest, TellsOfARename) {
  touch(dir_ / "other");
  watch(dir_ / "node");
  fs::rename(dir_ / "other", dir_ / "node");
  EXPECT_TRUE(told());
}

TEST_F(DeviceWatchTest, TellsOfNewPermissions) {
  touch(dir_ / "node");
  watch(dir_ / "node");
  fs::permissions(dir_ / "node", fs::perms::owner_read);
  EXPECT_TRUE(told());
}

TEST_F(DeviceWatchTest, WaitsForADirectoryThatIsMissing) {
  watch(dir_ / "a/b/node");
  fs::create_directory(dir_ / "a");
  EXPECT_TRUE(told());
  watch(dir_ / "a/b/node");
  fs::create_directory(dir_ / "a/b");
  EXPECT_TRUE(told());
}

TEST_F(DeviceWatchTest, TellsWhenTheDirectoryGoes) {
  fs::create_directory(dir_ / "a");
  watch(dir_ / "a/node");
  fs::remove(dir_ / "a");
  EXPECT_TRUE(told());
}

TEST_F(DeviceWatchTest, FollowsASymlinkToItsTarget) {
  fs::create_directory(dir_ / "dev");
  fs::create_symlink("dev/node", dir_ / "link");  // dangling, relative
  watch(dir_ / "link");
  touch(dir_ / "dev/node");
  EXPECT_TRUE(told());
}

TEST_F(DeviceWatchTest, StandsALoopOfSymlinks) {
  fs::create_symlink(dir_ / "b", dir_ / "a");
  fs::create_symlink(dir_ / "a", dir_ / "b");
  watch(dir_ / "a");
  EXPECT_TRUE(stays_quiet());
}

TEST_F(DeviceWatchTest, TellsOnce) {
  watch(dir_ / "node");
  touch(dir_ / "node");
  EXPECT_TRUE(told());
  fs::remove(dir_ / "node");
  touch(dir_ / "node");
  host_.run_until([&] { return told_ != 1; }, std::chrono::milliseconds(100));
  EXPECT_EQ(told_, 1);
}

}  // namespace
}  // namespace hal_linux::test
