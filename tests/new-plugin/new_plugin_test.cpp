// The plugins that dtu-new-plugin makes, as it makes them, in the real dtud: each is seen in dtuctl and does what its
// README says.
#include <fcntl.h>
#include <gtest/gtest.h>

#include "harness/descriptor.hpp"
#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/temp_dir.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

// A board of the made HAL, whose port is bound to the made channel.
struct NewPlugin : testing::Test {
  TempDir folder;
  Dtud dtud;

  void SetUp() override {
    dtud.hal(R"({"type": "made-here", "port": "p1"})");
    dtud.device(R"({"uconf": {"p1": {"mode": "raw"}}, "conf": {"1": {"protocol": "made-here", "folder": ")" +
                folder.path("") + R"(", "serialID": "p1"}}})");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("p1", "up"));
    ASSERT_TRUE(dtud.channel_is("1", "up"));
  }
  // The far end of the port, whose device dtuctl names.
  Descriptor line() {
    return Descriptor(::open(text(dtud.port("p1"), "device").c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  }
  std::string said(const std::vector<std::string>& arguments) {
    const Ran ran = dtud.dtuctl(arguments);
    EXPECT_EQ(ran.status, 0) << ran.output;
    return ran.output;
  }
};

TEST_F(NewPlugin, WhatThePortReadsIsInTheFolderAndBack) {
  const Descriptor far_end = line();
  ASSERT_GE(far_end.get(), 0);
  ASSERT_EQ(::write(far_end.get(), "measured", 8), 8);
  EXPECT_TRUE(eventually([&] { return read_file(folder.path("made-here.up")) == "measured\n"; }))
      << read_file(folder.path("made-here.up"));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 1));
  EXPECT_EQ(dtud.metric(R"(dtu_made_here_messages_total{component="channel 1"})"), 1);

  const Descriptor fifo(::open(folder.path("made-here.down").c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::write(fifo.get(), "order", 5), 5);
  std::string got(5, ' ');
  ASSERT_EQ(::read(far_end.get(), got.data(), got.size()), 5);
  EXPECT_EQ(got, "order");
  EXPECT_EQ(dtud.stop(), 0);
}

// More than pipes and terminals hold, both ways, with a reader that comes late: nothing is lost or out of order.
TEST_F(NewPlugin, NothingIsLostWhenTheReaderIsSlow) {
  std::string all;
  for (int i = 0; all.size() < size_t{1} << 20U; ++i) all += std::to_string(i) + " ";
  const Descriptor far_end = line();
  const Descriptor fifo(::open(folder.path("made-here.down").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  size_t written = 0;
  std::string got;
  ASSERT_TRUE(eventually([&] {
    for (ssize_t n = 0; written < all.size(); written += static_cast<size_t>(n)) {
      n = ::write(fifo.get(), all.data() + written, all.size() - written);
      if (n <= 0) break;
    }
    std::string some(65536, ' ');
    pollfd ready{far_end.get(), POLLIN, 0};
    while (::poll(&ready, 1, 0) == 1) {
      const ssize_t n = ::read(far_end.get(), some.data(), some.size());
      if (n <= 0) break;
      got.append(some, 0, static_cast<size_t>(n));
    }
    return got.size() >= all.size();
  })) << got.size()
      << " of " << all.size() << " came, " << written << " were written";
  EXPECT_TRUE(got == all);
}

TEST_F(NewPlugin, PointsAreReadAndWritten) {
  EXPECT_NE(said({"points"}).find("made-here.level"), std::string::npos);
  EXPECT_EQ(said({"read", "made-here.bytes"}), "0\n");
  said({"write", "made-here.level", "40"});
  EXPECT_EQ(said({"read", "made-here.level"}), "40\n");
  EXPECT_NE(dtud.dtuctl({"write", "made-here.level", "400"}).status, 0);
  EXPECT_NE(dtud.dtuctl({"write", "made-here.bytes", "1"}).status, 0);
}

TEST_F(NewPlugin, CommandsAnswer) {
  EXPECT_NE(said({"commands"}).find("made-here.greet"), std::string::npos);
  const std::string greeting = said({"call", "made-here.greet", R"({"name": "you \"there\""})", "--json"});
  EXPECT_NE(greeting.find(R"(Hello, you \"there\"!)"), std::string::npos) << greeting;
  EXPECT_NE(said({"call", "made-here.wait", R"({"ms": 5})", "--json"}).find("\"waited_ms\":5"), std::string::npos);
  const Ran wrong = dtud.dtuctl({"call", "made-here.greet", R"({"nam": "you"})"});
  EXPECT_NE(wrong.status, 0);
  EXPECT_NE(wrong.output.find("nam"), std::string::npos) << wrong.output;
}

TEST_F(NewPlugin, DtuctlSaysWhatTheyAre) {
  const std::string plugins = said({"plugins"});
  for (const std::string kind : {"channel", "hal", "command"})
    EXPECT_NE(plugins.find("org.example." + kind + "-made-here"), std::string::npos) << plugins;
  EXPECT_NE(said({"plugins", "--json"}).find("Müller & Söhne | 50% Co."), std::string::npos);
}

// One of each twice, and one whose folder is not there: it says so, and the other goes on.
TEST_F(NewPlugin, AFolderThatIsMissingIsSaid) {
  const HttpAnswer answer = dtud.put(
      "/v1/config", R"({"uconf": {"p1": {"mode": "raw"}}, "conf": {"1": {"protocol": "made-here", "folder": ")" +
                        folder.path("") + R"(", "serialID": "p1"}, "2": {"protocol": "made-here",
                                 "folder": "/nonexistent/place", "serialID": "p1"}}})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(eventually(
      [&] { return dtud.log().find("/nonexistent/place/made-here.up: No such file") != std::string::npos; }));
  EXPECT_TRUE(dtud.channel_is("1", "up"));
}

}  // namespace
}  // namespace e2e
