#include "commands/directory.hpp"

#include <gtest/gtest.h>

namespace dtud::commands {
namespace {

Command command(const std::string& name, std::vector<uint32_t> codes = {}) {
  Command c;
  c.name = name;
  c.codes = std::move(codes);
  return c;
}

TEST(Directory, FindsByNameAndByEveryCode) {
  Directory d;
  EXPECT_EQ(d.add(command("climate.query", {10, 16})), "");
  EXPECT_EQ(d.command("climate.query"), d.command(int64_t{16}));
  EXPECT_EQ(d.command(int64_t{10})->name, "climate.query");
  EXPECT_EQ(d.command(int64_t{11}), nullptr);
  EXPECT_EQ(d.command(int64_t{-1}), nullptr);
  EXPECT_EQ(d.command((int64_t{1} << 32) + 10), nullptr);
}

TEST(Directory, ANameOrACodeIsGivenOnce) {
  Directory d;
  EXPECT_EQ(d.add(command("a", {1, 2})), "");
  EXPECT_NE(d.add(command("a")), "");
  EXPECT_NE(d.add(command("b", {3, 2})), "");
  EXPECT_EQ(d.command(int64_t{3}), nullptr) << "a refused command leaves nothing behind";
  EXPECT_NE(d.add(command("Not A Name")), "");
  EXPECT_NE(d.add(command("")), "");
}

TEST(Directory, WhatAnInstanceOfferedGoesWithIt) {
  Directory d;
  auto* provider = reinterpret_cast<plugins::Instance*>(0x10);  // only compared
  Command c = command("a", {1});
  c.provider = provider;
  EXPECT_EQ(d.add(c), "");
  EXPECT_EQ(d.add(command("kernel.own", {2})), "");
  Point p;
  p.name = "radio.csq";
  p.provider = provider;
  EXPECT_EQ(d.add(p), "");
  d.remove_of(*provider);
  EXPECT_EQ(d.command("a"), nullptr);
  EXPECT_EQ(d.command(int64_t{1}), nullptr);
  EXPECT_EQ(d.point("radio.csq"), nullptr);
  EXPECT_NE(d.command("kernel.own"), nullptr);
  EXPECT_EQ(d.add(command("a", {1})), "") << "and may be offered again";
}

// Anybody could install a firmware by one that says less.
TEST(Directory, WhatDtudAsksOfBoardsIsForItAlone) {
  Directory d;
  for (const char* name : {"firmware.install", "firmware.facts", "network.configure"}) {
    Command c = command(name);
    for (const uint32_t flags : {0U, DTU_COMMAND_INTERNAL, DTU_COMMAND_SHARED, DTU_COMMAND_LOCAL}) {
      c.flags = flags;
      EXPECT_NE(d.add(c).find("DTU_COMMAND_INTERNAL"), std::string::npos) << name << flags;
    }
    c.flags = DTU_COMMAND_INTERNAL | DTU_COMMAND_SHARED | DTU_COMMAND_CHANGES;
    EXPECT_EQ(d.add(c), "");
  }
  EXPECT_EQ(d.add(command("network.scan")), "");
}

plugins::Instance* fake(uintptr_t at) { return reinterpret_cast<plugins::Instance*>(at); }  // only compared
Command shared(const std::string& name, plugins::Instance* provider, std::vector<uint32_t> codes = {}) {
  Command c = command(name, std::move(codes));
  c.flags = DTU_COMMAND_SHARED;
  c.provider = provider;
  return c;
}

TEST(Directory, ASharedNameHasItsProvidersInTheirOrder) {
  Directory d;
  d.seat(*fake(0x10));
  d.seat(*fake(0x20));
  EXPECT_EQ(d.add(shared("wifi.scan", fake(0x30))), "") << "one without a seat";
  EXPECT_EQ(d.add(shared("wifi.scan", fake(0x20))), "");
  EXPECT_EQ(d.add(shared("wifi.scan", fake(0x10), {9})), "");
  EXPECT_EQ(d.command("wifi.scan")->provider, fake(0x10));
  EXPECT_EQ(d.command(int64_t{9})->provider, fake(0x10));
  EXPECT_EQ(d.command("wifi.scan", fake(0x30))->provider, fake(0x30));
  EXPECT_EQ(d.command("wifi.scan", fake(0x40)), nullptr);
  EXPECT_EQ(d.commands().find("wifi.scan")->second.size(), 3U);
  d.remove_of(*fake(0x10));
  EXPECT_EQ(d.command("wifi.scan")->provider, fake(0x20));
  EXPECT_EQ(d.command(int64_t{9}), nullptr) << "the others do not answer to it";
  d.rehome(*fake(0x20), *fake(0x50));
  EXPECT_EQ(d.add(shared("wifi.scan", fake(0x10))), "") << "it comes back";
  EXPECT_EQ(d.command("wifi.scan")->provider, fake(0x10));
  EXPECT_EQ(d.commands().find("wifi.scan")->second[1].provider, fake(0x50)) << "a successor has the seat";
}

TEST(Directory, ANameIsSharedOnlyIfAllSaySo) {
  Directory d;
  Command own = command("wifi.join");
  own.provider = fake(0x10);
  EXPECT_EQ(d.add(own), "");
  EXPECT_EQ(d.add(shared("wifi.join", fake(0x20))), "command wifi.join is offered already");
  EXPECT_EQ(d.add(shared("wifi.scan", fake(0x20))), "");
  EXPECT_EQ(d.add(shared("wifi.scan", fake(0x20))), "command wifi.scan is offered already") << "twice by one";
  own.name = "wifi.scan";
  EXPECT_EQ(d.add(own), "command wifi.scan is offered already");
}

// An isolated board is the first in board.json and lists what it offers after the others.
TEST(Directory, WhoeverComesFirstInTheBoardFileHasTheNameAlsoWhenItStartsLater) {
  Directory d;
  d.seat(*fake(0x10));
  d.seat(*fake(0x20));
  Command send = command("sms.send");
  send.codes = {50};
  Point imei;
  imei.name = "device.imei";
  send.provider = imei.provider = fake(0x20);
  EXPECT_EQ(d.add(send), "");
  EXPECT_EQ(d.add(imei), "");
  send.codes = {80};
  send.provider = imei.provider = fake(0x10);
  Directory::GaveWay gave_way;
  EXPECT_EQ(d.add(send, &gave_way), "");
  EXPECT_EQ(d.add(imei, &gave_way), "");
  EXPECT_EQ(gave_way, (Directory::GaveWay{fake(0x20), fake(0x20)}));
  EXPECT_EQ(d.command("sms.send")->provider, fake(0x10));
  EXPECT_EQ(d.command(int64_t{50}), nullptr);
  EXPECT_EQ(d.command(int64_t{80})->provider, fake(0x10));
  EXPECT_EQ(d.point("device.imei")->provider, fake(0x10));
  send.provider = imei.provider = fake(0x20);
  EXPECT_EQ(d.add(send, &gave_way), "command sms.send is offered already");
  EXPECT_EQ(d.add(imei, &gave_way), "point device.imei is offered already");
  send.provider = nullptr;
  EXPECT_EQ(d.add(send), "") << "the kernel is before all";
}

TEST(Directory, ACommandThatIsRefusedTakesNoName) {
  Directory d;
  d.seat(*fake(0x10));
  d.seat(*fake(0x20));
  Command other = command("tts.say");
  other.codes = {64};
  EXPECT_EQ(d.add(other), "");
  Command send = command("sms.send");
  send.provider = fake(0x20);
  EXPECT_EQ(d.add(send), "");
  send.provider = fake(0x10);
  send.codes = {64};
  EXPECT_EQ(d.add(send), "function code 64 of sms.send belongs to tts.say");
  ASSERT_NE(d.command("sms.send"), nullptr);
  EXPECT_EQ(d.command("sms.send")->provider, fake(0x20));
}

TEST(Directory, ACommandHasOneAccessLevel) {
  Directory d;
  for (const uint32_t two : {DTU_COMMAND_PASSWORD | DTU_COMMAND_LOCAL, DTU_COMMAND_PASSWORD | DTU_COMMAND_INTERNAL,
                             DTU_COMMAND_LOCAL | DTU_COMMAND_INTERNAL}) {
    Command c = command("a.b");
    c.flags = two;
    EXPECT_NE(d.add(std::move(c)).find("command a.b has more than one access level"), std::string::npos) << two;
  }
  EXPECT_EQ(d.command("a.b"), nullptr);
  EXPECT_STREQ(level_of(DTU_COMMAND_CHANGES), "open");
  EXPECT_STREQ(level_of(DTU_COMMAND_PASSWORD | DTU_COMMAND_CHANGES), "password");
  EXPECT_STREQ(level_of(DTU_COMMAND_LOCAL), "local");
  EXPECT_STREQ(level_of(DTU_COMMAND_INTERNAL), "internal");
}

// Another lane may hold one for as long as it likes.
TEST(Directory, AListingStaysAsItWas) {
  Directory d;
  EXPECT_TRUE(d.last_listing()->commands.empty());
  EXPECT_EQ(d.add(command("b")), "");
  const auto first = d.listing();
  EXPECT_EQ(d.add(command("a", {7})), "");
  Point point;
  point.name = "p";
  point.unit = "V";
  EXPECT_EQ(d.add(std::move(point)), "");
  EXPECT_EQ(d.last_listing(), first) << "until somebody on the main lane looks";
  const auto second = d.listing();
  EXPECT_EQ(d.last_listing(), second);
  EXPECT_EQ(d.listing(), second) << "nothing changed";
  ASSERT_EQ(first->commands.size(), 1U);
  ASSERT_EQ(second->commands.size(), 2U);
  EXPECT_EQ(second->commands[0].name, "a");
  EXPECT_EQ(second->commands[0].codes, std::vector<uint32_t>{7});
  ASSERT_EQ(second->points.size(), 1U);
  EXPECT_EQ(second->points[0].unit, "V");
}

}  // namespace
}  // namespace dtud::commands
