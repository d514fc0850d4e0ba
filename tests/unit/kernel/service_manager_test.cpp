// Signs of life to the service manager, as long as all is well.
#include "kernel/service_manager.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <thread>

#include "lanes/descriptor.hpp"

namespace dtud {
namespace {

struct WatchdogTest : testing::Test {
  std::string dir = testing::TempDir() + "dtukit-notify-XXXXXX";
  Descriptor socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  void SetUp() override {
    ASSERT_NE(::mkdtemp(dir.data()), nullptr);
    const std::string path = dir + "/notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    ::setenv("WATCHDOG_USEC", "2000", 1);
  }
  void TearDown() override {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    std::filesystem::remove_all(dir);
  }
  [[nodiscard]] int signs() const {
    std::array<char, 64> text{};
    int count = 0;
    while (::recv(socket.get(), text.data(), text.size(), 0) > 0) ++count;
    return count;
  }
};

TEST_F(WatchdogTest, ASignOfLifeComesOnlyWhileAllIsWell) {
  Lane lane("test");
  std::atomic<bool> well{true};
  std::atomic<int> asked{0};
  Watchdog watchdog(lane, [&] { return ++asked, well.load(); });
  watchdog.start();
  std::thread thread([&] { lane.run(); });
  const auto asked_again = [&](int times) {
    const int before = asked;
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
         std::chrono::steady_clock::now() < end; std::this_thread::yield())
      if (asked >= before + times) return true;
    return false;
  };
  EXPECT_TRUE(asked_again(3));
  EXPECT_GE(signs(), 1);
  std::promise<void> unwell;
  lane.post([&] {
    well = false;
    (void)signs();
    unwell.set_value();
  });
  unwell.get_future().wait();
  EXPECT_TRUE(asked_again(3));
  EXPECT_EQ(signs(), 0);
  well = true;
  EXPECT_TRUE(asked_again(3));
  EXPECT_GE(signs(), 1);
  lane.stop();
  thread.join();
}

}  // namespace
}  // namespace dtud
