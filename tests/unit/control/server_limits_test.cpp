// What hostile, slow and too many clients get.
#include <fcntl.h>
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
  [[nodiscard]] bool connections_are(uint64_t n) const {
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (running_->server.counters().connections != n && std::chrono::steady_clock::now() < give_up)
      std::this_thread::yield();
    return running_->server.counters().connections == n;
  }
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
  EXPECT_THAT(refused, HasSubstr("there are 2 taps"));
  EXPECT_EQ(status_of(RawClient::ask(path_, "GET", "/v1/status")), 200);
  one.close();
  ASSERT_TRUE(backend_.wait_feeds(1));
}

// Connections without a request take no thread, and the newest are always served: the oldest make room.
TEST_F(LimitsTest, AHundredConnectionsAtOnce) {
  Running& running = run();
  const size_t before = threads_of_this_process();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(std::make_unique<RawClient>(path_));
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (running.server.counters().accepted < 100 && std::chrono::steady_clock::now() < give_up)
    std::this_thread::yield();
  EXPECT_EQ(threads_of_this_process(), before);
  EXPECT_EQ(running.server.counters().evicted, 36U);
  size_t served = 0;
  for (size_t i = 0; i < clients.size(); ++i) {
    clients[i]->send("GET /v1/status HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(clients[i]->read_to_end());
    served += status_of(clients[i]->received) == 200 ? 1 : 0;
    if (i < 36) {
      EXPECT_EQ(status_of(clients[i]->received), 503);
      EXPECT_THAT(clients[i]->received, HasSubstr("Retry-After: 1\r\n"));
    }
  }
  EXPECT_EQ(served, 64U);
}

// More slow clients than workers: half a head, half a body, half a chunk, an answer that is not read.
TEST_F(LimitsTest, SlowClientsDoNotLockOutTheOthers) {
  backend_.set_answer("ports", {200, std::string(500U << 10U, 'p')});
  Running& running = run();
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 12; ++i)
    for (const char* start :
         {"", "GET /v1/status HTTP/1.1\r\n", "PUT /v1/config HTTP/1.1\r\nContent-Length: 900\r\n\r\n{",
          "PUT /v1/config HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "GET /v1/ports HTTP/1.1\r\n\r\n"}) {
      slow.push_back(std::make_unique<RawClient>(path_));
      ASSERT_TRUE(slow.back()->send(start));
      ASSERT_EQ(status_of(RawClient::ask(path_, "GET", "/v1/status")), 200) << slow.size();
    }
  EXPECT_TRUE(connections_are(60));
  EXPECT_EQ(running.server.counters().evicted, 0U);
  EXPECT_EQ(backend_.body_of("set_config"), "-");
  EXPECT_EQ(running.server.counters().refused_busy, 0U);
}

TEST_F(LimitsTest, RequestsThatWaitForPluginsLeaveWorkersToTheOthers) {
  backend_.hang_on = "call";
  run();
  std::vector<std::unique_ptr<RawClient>> callers;
  const std::string call = "POST /v1/call HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\n\r\n{}";
  size_t refused = 0;
  for (int i = 0; i < 8; ++i) {
    callers.push_back(std::make_unique<RawClient>(path_));
    callers.back()->send(call);
    EXPECT_EQ(status_of(RawClient::ask(path_, "GET", "/v1/status")), 200);
  }
  for (size_t i = 6; i < 8; ++i) {
    EXPECT_TRUE(callers[i]->read_to_end());
    refused += status_of(callers[i]->received) == 503 ? 1 : 0;
  }
  EXPECT_EQ(refused, 2U);
}

TEST_F(LimitsTest, WhatClientsMakeItHoldIsBounded) {
  options_.limits.held = 3U << 20U;
  Running& running = run();
  const std::string almost = "PUT /v1/config HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + std::string(999'999, 'x');
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 6; ++i) {
    slow.push_back(std::make_unique<RawClient>(path_));
    ASSERT_TRUE(slow.back()->send(almost));
  }
  EXPECT_TRUE(slow.front()->read_to_end());
  EXPECT_EQ(status_of(slow.front()->received), 503);
  EXPECT_GE(running.server.counters().evicted, 1U);
  ASSERT_TRUE(slow.back()->send("x"));
  EXPECT_TRUE(slow.back()->read_until("set_config"));
}

// Each of them is what a whole request begins with. The first that is not refused would remove every channel.
TEST_F(LimitsTest, AnIncompleteRequestDoesNothing) {
  run();
  const std::string counted = "PUT /v1/config HTTP/1.1\r\nContent-Length: 40\r\n\r\n";
  const std::string chunked = "PUT /v1/config HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& bytes :
       {std::string("PUT /v1/config HTTP/1.1\r\nContent-Le"), counted, counted + "{\"conf\": {}}", chunked,
        chunked + "2", chunked + "2\r\n", chunked + "2\r\n{", chunked + "2\r\n{}", chunked + "2\r\n{}\r\n",
        chunked + "2\r\n{}\r\n0", chunked + "2\r\n{}\r\n0\r\n", chunked + "2\r\n{}\r\n0\r\nX: y\r\n"}) {
    RawClient client(path_);
    client.send(bytes);
    client.finish();
    EXPECT_TRUE(client.read_to_end());
    EXPECT_EQ(status_of(client.received), 400) << bytes;
  }
  for (const char* bad :
       {"zz\r\n{}\r\n0\r\n\r\n", "-2\r\n{}\r\n0\r\n\r\n", "0x2\r\n{}\r\n0\r\n\r\n", "+2\r\n{}\r\n0\r\n\r\n",
        "\r\n{}\r\n0\r\n\r\n", "2 2\r\n{}\r\n0\r\n\r\n", "1\r\n{}\r\n0\r\n\r\n", "2\r\n{}\r\nq\r\n\r\n"}) {
    RawClient client(path_);
    client.send(chunked + bad);
    EXPECT_TRUE(client.read_to_end());
    EXPECT_EQ(status_of(client.received), 400) << bad;
  }
  for (const char* bad : {"100001\r\n", "ffffffffffffffff\r\n", "10000000000000002\r\n"}) {
    RawClient client(path_);
    client.send(chunked + bad);
    EXPECT_TRUE(client.read_to_end());
    EXPECT_EQ(status_of(client.received), 413) << bad;
  }
  EXPECT_EQ(backend_.body_of("set_config"), "-");
}

TEST_F(LimitsTest, ABodyWhoseLengthIsInDoubtIsRefused) {
  run();
  for (const char* framing :
       {"Content-Length: 2\r\nContent-Length: 2\r\n", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Content-Length: +2\r\n",
        "Content-Length: 2a\r\n", "Content-Length: \r\n", "Content-Length: -2\r\n", "Content-Length: 2, 2\r\n"}) {
    RawClient client(path_);
    client.send(std::string("PUT /v1/config HTTP/1.1\r\n") + framing + "\r\n{}");
    EXPECT_TRUE(client.read_to_end());
    EXPECT_EQ(status_of(client.received), 400) << framing;
  }
  EXPECT_EQ(backend_.body_of("set_config"), "-");
}

// A chunked body in every way it can be cut into pieces.
TEST_F(LimitsTest, AWholeRequestIsTakenHoweverItArrives) {
  const std::string bytes =
      "PUT /v1/config HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n{\"a\r\nA \r\n\": [1, 2]}\r\n0\r\nX: "
      "y\r\n\r\n";
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    RequestReader reader({});
    const auto first = reader.take(std::string_view(bytes).substr(0, cut));
    EXPECT_EQ(first == RequestReader::State::complete, cut == bytes.size()) << cut;
    if (cut < bytes.size()) {
      ASSERT_EQ(reader.take(std::string_view(bytes).substr(cut)), RequestReader::State::complete) << cut;
    }
    EXPECT_EQ(reader.request().body, "{\"a\": [1, 2]}") << cut;
    EXPECT_FALSE(reader.begun());
  }
  RequestReader reader({});
  auto state = RequestReader::State::incomplete;
  for (const char c : bytes) state = reader.take({&c, 1});
  EXPECT_EQ(state, RequestReader::State::complete);
}

TEST_F(LimitsTest, AClientThatAsksWhetherToGoOnIsToldSo) {
  run();
  RawClient client(path_);
  client.send("PUT /v1/config HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(client.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
  client.send("{}");
  EXPECT_TRUE(client.read_until("set_config"));
}

// Whoever follows may be silent for as long as it likes, and read nothing for as long as it likes.
TEST_F(LimitsTest, AFollowerIsNotASlowClient) {
  options_.limits.patience = std::chrono::milliseconds(50);
  options_.limits.keep_alive = std::chrono::milliseconds(50);
  options_.limits.connections = 3;
  run();
  RawClient client(path_);
  client.send("GET /v1/log?follow=1 HTTP/1.1\r\nHost: d\r\n\r\n");
  ASSERT_TRUE(backend_.wait_feeds(1));
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 5; ++i) idle.push_back(std::make_unique<RawClient>(path_));
  for (auto& one : idle) EXPECT_TRUE(one->read_to_end());  // evicted, or too slow
  const std::string line(1000, 'x');
  for (int i = 0; i < 3000; ++i) backend_.push(line);
  RawClient late(path_);
  EXPECT_TRUE(late.read_to_end());  // the deadline has passed meanwhile
  EXPECT_TRUE(client.read_until("{\"missed\": "));
  backend_.push("again");
  EXPECT_TRUE(client.read_until("again"));
  EXPECT_TRUE(connections_are(1));
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
  const auto settled = [&] {
    const auto counters = running.server.counters();
    return counters.accepted == 4 && counters.busy == 0 && counters.connections == 3;
  };
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
