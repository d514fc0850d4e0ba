// What hostile, slow and too many clients get.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>

#include "fake_backend.hpp"
#include "raw_client.hpp"

namespace dtud::control::test {
namespace {

using testing::HasSubstr;

class LimitsTest : public testing::Test {
 protected:
  Running& run() {
    options_.socket_path = path_;
    return running_.emplace(options_, backend_);
  }
  TempDir dir_;
  std::string path_ = dir_.file("control.sock");
  FakeBackend backend_;
  Server::Options options_;
  std::optional<Running> running_;
};

size_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_F(LimitsTest, ABodyOfOneMebibyteIsTakenAndNoMore) {
  run();
  const std::string mib(1U << 20U, 'x');
  EXPECT_EQ(status_of(RawClient::ask(path_, "POST", "/v1/config/check", mib)), 200);
  EXPECT_EQ(backend_.body_of("check_config").size(), mib.size());
  EXPECT_EQ(status_of(RawClient::ask(path_, "PUT", "/v1/config", mib + "x")), 413);
  EXPECT_EQ(backend_.body_of("set_config"), "-");
}

TEST_F(LimitsTest, ATooLongBodyIsRefusedBeforeItIsSent) {
  run();
  RawClient client(path_);
  client.send("PUT /v1/config HTTP/1.1\r\nHost: d\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(client.read_to_end());
  EXPECT_EQ(status_of(client.received), 413);
}

TEST_F(LimitsTest, ATooLongBodyInChunks) {
  run();
  RawClient client(path_);
  client.send("PUT /v1/config HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(65536, 'x') + "\r\n";
  for (int i = 0; i < 64 && client.send(chunk); ++i) {
  }
  EXPECT_TRUE(client.read_to_end());
  EXPECT_EQ(status_of(client.received), 413);
}

TEST_F(LimitsTest, ABodyWithoutALength) {
  run();
  RawClient client(path_);
  client.send("PUT /v1/config HTTP/1.1\r\nHost: d\r\n\r\n{}");
  EXPECT_TRUE(client.read_to_end());
  EXPECT_EQ(status_of(client.received), 400);
}

TEST_F(LimitsTest, TheBodyOfARefusedRequestIsNotTheNextRequest) {
  run();
  RawClient client(path_);
  const std::string inner = "GET /v1/ports HTTP/1.1\r\n\r\n";
  client.send("POST /nowhere HTTP/1.1\r\nHost: d\r\nContent-Length: " + std::to_string(inner.size()) + "\r\n\r\n" +
              inner);
  EXPECT_TRUE(client.read_to_end());
  EXPECT_EQ(status_of(client.received), 404);
  EXPECT_EQ(backend_.body_of("ports"), "-");
}

TEST_F(LimitsTest, AHeadWithoutAnEndIsCutOff) {
  run();
  for (const char* start : {"GET /", "GET /v1/ports HTTP/1.1\r\nX: "}) {
    RawClient client(path_);
    client.send(start);
    const std::string more(4096, 'a');
    for (int i = 0; i < 1000 && client.send(more); ++i) {
    }
    EXPECT_TRUE(client.read_to_end());
  }
  RawClient client(path_);
  client.send("GET /v1/ports HTTP/1.1\r\n");
  for (int i = 0; i < 100'000 && client.send("A: b\r\n"); ++i) {
  }
  EXPECT_TRUE(client.read_to_end());
  EXPECT_EQ(backend_.body_of("ports"), "-");
}

TEST_F(LimitsTest, Garbage) {
  run();
  RawClient client(path_);
  client.send(std::string("\x16\x03\x01\x00\xff\r\n\r\n\0\0\0", 12));
  EXPECT_TRUE(client.read_to_end());
  EXPECT_EQ(status_of(RawClient::ask(path_, "GET", "/v1/ports")), 200);
}

TEST_F(LimitsTest, AClientThatTricklesItsRequestIsCutOff) {
  options_.limits.patience = std::chrono::milliseconds(300);
  run();
  for (const char* start :
       {"", "GET /v1/ports HTTP/1.1\r\nX: ", "PUT /v1/config HTTP/1.1\r\nContent-Length: 900000\r\n\r\n"}) {
    RawClient client(path_);
    ASSERT_TRUE(client.send(start));
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    bool cut = false;
    while (!cut && std::chrono::steady_clock::now() < give_up) {
      pollfd p{-1, 0, 0};
      ::poll(&p, 1, 20);  // the trickle
      cut = *start == '\0' ? client.read_to_end() : !client.send("a");
    }
    EXPECT_TRUE(cut) << start;
  }
  EXPECT_EQ(backend_.body_of("set_config"), "-");
}

TEST_F(LimitsTest, AClientThatDoesNotReadItsAnswerIsCutOff) {
  options_.limits.patience = std::chrono::milliseconds(300);
  backend_.set_answer("ports", {200, std::string(8U << 20U, 'p')});
  Running& running = run();
  RawClient client(path_);
  client.send("GET /v1/ports HTTP/1.1\r\nHost: d\r\n\r\n");
  ASSERT_TRUE(backend_.wait_asked("ports"));
  const auto before = std::chrono::steady_clock::now();
  running.stop(before + kPatience);  // returns although nobody reads, and after one time-out, not two
  EXPECT_LT(std::chrono::steady_clock::now() - before, options_.limits.keep_alive);
  EXPECT_TRUE(client.read_to_end());
  EXPECT_LT(client.received.size(), 8U << 20U);
}

TEST_F(LimitsTest, ATapThatIsNotReadMissesLinesAndHearsOfIt) {
  run();
  RawClient client(path_);
  client.send("GET /v1/tap?target=all HTTP/1.1\r\nHost: d\r\n\r\n");
  ASSERT_TRUE(backend_.wait_feeds(1));
  const std::string line = "{\"x\": \"" + std::string(1000, 'x') + "\"}";
  for (int i = 0; i < 5000; ++i) backend_.push(line);  // 5 MB; the socket and the feed hold half a megabyte
  EXPECT_TRUE(client.read_until("{\"missed\": "));
}

TEST_F(LimitsTest, TapsAreLimitedAndLeaveRoomForQuestions) {
  options_.streams = 2;
  run();
  RawClient one(path_);
  RawClient two(path_);
  one.send("GET /v1/tap?target=all HTTP/1.1\r\nHost: d\r\n\r\n");
  two.send("GET /v1/log?follow=1 HTTP/1.1\r\nHost: d\r\n\r\n");
  ASSERT_TRUE(backend_.wait_feeds(2));
  const std::string refused = RawClient::ask(path_, "GET", "/v1/tap?target=all");
  EXPECT_EQ(status_of(refused), 409);
  EXPECT_THAT(refused, HasSubstr("no more than 2 taps"));
  EXPECT_EQ(status_of(RawClient::ask(path_, "GET", "/v1/status")), 200);
  one.close();
  ASSERT_TRUE(backend_.wait_feeds(1));
}

TEST_F(LimitsTest, AHundredConnectionsAtOnce) {
  Running& running = run();
  const size_t before = threads_of_this_process();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(std::make_unique<RawClient>(path_));
  EXPECT_LE(threads_of_this_process(), before + 9);
  size_t served = 0;
  size_t busy = 0;
  for (auto& client : clients) {
    client->send("GET /v1/status HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(client->read_to_end());
    const int status = status_of(client->received);
    served += status == 200 ? 1 : 0;
    busy += status == 503 ? 1 : 0;
    if (status == 503) {
      EXPECT_THAT(client->received, HasSubstr("Retry-After: 1\r\n"));
    }
  }
  EXPECT_EQ(served + busy, 100U);
  EXPECT_GE(served, 8U);
  EXPECT_GE(busy, 1U);
  const auto counters = running.server.counters();
  EXPECT_EQ(counters.accepted, served);
  EXPECT_EQ(counters.refused_busy, busy);
}

TEST_F(LimitsTest, WorkersEndWithTheirConnections) {
  Running& running = run();
  const size_t before = threads_of_this_process();
  for (int i = 0; i < 50; ++i) {
    std::string answer;  // a worker takes a moment to end: 503 is possible, and then the next try is served
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    do {
      answer = RawClient::ask(path_, "GET", "/v1/status");
    } while (status_of(answer) == 503 && std::chrono::steady_clock::now() < give_up);
    ASSERT_EQ(status_of(answer), 200);
  }
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while ((running.server.counters().busy > 0 || threads_of_this_process() > before) &&
         std::chrono::steady_clock::now() < give_up)
    std::this_thread::yield();
  EXPECT_EQ(threads_of_this_process(), before);
}

TEST_F(LimitsTest, OutOfDescriptorsItDropsConnectionsAndGoesOn) {
  Running& running = run();
  ASSERT_EQ(status_of(RawClient::ask(path_, "GET", "/v1/status")), 200);
  std::vector<std::unique_ptr<RawClient>> clients;
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  // Nobody may take or give back a descriptor below but those meant to: not the worker of the first connection, nor
  // those of the next three, who have all they need once they have answered.
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<RawClient>(path_));
    clients.back()->send("GET /v1/status HTTP/1.1\r\nHost: d\r\n\r\n");
    ASSERT_TRUE(clients.back()->read_until("}"));
  }
  const auto settled = [&] { return running.server.counters().accepted == 4 && running.server.counters().busy == 3; };
  while (!settled() && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  ASSERT_TRUE(settled());
  running.let_it_rest();
  Descriptor probe(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  // The client's own end takes the last descriptor, so that the server has none for its end.
  Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  probe.close();
  Descriptor filler(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const rlimit tight{static_cast<rlim_t>(std::max(client.get(), filler.get()) + 1), old.rlim_max};
  std::vector<Descriptor> fill;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  for (int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC); fd >= 0; fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC))
    fill.emplace_back(fd);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  for (uint64_t dropped = 1; dropped <= 3; ++dropped) {  // each of them: the spare descriptor comes back every time
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    while (running.server.counters().no_descriptor < dropped && std::chrono::steady_clock::now() < give_up)
      std::this_thread::yield();
    EXPECT_EQ(running.server.counters().no_descriptor, dropped);
    running.let_it_rest();
    const int at = client.get();
    client.close();
    client = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(client.get(), at);
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  clients.clear();
  fill.clear();
  EXPECT_EQ(status_of(RawClient::ask(path_, "GET", "/v1/status")), 200);
}

TEST_F(LimitsTest, AStrangerIsTurnedAwayEvenIfTheFileLetsHimConnect) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  Running& running = run();
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  ASSERT_EQ(::chmod(std::filesystem::path(path_).parent_path().c_str(), 0755), 0);
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(::pipe(pipe_ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {  // only system calls from here: other threads are not in the child
    char answer[512] = "";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ssize_t n = -1;
    if (::setgid(65534) == 0 && ::setuid(65534) == 0 &&
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      n = ::recv(fd, answer, sizeof answer, 0);
    ::_exit(n > 0 && ::write(pipe_ends[1], answer, static_cast<size_t>(n)) == n ? 0 : 1);
  }
  const Descriptor reader(pipe_ends[0]);
  ::close(pipe_ends[1]);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  std::string answer(512, '\0');
  answer.resize(static_cast<size_t>(std::max<ssize_t>(::read(reader.get(), answer.data(), answer.size()), 0)));
  EXPECT_EQ(status_of(answer), 403);
  EXPECT_EQ(running.server.counters().refused_peer, 1U);
}

}  // namespace
}  // namespace dtud::control::test
