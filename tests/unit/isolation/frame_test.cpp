#include "plugins/isolation/frame.hpp"

#include <gtest/gtest.h>

#include <dtu/sdk/text.hpp>

namespace dtud::plugins::isolation {
namespace {

// The body of the only frame in `bytes`.
std::string_view body(const std::string& bytes) { return std::string_view(bytes).substr(kHead); }

dtu_error some_error() { return dtu::make_error(DTU_E_IO, "what happened", DTU_ERR_RETRYABLE); }

std::string one_of_everything() {
  std::string bytes;
  const dtu_error error = some_error();
  Writer(bytes, Frame::report).number(uint64_t{7}).number(int32_t{-3}).text("text").error(&error).error(nullptr);
  return bytes;
}

TEST(Frame, WhatIsWrittenIsRead) {
  const std::string bytes = one_of_everything();
  uint32_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  EXPECT_EQ(length, bytes.size());
  Reader in(body(bytes));
  EXPECT_EQ(in.u64(), 7U);
  EXPECT_EQ(in.i32(), -3);
  EXPECT_EQ(in.text(), "text");
  dtu_error error{};
  EXPECT_TRUE(in.error(error));
  EXPECT_EQ(error.code, DTU_E_IO);
  EXPECT_EQ(error.flags, DTU_ERR_RETRYABLE);
  EXPECT_STREQ(error.message, "what happened");
  EXPECT_FALSE(in.error(error));
  EXPECT_STREQ(error.message, "");
  EXPECT_TRUE(in.whole());
}

TEST(Frame, WhatIsCutShortOrTooLongIsNotWhole) {
  const std::string bytes = one_of_everything();
  const auto read = [](std::string_view from) {
    Reader in(from);
    dtu_error error{};
    (void)in.u64();
    (void)in.i32();
    (void)in.text();
    (void)in.error(error);
    (void)in.error(error);
    return in.whole();
  };
  for (size_t length = 0; length < body(bytes).size(); ++length) EXPECT_FALSE(read(body(bytes).substr(0, length)));
  EXPECT_TRUE(read(body(bytes)));
  EXPECT_FALSE(read(std::string(body(bytes)) + "x"));
}

TEST(Frame, AMessageKeepsEverything) {
  const std::string payload("\0\x01payload", 9), topic = "topic", value = "a/b";
  const dtu_prop prop{dtu::str(topic), dtu::str(value)};
  dtu_msg msg{};
  msg.source = 5;
  msg.time_ns = -6;
  msg.flags = DTU_MSG_COMMAND;
  msg.payload = dtu::str(payload);
  msg.route = dtu::str("up");
  msg.device = dtu::str("meter");
  msg.token = 11;
  msg.latest_ns = 12;
  msg.props = &prop;
  msg.prop_count = 1;
  std::string bytes;
  Writer(bytes, Frame::emit).message(8, 9, msg);
  MessageView m;
  Reader in(body(bytes));
  in.message(m);
  ASSERT_TRUE(in.whole());
  EXPECT_EQ(m.a, 8U);
  EXPECT_EQ(m.b, 9U);
  EXPECT_EQ(m.msg.source, 5U);
  EXPECT_EQ(m.msg.time_ns, -6);
  EXPECT_EQ(m.msg.flags, DTU_MSG_COMMAND);
  EXPECT_EQ(dtu::view(m.msg.payload), payload);
  EXPECT_EQ(dtu::view(m.msg.route), "up");
  EXPECT_EQ(dtu::view(m.msg.device), "meter");
  EXPECT_EQ(m.msg.token, 11U);
  EXPECT_EQ(m.msg.latest_ns, 12);
  ASSERT_EQ(m.msg.prop_count, 1U);
  EXPECT_EQ(dtu::view(m.msg.props[0].value), value);
  for (size_t length = 0; length < body(bytes).size(); ++length) {
    MessageView cut;
    Reader less(body(bytes).substr(0, length));
    less.message(cut);
    EXPECT_FALSE(less.whole());
  }
}

TEST(Frame, LengthsThatCannotBeAreRefused) {
  dtu_msg msg{};
  std::string bytes;
  Writer(bytes, Frame::emit).message(0, 0, msg);
  struct Length {
    size_t at, size;
    uint32_t much;
  };
  for (const auto& [at, size, much] : {Length{kHead + 48, 4, DTU_PAYLOAD_MAX + 1},
                                       Length{kHead + 52, 4, kMostProps + 1}, Length{kHead + 60, 2, DTU_ROUTE_MAX + 1},
                                       Length{kHead + 62, 2, DTU_DEVICE_MAX + 1}}) {  // in the head of a message
    std::string forged = bytes + std::string(2000, 'x');
    std::memcpy(&forged[at], &much, size);
    MessageView m;
    Reader in(body(forged));
    in.message(m);
    EXPECT_TRUE(in.broken()) << at;
    EXPECT_LE(m.msg.prop_count, kMostProps);
  }
  // A text may say it is longer than all there is.
  std::string text;
  Writer(text, Frame::log).number(UINT32_MAX);
  Reader in(body(text));
  EXPECT_EQ(in.text(), "");
  EXPECT_TRUE(in.broken());
}

TEST(Frame, OneThatGrewTooLongIsTakenBack) {
  std::string bytes = "before";
  Writer(bytes, Frame::log).text(std::string(kMostFrame, 'x'));
  EXPECT_EQ(bytes, "before");
}

}  // namespace
}  // namespace dtud::plugins::isolation
