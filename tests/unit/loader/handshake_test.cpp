#include "plugins/loader/handshake.hpp"

#include <dtu/channel.h>
#include <dtu/dialect.h>
#include <dtu/events.h>
#include <dtu/points.h>
#include <gmock/gmock.h>

#include <functional>

#include "plugins/loader/built_in.hpp"

namespace dtud::plugins {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A sound descriptor to be bent by each test.
struct Descriptor {
  Descriptor() {
    ops.struct_size = sizeof ops;
    ops.start = [](void*, dtu_error*) -> dtu_status { return DTU_OK; };
    ops.stop = [](void*, uint32_t, dtu_error*) -> dtu_status { return DTU_OK; };
    ops.destroy = [](void*) {};
    channel.struct_size = sizeof channel;
    channel.send = [](void*, const dtu_msg*, uint32_t, uint32_t*, dtu_error*) -> dtu_status { return DTU_OK; };
    events.struct_size = sizeof events;
    events.count = 1;
    events.list = event_list;
    event.struct_size = sizeof event;
    event.name = "sms.received";
    event.title = "A text message came";
    event.flags = DTU_EVENT_STATE | 0x80U;  // the second is of a later minor
    component.struct_size = sizeof component;
    component.kind = DTU_KIND_CHANNEL;
    component.type = "good";
    component.title = "Good";
    component.config_schema = "{}";
    component.create = [](const dtu_host*, dtu_instance*, dtu_str, void**, dtu_error*) -> dtu_status { return DTU_OK; };
    component.ops = &ops;
    component.ifaces = ifaces;
    component.iface_count = 1;
    plugin.magic = DTU_MAGIC;
    plugin.struct_size = sizeof plugin;
    plugin.abi_major = DTU_ABI_MAJOR;
    plugin.abi_minor = DTU_ABI_MINOR;
    plugin.id = "org.example.good";
    plugin.version = "1.0";
    plugin.vendor = "Example";
    plugin.license = "Apache-2.0";
    plugin.components = components;
    plugin.component_count = 1;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void offer_events() {
    ifaces[1] = {DTU_EVENTS_IFACE, &events};
    component.iface_count = 2;
  }
  std::string refusal() {
    const auto read = read_descriptor("/p/x.so", plugin);
    return std::holds_alternative<Refusal>(read) ? std::get<Refusal>(read).text : "";
  }

  dtu_ops ops{};
  dtu_channel channel{};
  dtu_event_info event{};
  const dtu_event_info* event_list[2] = {&event, nullptr};
  dtu_events events{};
  dtu_iface ifaces[3] = {{DTU_CHANNEL_IFACE, &channel}, {nullptr, nullptr}, {nullptr, nullptr}};
  dtu_component component{};
  const dtu_component* components[2] = {&component, &component};
  dtu_plugin plugin{};
};

TEST(Handshake, ASoundDescriptorIsCopied) {
  Descriptor d;
  d.component.caps = DTU_CAP_TOPICS;
  const auto read = read_descriptor("/p/x.so", d.plugin);
  ASSERT_TRUE(std::holds_alternative<LoadedPlugin>(read)) << d.refusal();
  const auto& p = std::get<LoadedPlugin>(read);
  EXPECT_EQ(p.id, "org.example.good");
  EXPECT_EQ(p.license, "Apache-2.0");
  ASSERT_EQ(p.components.size(), 1U);
  EXPECT_EQ(p.components[0].type, "good");
  EXPECT_EQ(p.components[0].caps, DTU_CAP_TOPICS);
  EXPECT_EQ(p.components[0].create, d.component.create);
  EXPECT_EQ(p.components[0].ops.start, d.ops.start);
  EXPECT_TRUE(p.components[0].iface<dtu_channel>(DTU_CHANNEL_IFACE));
  EXPECT_FALSE(p.components[0].iface<dtu_points>(DTU_POINTS_IFACE));
}

TEST(Handshake, TheEventsAreCopied) {
  Descriptor d;
  d.offer_events();
  const auto read = read_descriptor("/p/x.so", d.plugin);
  ASSERT_TRUE(std::holds_alternative<LoadedPlugin>(read)) << d.refusal();
  const auto& events = std::get<LoadedPlugin>(read).components[0].events;
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].name, "sms.received");
  EXPECT_EQ(events[0].title, "A text message came");
  EXPECT_EQ(events[0].schema, "");
  EXPECT_EQ(events[0].flags, DTU_EVENT_STATE);
}

struct Bend {
  const char* name;
  std::function<void(Descriptor&)> bend;
  const char* refusal;
};

TEST(Handshake, EachFaultIsNamed) {
  static const std::string long_text(300, 'x');
  static const std::string long_type(33, 'a');
  static const dtu_dialect nameless = [] {
    dtu_dialect t{};
    t.struct_size = sizeof t;
    return t;
  }();
  const std::vector<Bend> bends{
      {"magic", [](Descriptor& d) { d.plugin.magic = 0; }, "DTU_MAGIC"},
      {"size", [](Descriptor& d) { d.plugin.struct_size = 8; }, "too short (8 bytes)"},
      {"major", [](Descriptor& d) { d.plugin.abi_major = 7; }, "built for plugin ABI 7, this dtud speaks 0"},
      {"minor", [](Descriptor& d) { d.plugin.min_host_minor = 9; }, "needs a dtud with plugin ABI 0.9"},
      {"id", [](Descriptor& d) { d.plugin.id = nullptr; }, "id is null"},
      {"version", [](Descriptor& d) { d.plugin.version = long_text.c_str(); }, "version is longer than 256 bytes"},
      {"none", [](Descriptor& d) { d.plugin.component_count = 0; }, "it holds no component"},
      {"null list", [](Descriptor& d) { d.plugin.components = nullptr; }, "it holds no component"},
      {"many", [](Descriptor& d) { d.plugin.component_count = UINT64_MAX; }, "more than 64 components"},
      {"null", [](Descriptor& d) { d.components[0] = nullptr; }, "component 0 is null"},
      {"twice", [](Descriptor& d) { d.plugin.component_count = 2; }, "it holds channel:good twice"},
      {"kind", [](Descriptor& d) { d.component.kind = 9; }, "component good has the unknown kind 9"},
      {"type null", [](Descriptor& d) { d.component.type = nullptr; }, "component 0: type is null"},
      {"type empty", [](Descriptor& d) { d.component.type = ""; }, "type \"\": allowed are"},
      {"type long", [](Descriptor& d) { d.component.type = long_type.c_str(); }, "1 to 32 of a-z, 0-9 and -"},
      {"type", [](Descriptor& d) { d.component.type = "a/../b"; }, "type \"a/../b\""},
      {"title", [](Descriptor& d) { d.component.title = nullptr; }, "component good: title is null"},
      {"schema", [](Descriptor& d) { d.component.config_schema = nullptr; }, "config_schema is null"},
      {"create", [](Descriptor& d) { d.component.create = nullptr; }, "component good has no create"},
      {"ops", [](Descriptor& d) { d.component.ops = nullptr; }, "component good has no ops"},
      {"start", [](Descriptor& d) { d.ops.start = nullptr; }, "component good: ops has no start"},
      {"stop", [](Descriptor& d) { d.ops.stop = nullptr; }, "ops has no stop"},
      {"destroy", [](Descriptor& d) { d.ops.destroy = nullptr; }, "ops has no destroy"},
      {"short ops", [](Descriptor& d) { d.ops.struct_size = offsetof(dtu_ops, stop); }, "ops has no stop"},
      {"short component", [](Descriptor& d) { d.component.struct_size = offsetof(dtu_component, create); },
       "has no create"},
      {"no iface", [](Descriptor& d) { d.component.iface_count = 0; }, "offers no interface"},
      {"ifaces", [](Descriptor& d) { d.component.ifaces = nullptr; }, "offers no interface"},
      {"many ifaces", [](Descriptor& d) { d.component.iface_count = 1000; }, "more than 32 interfaces"},
      {"iface id", [](Descriptor& d) { d.ifaces[0].id = nullptr; }, "an interface id is null"},
      {"table", [](Descriptor& d) { d.ifaces[0].table = nullptr; }, "the table of dtu.channel/1 is null"},
      {"send", [](Descriptor& d) { d.channel.send = nullptr; }, "component good: dtu.channel/1 has no send"},
      {"short channel", [](Descriptor& d) { d.channel.struct_size = 0; }, "dtu.channel/1 has no send"},
      {"wrong iface", [](Descriptor& d) { d.ifaces[0].id = "com.example.x/1"; }, "a channel without dtu.channel/1"},
      {"double iface",
       [](Descriptor& d) {
         d.ifaces[1] = d.ifaces[0];
         d.component.iface_count = 2;
       },
       "offers dtu.channel/1 twice"},
      {"dialect",
       [](Descriptor& d) {
         d.ifaces[1] = {DTU_DIALECT_IFACE, &nameless};
         d.component.iface_count = 2;
       },
       "dtu.dialect/1 has no names"},
      {"events", [](Descriptor& d) { d.events.list = nullptr; }, "component good: dtu.events/1 has no list"},
      {"many events", [](Descriptor& d) { d.events.count = 65; }, "dtu.events/1 lists more than 64 events"},
      {"event", [](Descriptor& d) { d.event_list[0] = nullptr; }, "component good: dtu.events/1: an event is null"},
      {"event null", [](Descriptor& d) { d.event.name = nullptr; }, "dtu.events/1: an event name is null"},
      {"short event", [](Descriptor& d) { d.event.struct_size = 8; }, "dtu.events/1: an event name is null"},
      {"event name", [](Descriptor& d) { d.event.name = "Sms"; }, "event name \"Sms\": 1 to 64 characters of"},
      {"kernel's event", [](Descriptor& d) { d.event.name = "config.applied"; },
       "event name \"config.applied\": names that begin with \"config\" are dtud's"},
      {"event title", [](Descriptor& d) { d.event.title = nullptr; }, "dtu.events/1: sms.received: title is null"},
      {"event twice",
       [](Descriptor& d) {
         d.event_list[1] = &d.event;
         d.events.count = 2;
       },
       "component good lists event sms.received twice"},
  };
  for (const Bend& b : bends) {
    Descriptor d;
    if (std::string(b.name).find("event") != std::string::npos) d.offer_events();
    ASSERT_EQ(d.refusal(), "") << b.name;
    b.bend(d);
    const std::string refusal = d.refusal();
    EXPECT_THAT(refusal, HasSubstr(b.refusal)) << b.name;
    EXPECT_EQ(refusal.find("/p/x.so: "), 0U) << b.name;
    EXPECT_EQ(refusal.find('\n'), std::string::npos) << b.name;
  }
}

TEST(Handshake, DialectNamesAreChecked) {
  static dtu_dialect table{};
  table.struct_size = sizeof table;
  table.open = [](void*, const dtu_link_info*, void**, dtu_error*) -> dtu_status { return DTU_OK; };
  table.close = [](void*, void*) {};
  table.from_port = [](void*, void*, const dtu_msg*) {};
  table.from_channel = [](void*, void*, uint32_t, const dtu_msg*) {};
  Descriptor d;
  d.ifaces[1] = {DTU_DIALECT_IFACE, &table};
  d.component.iface_count = 2;
  static const char* const good[] = {"command", "through", nullptr};
  table.names = good;
  const auto read = read_descriptor("/p/x.so", d.plugin);
  ASSERT_TRUE(std::holds_alternative<LoadedPlugin>(read)) << d.refusal();
  EXPECT_THAT(std::get<LoadedPlugin>(read).components[0].dialects, ElementsAre("command", "through"));
  static const char* const bad[] = {"Command", nullptr};
  table.names = bad;
  EXPECT_THAT(d.refusal(), HasSubstr("dialect name \"Command\""));
  static const std::vector<const char*> endless(100, "x");
  table.names = endless.data();
  EXPECT_THAT(d.refusal(), HasSubstr("more than 32 dialect names"));
}

TEST(Handshake, ANewerMinorMayBringKindsWeDoNotKnow) {
  Descriptor d;
  dtu_component other = d.component;
  other.kind = 9;
  d.components[1] = &other;
  d.plugin.component_count = 2;
  d.plugin.abi_minor = DTU_ABI_MINOR + 1;
  const auto read = read_descriptor("/p/x.so", d.plugin);
  ASSERT_TRUE(std::holds_alternative<LoadedPlugin>(read)) << d.refusal();
  EXPECT_EQ(std::get<LoadedPlugin>(read).components.size(), 1U);
  EXPECT_THAT(std::get<LoadedPlugin>(read).notes, ElementsAre(HasSubstr("kind 9 is newer than this dtud")));
}

TEST(Handshake, ABuiltInPluginPassesTheSameOne) {
  Descriptor d;
  const LoadResult good = load_built_in({"channel-good", &d.plugin});
  ASSERT_TRUE(std::holds_alternative<std::shared_ptr<const LoadedPlugin>>(good));
  const auto& plugin = *std::get<std::shared_ptr<const LoadedPlugin>>(good);
  EXPECT_TRUE(plugin.built_in);
  EXPECT_EQ(plugin.file, "built-in channel-good");
  EXPECT_EQ(plugin.components.at(0).type, "good");
  d.ops.start = nullptr;
  const LoadResult bad = load_built_in({"channel-good", &d.plugin});
  ASSERT_TRUE(std::holds_alternative<Refusal>(bad));
  EXPECT_EQ(std::get<Refusal>(bad).text.rfind("built-in channel-good: component good: ops has no start", 0), 0U);
}

// A table of the past and one of the future, each with something behind its end that must not be read.
TEST(Normalise, ShortAndLongTables) {
  struct {
    dtu_channel table{};
    uint64_t behind = UINT64_MAX;
  } theirs;
  theirs.table.send = [](void*, const dtu_msg*, uint32_t, uint32_t*, dtu_error*) -> dtu_status { return 7; };
  theirs.table.flush = [](void*, uint32_t, dtu_error*) -> dtu_status { return 8; };
  theirs.table.struct_size = offsetof(dtu_channel, flush);
  EXPECT_EQ(normalise(theirs.table).flush, nullptr);
  EXPECT_EQ(normalise(theirs.table).send, theirs.table.send);
  EXPECT_EQ(normalise(theirs.table).struct_size, sizeof(dtu_channel));
  theirs.table.struct_size = sizeof theirs;
  EXPECT_EQ(normalise(theirs.table).flush, theirs.table.flush);
  EXPECT_EQ(normalise(theirs.table).struct_size, sizeof(dtu_channel));
}

}  // namespace
}  // namespace dtud::plugins
