// The clock: what an NTP answer has to be, and by which means the clock comes into step. No test sets the real clock.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "clock/time_sync.hpp"
#include "far_end.hpp"
#include "ntp_packet.hpp"
#include "part.hpp"

namespace hal_linux::test {
namespace {

using dtu::test::TempDir;
using testing::AllOf;
using testing::Not;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kTrue_ns = 1'800'000'000 * kSecond;  // 2027

const SntpNonce kNonce{'1', '2', '3', '4', '5', '6', '7', '8'};

std::string why(const std::string& packet) { return read_sntp(packet, kNonce, 0, 0).why; }

TEST(SntpTest, OffsetAndDelayAreThoseOfTheRfc) {
  std::string packet = ntp_answer(sntp_request(kNonce), kTrue_ns);
  // Sent when our clock was 10 s late, 0.2 s on the way in all, none of it in the server.
  const SntpAnswer answer = read_sntp(packet, kNonce, kTrue_ns - 10 * kSecond - kSecond / 10, kSecond / 5);
  ASSERT_TRUE(answer.time) << answer.why;
  EXPECT_NEAR(static_cast<double>(answer.time->offset_ns), 10e9, 10);
  EXPECT_NEAR(static_cast<double>(answer.time->delay_ns), 0.2e9, 10);
  EXPECT_EQ(answer.time->stratum, 2);
}

TEST(SntpTest, ReadsTimesAfter2036AndAClockFrom1970) {
  const int64_t later_ns = 2'200'000'000 * kSecond;  // 2039
  const SntpAnswer answer = read_sntp(ntp_answer(sntp_request(kNonce), later_ns), kNonce, 0, 0);
  ASSERT_TRUE(answer.time) << answer.why;
  EXPECT_NEAR(static_cast<double>(answer.time->offset_ns), static_cast<double>(later_ns), 1000);
}

TEST(SntpTest, WhatIsNotRightIsNotBelieved) {
  const std::string good = ntp_answer(sntp_request(kNonce), kTrue_ns);
  ASSERT_EQ(why(good), "");
  EXPECT_EQ(read_sntp(good, kNonce, 0, 5 * kSecond).why, "its times do not fit together");
  const auto with = [&](size_t at, uint64_t value, size_t bytes) {
    std::string packet = good;
    put_word(packet, at, value, bytes);
    return packet;
  };
  for (size_t size = 0; size < 48; ++size) EXPECT_EQ(why(good.substr(0, size)), "it is too short");
  EXPECT_THAT(why(with(0, 0x23, 1)), HasSubstr("mode 3"));
  EXPECT_THAT(why(with(0, 0x25, 1)), HasSubstr("mode 5"));
  EXPECT_THAT(why(with(0, 0x3c, 1)), HasSubstr("version is 7"));
  EXPECT_THAT(why(with(0, 0x04, 1)), HasSubstr("version is 0"));
  EXPECT_THAT(why(with(0, 0xe4, 1)), HasSubstr("not synchronized"));
  EXPECT_THAT(why(with(1, 16, 1)), HasSubstr("stratum is 16"));
  EXPECT_EQ(why(with(24, 0, 8)), "it answers another question");
  EXPECT_FALSE(read_sntp(with(24, 0, 8), kNonce, 0, 0).ours);
  EXPECT_THAT(why(with(32, 0, 8)), HasSubstr("no time"));
  EXPECT_THAT(why(with(40, 0, 8)), HasSubstr("no time"));
  EXPECT_THAT(why(with(32, 0xFF000000, 4)), HasSubstr("do not fit together"));
  EXPECT_THAT(why(with(8, 0xFFFFFFFF, 4)), HasSubstr("16 s"));
  for (const int64_t wrong_s : {int64_t{1'600'000'000}, kTrue_ns / kSecond + 3'000'000'000})
    EXPECT_EQ(why(ntp_answer(sntp_request(kNonce), wrong_s * kSecond)), "its time is before 2024 or after 2104");
  std::string kiss = with(1, 0, 1);
  kiss.replace(12, 4,
               "RA\x1b"
               "E");
  EXPECT_EQ(why(kiss), "the server refuses: RA?E");
}

TEST(ChronyTest, ReadsTheLineOfTracking) {
  const auto t = read_tracking(
      "C0000201,192.0.2.1,3,1800000000.5,-0.001500000,0.0001,0.0002,1.5,0.01,0.2,0.02,0.001,64.2,Normal\n");
  ASSERT_TRUE(t);
  EXPECT_TRUE(t->synchronized);
  EXPECT_EQ(t->server, "192.0.2.1");
  EXPECT_EQ(t->offset_s, -0.0015);
  EXPECT_FALSE(read_tracking("00000000,,0,0.0,0,0,0,0,0,0,1,1,0,Not synchronised")->synchronized);
  for (const char* other : {"", "506 Cannot talk to daemon", "a,b,c,d,e,f,g,h,i,j,k,l,m,n", ",,,,,,,,,,,,,,,,,,"})
    EXPECT_FALSE(read_tracking(other)) << other;
}

// A clock that goes as the true one does, from any time on.
class FakeClock final : public SystemClock {
 public:
  [[nodiscard]] int64_t now_ns() const override { return base_ns_ + elapsed(); }
  void set_ns(int64_t unix_ns) override {
    if (locked_) throw dtu::Failure(DTU_E_DENIED, "the clock may not be set");
    base_ns_ = unix_ns - elapsed();
    ++sets_;
  }
  [[nodiscard]] bool kept_in_step() const override { return kept_; }
  [[nodiscard]] static int64_t elapsed() {
    static const auto begin = std::chrono::steady_clock::now();
    return std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count();
  }
  int64_t base_ns_ = 0;
  int sets_ = 0;
  bool locked_ = false, kept_ = false;
};

// A server on the loopback.
class FakeServer {
 public:
  FakeServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
    port_ = ntohs(at.sin_port);
  }
  [[nodiscard]] uint16_t port() const { return port_; }
  // What it answers; an empty text is not sent.
  std::function<std::vector<std::string>(const std::string& request)> answers = [](const std::string& request) {
    return std::vector<std::string>{ntp_answer(request, kTrue_ns + FakeClock::elapsed())};
  };
  void serve() {
    std::array<char, 512> bytes{};
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    ssize_t n = 0;
    while ((n = ::recvfrom(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size)) >=
           0) {
      ++asked_;
      for (const std::string& answer : answers({bytes.data(), static_cast<size_t>(n)}))
        ::sendto(socket_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  int asked_ = 0;

 private:
  dtu_port::Descriptor socket_;
  uint16_t port_ = 0;
};

class TimeTest : public PartTest {
 protected:
  void TearDown() override {
    if (time_) time_->stop();
    time_.reset();
  }
  void use(TimeConfig config = {}) {
    config.ntp_port = server_.port();
    time_ = std::make_unique<TimeSync>(host(), config, Tree(tree_ / ""), clock_, lookup_);
  }
  void file(const std::string& below, const std::string& text) {
    const std::filesystem::path path = tree_ / below;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    ::chmod(path.c_str(), 0755);
  }
  // A chronyc whose tracking is this line, and which writes down what it is told.
  void chronyc(const std::string& tracking, const std::string& makestep = "exit 0") {
    file("run/chrony/chronyd.pid", "1");
    file("usr/bin/chronyc", "#!/bin/sh\necho $3 >>" + (tree_ / "told") + "\ncase $3 in\ntracking) " + tracking +
                                ";;\nmakestep) " + makestep + ";;\nesac\n");
  }
  [[nodiscard]] std::string told() const {
    std::ifstream in(tree_ / "told");
    std::string all;
    for (std::string word; in >> word;) all += word + " ";
    return all;
  }
  std::string sync(const std::string& args = R"({"ntp_server": "127.0.0.1"})") {
    dtu_error error{};
    const uint64_t call = ++call_;
    if (dtu::guarded(&error, [&] { return time_->invoke(call, args), DTU_OK; }) != DTU_OK) return error.message;
    return served(call);
  }
  std::string state() {
    const uint64_t call = ++call_;
    time_->read(call);
    return served(call);
  }
  std::string served(uint64_t call) {
    const dtu::test::Reply* found = nullptr;
    const auto there = [&] {
      server_.serve();
      for (const auto& reply : test_host_.replies())
        if (reply.call == call) found = &reply;
      return found != nullptr;
    };
    if (!test_host_.run_until(there, std::chrono::seconds(30))) return "no answer";
    return found->status == DTU_OK ? found->json : found->error;
  }
  TempDir tree_;
  FakeClock clock_;
  FakeServer server_;
  net::Resolver::Lookup lookup_ = net::system_lookup;
  std::unique_ptr<TimeSync> time_;
  uint64_t call_ = 0;
};

constexpr const char* kInStep = "echo C0000201,192.0.2.1,3,1800000000.5,0.0125,0,0,0,0,0,0,0,64,Normal";
constexpr const char* kNotInStep = "echo 00000000,,0,0.0,0,0,0,0,0,0,1,1,0,'Not synchronised'";

TEST_F(TimeTest, AnNtpServerSetsAClockFrom1970) {
  use();
  EXPECT_EQ(state(), R"({"synchronized":false,"source":""})");
  EXPECT_THAT(sync(),
              AllOf(HasSubstr(R"({"means":"ntp","server":"127.0.0.1:)"), HasSubstr(R"("stratum":2,"set":true})")));
  EXPECT_EQ(clock_.sets_, 1);
  EXPECT_NEAR(static_cast<double>(clock_.now_ns()), static_cast<double>(kTrue_ns + FakeClock::elapsed()), 4e9);
  EXPECT_THAT(state(), HasSubstr(R"({"synchronized":true,"source":"ntp","offset_ms":)"));
}

TEST_F(TimeTest, SaysOnlyHowFarItIsOffWhereItShallNotSet) {
  TimeConfig config;
  config.set_clock = false;
  config.ntp_server = "127.0.0.1";
  use(config);
  clock_.set_ns(kTrue_ns + FakeClock::elapsed() - 3600 * kSecond);
  EXPECT_THAT(sync("{}"), AllOf(HasSubstr(R"("offset_ms":3)"), HasSubstr(R"("set":false)")));
  EXPECT_EQ(clock_.sets_, 1) << "by the test";
  EXPECT_EQ(state(), R"({"synchronized":false,"source":""})");
}

TEST_F(TimeTest, AForgedAnswerIsPassedOverAndTheTrueOneTaken) {
  use();
  server_.answers = [](const std::string& request) {
    std::string forged = ntp_answer(request, kTrue_ns + 99'999 * kSecond);
    forged[24] = static_cast<char>(forged[24] ^ 1);
    return std::vector<std::string>{forged, "x", ntp_answer(request, kTrue_ns + FakeClock::elapsed())};
  };
  EXPECT_THAT(sync(), HasSubstr(R"("set":true)"));
  EXPECT_LT(clock_.now_ns(), kTrue_ns + 1000 * kSecond);
}

TEST_F(TimeTest, AServerThatIsNotRightSetsNothingAndTheReasonIsSaid) {
  use();
  server_.answers = [](const std::string& request) {
    std::string packet = ntp_answer(request, kTrue_ns);
    packet[0] = '\xe4';
    return std::vector<std::string>{packet};
  };
  EXPECT_THAT(sync(), AllOf(HasSubstr("no time from 127.0.0.1"), HasSubstr("the server itself is not synchronized")));
  EXPECT_EQ(clock_.sets_, 0);
}

TEST_F(TimeTest, ASilentServerIsLeftForTheNextAddress) {
  test_host_.use_fake_clock();
  lookup_ = [](const std::string&, uint16_t port) {
    net::Resolved names;
    for (int i = 0; i < 9; ++i) names.addresses.push_back(*net::numeric_address("127.0.0.1", port));
    return names;
  };
  use();
  server_.answers = [](const std::string&) { return std::vector<std::string>{}; };
  const uint64_t call = ++call_;
  time_->invoke(call, R"({"ntp_server": "time.example"})");
  for (int asked = 1; asked <= 3; ++asked) {
    ASSERT_TRUE(test_host_.run_until([&] { return server_.serve(), server_.asked_ == asked; }));
    test_host_.advance(std::chrono::seconds(2));
  }
  EXPECT_THAT(served(call), HasSubstr("no answer within 2 s"));
  EXPECT_EQ(clock_.sets_, 0);
}

TEST_F(TimeTest, ANameThatIsNotFoundAndNoNameAreSaid) {
  lookup_ = [](const std::string&, uint16_t) { return net::Resolved{{}, "no such name"}; };
  use();
  EXPECT_EQ(sync(R"({"ntp_server": "time.example"})"), "ntp_server: no such name");
  EXPECT_THAT(sync("{}"), HasSubstr("no time server: name ntp_server"));
  for (const char* wrong : {"a b", "a\\n", "\\u0000"})
    EXPECT_THAT(sync(R"({"ntp_server": ")" + std::string(wrong) + "\"}"), HasSubstr("/ntp_server: ")) << wrong;
}

TEST_F(TimeTest, AClockThatMayNotBeSetIsNoSuccess) {
  clock_.locked_ = true;
  use();
  EXPECT_THAT(sync(), AllOf(HasSubstr("the clock is off by 18000"), HasSubstr("may not be set")));
  EXPECT_EQ(state(), R"({"synchronized":false,"source":""})");
}

TEST_F(TimeTest, TheCommandIsOfferedOnlyWhereItIsConfigured) {
  const auto listed = [](const TimeSync& time) {
    size_t count = 0;
    time.list_commands([&](const dtu_command_info&) { ++count; });
    return count;
  };
  const TimeSync off(host(), std::nullopt, Tree(tree_ / ""), clock_);
  EXPECT_EQ(listed(off), 0U);
  EXPECT_FALSE(off.has("time.sync"));
  use();
  EXPECT_EQ(listed(*time_), 1U);
  EXPECT_TRUE(time_->has("time.sync"));
}

TEST_F(TimeTest, OneAtATimeAndACancelledOneMakesRoom) {
  use();
  server_.answers = [](const std::string&) { return std::vector<std::string>{}; };
  time_->invoke(900, R"({"ntp_server": "127.0.0.1"})");
  EXPECT_THAT(sync(), HasSubstr("is being set already"));
  time_->cancel(900);
  time_->invoke(901, R"({"ntp_server": "127.0.0.1"})");
  time_->stop();
  EXPECT_THAT(served(901), HasSubstr("was stopped"));
  EXPECT_EQ(clock_.sets_, 0);
}

TEST_F(TimeTest, ChronyInStepIsBelievedAndSaid) {
  chronyc(kInStep);
  use();
  EXPECT_EQ(sync("{}"), R"({"means":"chrony","server":"192.0.2.1","offset_ms":12.5})");
  EXPECT_THAT(sync(), HasSubstr(R"("note":"chrony keeps the clock: ntp_server was not asked")"));
  EXPECT_EQ(state(), R"({"synchronized":true,"source":"chrony","offset_ms":12.5})");
  EXPECT_EQ(told(), "tracking tracking tracking ");
  EXPECT_EQ(server_.asked_, 0);
}

TEST_F(TimeTest, ChronyOutOfStepIsToldToCorrectAndNeverTakenForASuccess) {
  chronyc(kNotInStep, "echo 501 Not authorised; exit 1");
  use();
  EXPECT_THAT(sync("{}"), HasSubstr("chrony: it is not synchronized with any server"));
  EXPECT_EQ(told(), "tracking waitsync makestep tracking ");
  EXPECT_EQ(state(), R"({"synchronized":false,"source":""})");
  EXPECT_THAT(sync(), HasSubstr(R"("means":"ntp")")) << "a server that the command names is asked then";
}

TEST_F(TimeTest, WithoutTheRightChronysOwnWordsAreSaid) {
  chronyc("echo C0000201,192.0.2.1,3,1800000000.5,77.5,0,0,0,0,0,0,0,64,Normal", "echo 501 Not authorised; exit 1");
  use();
  EXPECT_THAT(sync("{}"), HasSubstr("may not be told to correct the clock at once: exit status 1: 501 Not authorised"));
}

TEST_F(TimeTest, TimesyncdIsAskedForItsMark) {
  std::filesystem::create_directories(tree_ / "run/systemd/timesync");
  use();
  EXPECT_THAT(sync("{}"), HasSubstr("timesyncd: it has reached no server yet"));
  file("run/systemd/timesync/synchronized", "");
  EXPECT_EQ(sync("{}"), R"({"means":"timesyncd"})");
  EXPECT_EQ(state(), R"({"synchronized":true,"source":"timesyncd"})");
}

TEST_F(TimeTest, TheMeansCanBeChosen) {
  chronyc(kInStep);
  TimeConfig config;
  config.means = "ntp";
  use(config);
  EXPECT_THAT(sync(), HasSubstr(R"("means":"ntp")"));
  config.means = "timesyncd";
  time_->stop();
  use(config);
  EXPECT_THAT(sync(), HasSubstr("timesyncd: it does not run"));
}

TEST_F(TimeTest, TheKernelsWordCountsWhereNoKeeperIsKnown) {
  clock_.kept_ = true;
  use();
  EXPECT_EQ(state(), R"({"synchronized":true,"source":"kernel"})");
}

}  // namespace
}  // namespace hal_linux::test
