// A server whose clients set the port: what becomes of their wishes, and that nothing of them is left.
#include <gtest/gtest.h>

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include "rfc2217.hpp"
#include "served.hpp"

namespace channel_tcp::test {
namespace {

using namespace std::string_literals;
namespace t = telnet;

std::string option(t::Command command, uint8_t option) {
  std::string out;
  t::append_option(out, command, option);
  return out;
}
std::string sub(uint8_t sub_option, const std::string& value) {
  std::string out;
  t::append_subnegotiation(out, t::COM_PORT, std::string(1, static_cast<char>(sub_option)) + value);
  return out;
}
const std::string kAgree = option(t::DO, t::BINARY) + option(t::WILL, t::BINARY) + option(t::WILL, t::COM_PORT);

class Rfc2217Server : public TcpServer {
 protected:
  void serve(const std::string& extra = "") {
    host.on_command("port.line", [this](const dtu::test::Request& r) { return line(r); });
    listen(R"("rfc2217": true, "serialID": "1")" + extra);
  }
  // A client that has agreed, and knows the signals.
  Remote& join_agreed() {
    Remote& r = join();
    r.write_all(kAgree);
    EXPECT_TRUE(gets(r, sub(107, "\x30")));
    r.received.clear();
    return r;
  }
  bool gets(Remote& r, const std::string& piece) {
    return host.run_until([&] {
      r.read();
      return r.received.find(piece) != std::string::npos;
    });
  }

  // The port, as dtud has it.
  std::optional<dtu::test::Answer> line(const dtu::test::Request& request) {
    const auto args = Poco::JSON::Parser().parse(request.args).extract<Poco::JSON::Object::Ptr>();
    EXPECT_EQ(args->getValue<std::string>("port"), "1");
    EXPECT_EQ(request.caller, static_cast<uint32_t>(DTU_CALLER_SELF));
    if (args->size() > 1) wishes.push_back(request.args.substr(12, request.args.size() - 13));
    if (args->has("reset")) baud = 9600, parity = 0;
    if (const int64_t b = args->optValue<int64_t>("baud", 0); b > 100000)
      return dtu::test::Answer{DTU_E_INVALID, "", "too fast"};
    baud = args->optValue("baud", baud);
    parity = args->optValue("parity", parity);
    const dtu::test::Answer answer{
        DTU_OK, R"({"port": "1", "baud": )" + std::to_string(baud) + R"(, "databits": 8, "parity": )" +
                    std::to_string(parity) + R"(, "stopbits": 1, "flowctl": 0, "dtr": true, "rts": true, "cts": )" +
                    (cts ? "true" : "false") + R"(, "dsr": true, "dcd": false, "ri": false})"};
    if (!held) return answer;
    waiting = {request.id, answer};
    return std::nullopt;
  }
  void release() {
    held = false;
    host.answer(waiting.first, waiting.second);
  }

  std::vector<std::string> wishes;
  int baud = 9600, parity = 0;
  bool cts = true, held = false;
  std::pair<uint64_t, dtu::test::Answer> waiting;
};

TEST_F(Rfc2217Server, OffersWhatItKnows) {
  serve();
  Remote& r = join();
  EXPECT_TRUE(gets(r, option(t::WILL, t::BINARY)));
  EXPECT_TRUE(gets(r, option(t::DO, t::COM_PORT)));
  EXPECT_EQ(r.received, option(t::WILL, t::BINARY) + option(t::WILL, t::SUPPRESS_GO_AHEAD) + option(t::DO, t::BINARY) +
                            option(t::DO, t::SUPPRESS_GO_AHEAD) + option(t::DO, t::COM_PORT));
}

TEST_F(Rfc2217Server, SetsThePortAndAnswersWhatIsInForce) {
  serve();
  Remote& r = join_agreed();
  r.write_all(sub(1, "\0\0\x4b\0"s) + sub(3, "\3") + sub(5, "\x09"));
  EXPECT_TRUE(gets(r, sub(105, "\x08"))) << "the board says that DTR is on";
  EXPECT_EQ(r.received, sub(101, "\0\0\x4b\0"s) + sub(103, "\3") + sub(105, "\x08"));
  EXPECT_EQ(wishes, (std::vector<std::string>{R"("baud":19200)", R"("parity":1)", R"("dtr":false)"}));
}

TEST_F(Rfc2217Server, WhatTheBoardRefusesIsAnsweredWithTheOldValue) {
  serve();
  Remote& r = join_agreed();
  r.write_all(sub(1, "\xff\xff\xff\xff"));
  EXPECT_TRUE(gets(r, sub(101, "\0\0\x25\x80"s)));
  EXPECT_TRUE(host.logged("port 1 cannot be set or asked for an RFC 2217 client: too fast"));
}

TEST_F(Rfc2217Server, AnswersAlsoWithoutTheCommand) {
  listen(R"("rfc2217": true, "serialID": "1")");
  Remote& r = join();
  r.write_all(kAgree + sub(1, "\0\0\x25\x80"s));
  EXPECT_TRUE(gets(r, sub(101, "\0\0\0\0"s))) << "a client must not wait for ever";
}

TEST_F(Rfc2217Server, AllBytesPassBothWays) {
  serve();
  Remote& r = join_agreed();
  std::string all, doubled;
  for (int i = 0; i < 65536; ++i) all += static_cast<char>(i ^ i >> 8);
  t::Encoder().append(doubled, all);
  r.write_all(doubled);
  ASSERT_EQ(inst->send({{all}, {"plain"}}).taken, 2U);
  EXPECT_TRUE(host.run_until([&] {
    r.read();
    return r.received == doubled + "plain" && host.emitted_bytes(1) == all && inst->open_tokens() == 0;
  }));
  EXPECT_EQ(completed(host, DTU_OK), 2U);
}

TEST_F(Rfc2217Server, DataThatFollowAWishWaitForIt) {
  serve();
  Remote& r = join_agreed();
  held = true;
  r.write_all("before" + sub(1, "\0\0\x4b\0"s) + "after");
  ASSERT_TRUE(host.run_until([&] { return host.emitted_bytes(1) == "before"; }));
  r.write_all(" and more");
  host.run_for(30ms);
  EXPECT_EQ(host.emitted_bytes(1), "before");
  release();
  EXPECT_TRUE(host.run_until([&] { return host.emitted_bytes(1) == "beforeafter and more"; }));
}

TEST_F(Rfc2217Server, ThePortIsAsConfiguredBeforeTheNextClientIsServed) {
  serve();
  Remote& first = join_agreed();
  Remote& second = join_agreed();
  first.write_all(sub(1, "\0\0\x4b\0"s));
  EXPECT_TRUE(gets(first, sub(101, "\0\0\x4b\0"s)));
  first.close();
  ASSERT_TRUE(host.run_until([&] { return health(*inst, "disconnects") == "1"; }));
  host.run_for(20ms);
  EXPECT_EQ(baud, 19200) << "one is still there";
  held = true;
  second.close();
  ASSERT_TRUE(host.run_until([&] { return !wishes.empty() && wishes.back() == R"("reset":true)"; }));
  Remote& third = join();
  third.write_all(kAgree + sub(1, "\0\0\0\0"s));
  host.run_for(30ms);
  third.read();
  EXPECT_EQ(third.received.find(sub(101, "\0\0\x25\x80"s)), std::string::npos);
  release();
  EXPECT_TRUE(gets(third, sub(101, "\0\0\x25\x80"s)));
}

TEST_F(Rfc2217Server, AWishUnderWayWhenItsClientLeavesIsUndoneToo) {
  serve();
  Remote& r = join_agreed();
  held = true;
  r.write_all(sub(1, "\0\0\x4b\0"s));
  ASSERT_TRUE(host.run_until([&] { return !wishes.empty(); }));
  r.reset();
  ASSERT_TRUE(host.run_until([&] { return health(*inst, "disconnects") == "1"; }));
  release();
  EXPECT_TRUE(host.run_until([&] { return baud == 9600 && wishes.back() == R"("reset":true)"; }));
}

TEST_F(Rfc2217Server, AListenerIsRefusedChanges) {
  serve(R"(, "read_only": ["127.0.0.1"])");
  Remote& r = join_agreed();
  r.write_all("ignored" + sub(1, "\0\0\x4b\0"s));
  EXPECT_TRUE(gets(r, sub(101, "\0\0\x25\x80"s)));
  EXPECT_TRUE(wishes.empty());
  EXPECT_EQ(host.metric("tcp_read_only_bytes"), 7);
}

TEST_F(Rfc2217Server, TellsOfSignalsWithinASecond) {
  serve();
  Remote& r = join_agreed();
  cts = false;
  host.use_fake_clock();
  host.advance(1100ms);
  EXPECT_TRUE(gets(r, sub(107, "\x21")));
}

TEST_F(Rfc2217Server, AClientThatReadsNoAnswersGetsNoMoreAndHoldsNobody) {
  serve(R"(, "slow_client_s": 1)");
  Remote& deaf = join(4096);
  deaf.write_all(kAgree);
  Remote& other = join_agreed();
  std::string many;
  for (int i = 0; i < 500; ++i) many += sub(0, "");
  size_t sent = 0;
  ASSERT_TRUE(host.run_until(
      [&] {
        sent += deaf.write(many);
        return host.metric("tcp_slow_clients") == 1;
      },
      20s))
      << sent;
  other.write_all("here");
  EXPECT_TRUE(host.run_until([&] { return host.emitted_bytes(2) == "here"; }));
}

TEST_F(Rfc2217Server, APlainClientsPortIsLeftAlone) {
  serve();
  join().write_all("data");
  ASSERT_TRUE(host.run_until([&] { return host.emitted_bytes(1) == "data"; }));
  remotes[0]->close();
  ASSERT_TRUE(host.run_until([&] { return health(*inst, "disconnects") == "1"; }));
  host.run_for(20ms);
  EXPECT_TRUE(wishes.empty());
  EXPECT_TRUE(host.requests().empty());
}

}  // namespace
}  // namespace channel_tcp::test
