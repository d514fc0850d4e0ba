// Telnet and RFC 2217, byte by byte.
#include "rfc2217.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "remote.hpp"

namespace channel_tcp::rfc2217 {
namespace {

using namespace std::string_literals;
using test::pattern;

// 64 KiB in which each value comes 256 times, in all neighbourhoods.
std::string all_bytes() {
  std::string out;
  for (int i = 0; i < 256; ++i)
    for (int j = 0; j < 256; ++j) out += static_cast<char>(i * j + j);
  return out;
}

std::string option(telnet::Command command, uint8_t option) {
  std::string out;
  telnet::append_option(out, command, option);
  return out;
}
std::string sub(uint8_t sub_option, const std::string& value) {
  std::string out;
  telnet::append_subnegotiation(out, telnet::COM_PORT, std::string(1, static_cast<char>(sub_option)) + value);
  return out;
}

// A client after the negotiation.
struct Client {
  explicit Client(bool read_only = false) : session(read_only) {
    hello = session.hello();
    feed(option(telnet::WILL, telnet::COM_PORT) + option(telnet::WILL, telnet::BINARY) +
         option(telnet::DO, telnet::BINARY));
    EXPECT_EQ(std::exchange(reply, ""), "") << "answers to our own questions are not answered";
  }
  void feed(const std::string& bytes, size_t step = SIZE_MAX) {
    for (size_t at = 0; at < bytes.size(); at += std::min(step, bytes.size()))
      session.feed(std::string_view(bytes).substr(at, step), reply);
  }
  std::string data() {
    std::string out;
    for (; !session.events().empty(); session.pop()) {
      EXPECT_FALSE(session.events().front().asks);
      out += session.events().front().data;
    }
    return out;
  }
  // Feeds it, and what is answered when `values` are in force.
  std::string asks(const std::string& bytes, const Values& values) {
    feed(bytes);
    std::string out = std::exchange(reply, "");
    for (; !session.events().empty(); session.pop()) {
      wish = session.events().front().wish;
      out += session.answer(session.events().front(), values);
    }
    return out;
  }
  Session session;
  std::string hello, reply;
  Wish wish;
};

TEST(Rfc2217, AllBytesPassUnchangedHoweverTheyAreCut) {
  const std::string all = all_bytes();
  std::string doubled;
  telnet::Encoder encoder;
  encoder.append(doubled, all);
  EXPECT_EQ(doubled.size(), all.size() + static_cast<size_t>(std::count(all.begin(), all.end(), '\xff')));
  for (const size_t step : {size_t{1}, size_t{7}, size_t{1000}, doubled.size()}) {
    Client client;
    client.feed(doubled, step);
    EXPECT_TRUE(client.data() == all) << step;
    EXPECT_EQ(client.reply, "");
    EXPECT_EQ(client.session.malformed(), 0U);
  }
}

TEST(Rfc2217, WithoutBinaryACarriageReturnHasANul) {
  Client client;
  client.feed(option(telnet::WONT, telnet::BINARY) + option(telnet::DONT, telnet::BINARY));
  EXPECT_EQ(std::exchange(client.reply, ""),
            option(telnet::DONT, telnet::BINARY) + option(telnet::WONT, telnet::BINARY));
  client.feed("a\r\0b\r\nc\r\r\0\0"s, 1);
  EXPECT_EQ(client.data(), "a\rb\r\nc\r\r\0"s);
  std::string out;
  telnet::Encoder& encoder = client.session.encoder();
  EXPECT_FALSE(encoder.plain("\r"));
  encoder.append(out, "a\rb\r\nc\r");
  EXPECT_FALSE(encoder.plain("d")) << "the NUL of the last CR is missing";
  encoder.append(out, "d");
  EXPECT_EQ(out, "a\r\0b\r\nc\r\0d"s);
}

TEST(Rfc2217, AClientThatKnowsNoTelnetGetsTheBytesOfTheLine) {
  Session session(false);
  std::string reply;
  static_cast<void>(session.hello());
  session.feed("\r\0\x01\r\n"s, reply);
  ASSERT_EQ(session.events().size(), 1U);
  EXPECT_EQ(session.events().front().data, "\r\0\x01\r\n"s);
  EXPECT_TRUE(session.encoder().plain("\r\0"s));
  EXPECT_EQ(reply, "");
}

TEST(Rfc2217, NothingIsAnsweredThatChangesNothing) {
  Client client;
  for (int i = 0; i < 3; ++i)
    client.feed(option(telnet::WILL, telnet::BINARY) + option(telnet::DO, telnet::BINARY) +
                option(telnet::WILL, telnet::COM_PORT) + option(telnet::DONT, telnet::COM_PORT) +
                option(telnet::WONT, telnet::ECHO) + option(telnet::DONT, 200));
  EXPECT_EQ(client.reply, "");
  for (int i = 0; i < 3; ++i) client.feed(option(telnet::DO, telnet::ECHO) + option(telnet::WILL, 39));
  EXPECT_EQ(std::exchange(client.reply, ""), option(telnet::WONT, telnet::ECHO) + option(telnet::DONT, 39))
      << "what is refused is refused once";
  client.feed(option(telnet::DO, telnet::COM_PORT) + option(telnet::DO, telnet::COM_PORT));
  EXPECT_EQ(std::exchange(client.reply, ""), option(telnet::WILL, telnet::COM_PORT));
  client.feed(option(telnet::WONT, telnet::COM_PORT) + option(telnet::DONT, telnet::COM_PORT));
  EXPECT_EQ(client.reply, option(telnet::DONT, telnet::COM_PORT) + option(telnet::WONT, telnet::COM_PORT));
  EXPECT_FALSE(client.session.com_port());
}

// Two of us at one another: a fault of ser2net was that this went on for ever.
TEST(Rfc2217, TwoEndsComeToAnEnd) {
  Session a(false), b(false);
  std::string to_b = a.hello(), to_a = b.hello();
  for (int turn = 0; turn < 10; ++turn) {
    std::string from_b, from_a;
    b.feed(std::exchange(to_b, ""), from_b);
    a.feed(std::exchange(to_a, ""), from_a);
    to_a += from_b;
    to_b += from_a;
  }
  EXPECT_EQ(to_a + to_b, "");
}

TEST(Rfc2217, EachSubOptionIsAnsweredOnceWithTheValueInForce) {
  Values v;
  v.baud = 65535;
  v.data_bits = 7;
  v.parity = 3;
  v.stop_size = 2;
  v.flow = 3;
  v.rts = false;
  v.on_break = true;
  v.modem = 0x90;
  Client c;
  EXPECT_EQ(c.asks(sub(SET_BAUDRATE, "\0\0\x25\x80"s), v), "\xff\xfa\x2c\x65\0\0\xff\xff\xff\xff\xff\xf0"s);
  EXPECT_EQ(c.wish.baud, 9600U);
  v.baud = 255;
  EXPECT_EQ(c.asks(sub(SET_BAUDRATE, "\0\0\0\xff"s), v), "\xff\xfa\x2c\x65\0\0\0\xff\xff\xff\xf0"s);
  EXPECT_EQ(c.wish.baud, 255U);
  EXPECT_EQ(c.asks(sub(SET_DATASIZE, "\x07"), v), sub(102, "\x07"));
  EXPECT_EQ(c.wish.data_bits, 7);
  EXPECT_EQ(c.asks(sub(SET_PARITY, "\x03"), v), sub(103, "\x03"));
  EXPECT_EQ(c.wish.parity, 3);
  EXPECT_EQ(c.asks(sub(SET_STOPSIZE, "\x02"), v), sub(104, "\x02"));
  EXPECT_EQ(c.wish.stop_size, 2);
  EXPECT_EQ(c.asks(sub(PURGE_DATA, "\x03"), v), sub(112, "\x03"));
  EXPECT_EQ(c.wish.purge, 3);
  EXPECT_EQ(c.asks(sub(SIGNATURE, ""), v), sub(100, "dtukit channel-tcp"));
  EXPECT_EQ(c.asks(sub(SIGNATURE, "my client"), v), "") << "it only says who it is";
  EXPECT_EQ(c.asks(sub(SET_MODEMSTATE_MASK, "\x10"), v), sub(111, "\x10"));
  EXPECT_EQ(c.asks(sub(SET_LINESTATE_MASK, "\xff"), v), sub(110, "\0"s)) << "none of it is told";
  EXPECT_EQ(c.asks(sub(NOTIFY_MODEMSTATE, ""), v), sub(107, "\x90"));
}

TEST(Rfc2217, ControlIsAnsweredByItem) {
  Values v;
  v.flow = 2;
  v.dtr = false;
  v.on_break = true;
  Client c;
  struct Case {
    uint8_t asked, answered;
  };
  for (const Case& x : {Case{0, 2}, Case{1, 2}, Case{2, 2}, Case{3, 2}, Case{4, 5}, Case{5, 5}, Case{6, 5}, Case{7, 9},
                        Case{8, 9}, Case{9, 9}, Case{10, 11}, Case{11, 11}, Case{12, 11}, Case{13, 15}, Case{14, 15},
                        Case{15, 15}, Case{16, 15}, Case{19, 2}, Case{255, 2}})
    EXPECT_EQ(c.asks(sub(SET_CONTROL, std::string(1, static_cast<char>(x.asked))), v),
              sub(105, std::string(1, static_cast<char>(x.answered))))
        << int{x.asked};
  static_cast<void>(c.asks(sub(SET_CONTROL, "\x05"), v));
  EXPECT_EQ(c.wish.on_break, true);
  static_cast<void>(c.asks(sub(SET_CONTROL, "\x0b"), v));
  EXPECT_EQ(c.wish.rts, true);
  static_cast<void>(c.asks(sub(SET_CONTROL, "\x07"), v));
  EXPECT_FALSE(c.wish.changes()) << "a question";
}

TEST(Rfc2217, ValuesThatDoNotExistAreQuestions) {
  Client c;
  Values v;
  v.data_bits = 8;
  for (const std::string& s : {sub(SET_DATASIZE, "\x09"), sub(SET_DATASIZE, "\x04"), sub(SET_DATASIZE, ""),
                               sub(SET_DATASIZE, "\x08\x08"), sub(SET_DATASIZE, "\0"s)}) {
    EXPECT_EQ(c.asks(s, v), sub(102, "\x08"));
    EXPECT_FALSE(c.wish.changes());
  }
  static_cast<void>(c.asks(sub(SET_BAUDRATE, "\x25\x80"), v));
  EXPECT_FALSE(c.wish.changes());
}

TEST(Rfc2217, AReadOnlyClientGetsTheOldValue) {
  Client c(true);
  Values v;
  v.baud = 115200;
  EXPECT_EQ(c.asks(sub(SET_BAUDRATE, "\0\0\x25\x80"s), v), sub(101, "\0\1\xc2\0"s));
  EXPECT_FALSE(c.wish.changes());
  EXPECT_EQ(c.asks(sub(PURGE_DATA, "\x01"), v), sub(112, "\0"s));
}

TEST(Rfc2217, WishesAndDataStayInOrder) {
  Client c;
  c.feed("before" + sub(SET_DATASIZE, "\x07") + "after" + sub(SET_PARITY, "\x02"));
  std::string order;
  for (const Event& e : c.session.events()) order += e.asks ? "?" : e.data;
  EXPECT_EQ(order, "before?after?");
  EXPECT_EQ(c.session.data_bytes(), 11U);
}

TEST(Rfc2217, TellsOfSignalsThatChangeAndAreWanted) {
  Client c;
  Values v;
  v.modem = 0x30;
  EXPECT_EQ(c.session.notice(v), sub(107, "\x30")) << "the first time";
  EXPECT_EQ(c.session.notice(v), "");
  v.modem = 0x20;
  EXPECT_EQ(c.session.notice(v), sub(107, "\x21")) << "CTS has changed";
  c.feed(sub(SET_MODEMSTATE_MASK, "\x80"));
  v.modem = 0x30;
  EXPECT_EQ(c.session.notice(v), "") << "not wanted";
  v.modem = 0xb0;
  EXPECT_EQ(c.session.notice(v), sub(107, "\xb8"));
  v.modem = 0xf0;
  static_cast<void>(c.session.notice(v));
  c.feed(sub(SET_MODEMSTATE_MASK, "\xff"));
  v.modem = 0xb0;
  EXPECT_EQ(c.session.notice(v), sub(107, "\xb4")) << "the end of a ring";
  EXPECT_EQ(Session(false).notice(v), "") << "a client that has not agreed to it";
}

TEST(Rfc2217, MalformedCommandsAreCountedAndTheStreamGoesOn) {
  Client c;
  c.feed("a\xff\xfa\x2c"s + std::string(100000, 'x') + "\xff\xf0" + "b");  // too long
  c.feed("\xff\xfa\x2c\x01\xff\xfb\x01"s + "c");                           // another command within
  c.feed("\xff\xfa\x18\x01\xff\xf0"s + "d");                               // of an option that was refused
  c.feed("\xff\xf1\xff\xf6\xff\xf9"s + "e");                               // NOP, AYT, GA
  EXPECT_EQ(c.data(), "abcde");
  EXPECT_GT(c.session.malformed(), 100000U);
  EXPECT_EQ(c.reply, option(telnet::DONT, telnet::ECHO));
}

TEST(Rfc2217, ACrowdOfQuestionsIsBounded) {
  Client c;
  std::string many;
  for (int i = 0; i < 5000; ++i) many += sub(SET_DATASIZE, "\0"s);
  c.feed(many);
  EXPECT_EQ(c.session.events().size(), 1024U);
  EXPECT_EQ(c.session.malformed(), 5000U - 1024U);
}

}  // namespace
}  // namespace channel_tcp::rfc2217
