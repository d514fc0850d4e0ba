// Plugins built from the headers of each release, opened by today's loader and run by today's instances. What they have
// to do is in sdk/abi/compat/README.md.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "plugins/loader/loader.hpp"
#include "rig.hpp"
#include "versions.hpp"

namespace dtud::test {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

struct CompatTest : testing::TestWithParam<std::string> {
  Rig rig;
  std::vector<std::string> emitted;
  std::vector<uint64_t> completed;
  std::vector<std::shared_ptr<const plugins::LoadedPlugin>> plugins;

  CompatTest() {
    rig.on_emit = [this](const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
      for (; *taken < n; ++*taken) emitted.emplace_back(dtu::view(msgs[*taken].payload));
      return DTU_OK;
    };
  }

  // The one component of a plugin; it lives as long as the test.
  const plugins::LoadedComponent* component(const std::string& name) {
    const std::string file = std::string(DTUKIT_COMPAT) + "/" + GetParam() + "/" + name + ".so";
    chmod(file.c_str(), S_IRWXU | S_IRGRP | S_IXGRP);  // as strict as the loader wants it, whatever our umask is
    plugins::LoadResult result = plugins::load(file);
    if (const auto* refusal = std::get_if<plugins::Refusal>(&result)) {
      ADD_FAILURE() << refusal->text;
      return nullptr;
    }
    plugins.push_back(std::get<std::shared_ptr<const plugins::LoadedPlugin>>(result));
    EXPECT_EQ(plugins.back()->components.size(), 1U);
    EXPECT_THAT(plugins.back()->notes, testing::IsEmpty());
    return &plugins.back()->components.at(0);
  }
  plugins::InstancePtr started(const std::string& name, const plugins::LoadedComponent& c) {
    plugins::InstancePtr instance;
    rig.on([&] {
      instance = plugins::Instance::make(rig.context, {name, &c, "compat", "{}"});
      instance->start();
    });
    EXPECT_TRUE(rig.eventually([&] { return instance->state() == DTU_STATE_UP; }));
    return instance;
  }
};
INSTANTIATE_TEST_SUITE_P(Of, CompatTest, testing::ValuesIn(compat::versions()),
                         [](const auto& version) { return compat::test_name(version.param); });

// Major 0 promises nothing, but says what to do.
TEST(Compat, PluginsOfAnOlderMinorOfMajorZeroAreRefusedByName) {
  const auto versions = compat::versions(DTUKIT_REFUSED_VERSIONS);
  ASSERT_THAT(versions, testing::Contains("0.1"));
  for (const std::string& version : versions)
    for (const std::string name : {"echo", "relay", "board", "talk"}) {
      const std::string file = std::string(DTUKIT_COMPAT) + "/" + version + "/" + name + ".so";
      chmod(file.c_str(), S_IRWXU | S_IRGRP | S_IXGRP);
      plugins::LoadResult result = plugins::load(file);
      const auto* refusal = std::get_if<plugins::Refusal>(&result);
      ASSERT_NE(refusal, nullptr) << file;
      EXPECT_EQ(refusal->text, file + ": built for plugin ABI 0.1, this dtud speaks 0.2: build it again with the " +
                                   "headers of this dtud (dtukit-dev), or get a newer build");
    }
}

TEST_P(CompatTest, ChannelsTakeAndGiveBackAndComplete) {
  for (const std::string name : {"echo", "relay"}) {
    SCOPED_TRACE(name);
    const auto* c = component(name);
    ASSERT_NE(c, nullptr);
    EXPECT_EQ(c->kind, DTU_KIND_CHANNEL);
    emitted.clear();
    routing::Channel* channel = nullptr;
    rig.on([&] { channel = &rig.add_channel(name == "echo" ? 1 : 2, *c, Script{}); });
    ASSERT_TRUE(rig.eventually([&] { return channel->instance->state() == DTU_STATE_UP; }));
    constexpr int kMessages = 500;
    rig.on([&] {
      for (int i = 0; i < kMessages; ++i) channel->outbox.push(Rig::message(std::to_string(i)));
      rig.router.outbox_changed(*channel);
    });
    ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == kMessages; }));
    ASSERT_TRUE(rig.eventually([&] { return emitted.size() == kMessages; }));
    for (int i = 0; i < kMessages; ++i) ASSERT_EQ(emitted[static_cast<size_t>(i)], std::to_string(i));
    EXPECT_TRUE(rig.eventually([&] { return channel->instance->handle().buffers == 0; })) << "not given back";
    rig.stop(*channel);
    EXPECT_EQ(rig.runs_ended, name == "echo" ? 1 : 2);
  }
}

TEST_P(CompatTest, TheBoardListsWhatItHas) {
  const auto* c = component("board");
  ASSERT_NE(c, nullptr);
  plugins::InstancePtr board = started("hal compat", *c);
  std::vector<std::string> ports, points;
  rig.on([&] {
    dtu_error error{};
    const auto port = [](void* all, const dtu_port_info* info) {
      static_cast<std::vector<std::string>*>(all)->emplace_back(dtu::view(info->id));
    };
    const auto point = [](void* all, const dtu_point_info* info) {
      static_cast<std::vector<std::string>*>(all)->emplace_back(dtu::view(info->name));
    };
    EXPECT_EQ(board->tables().ports.list(board->self(), port, &ports, &error), DTU_OK);
    EXPECT_EQ(board->tables().points.list(board->self(), point, &points, &error), DTU_OK);
  });
  EXPECT_THAT(ports, ElementsAre("c", "cpp"));
  EXPECT_THAT(points, UnorderedElementsAre("compat.messages", "compat.c.returned", "compat.c.wrong",
                                           "compat.cpp.returned", "compat.cpp.wrong"));
  rig.stop(board);
}

TEST_P(CompatTest, TheCommandsAreListedAndTheDialectNamed) {
  const auto* c = component("talk");
  ASSERT_NE(c, nullptr);
  EXPECT_THAT(c->dialects, ElementsAre("compat"));
  plugins::InstancePtr talk = started("command compat", *c);
  std::vector<std::string> names;
  rig.on([&] {
    dtu_error error{};
    const auto each = [](void* all, const dtu_command_info* info) {
      static_cast<std::vector<std::string>*>(all)->emplace_back(dtu::view(info->name));
    };
    EXPECT_EQ(talk->tables().commands.list(talk->self(), each, &names, &error), DTU_OK);
  });
  EXPECT_THAT(names, IsSupersetOf({"compat.add", "compat.ask"}));
  rig.stop(talk);
}

// Since minor 2.
TEST_P(CompatTest, TheEventsAreTold) {
  const auto* c = component("talk");
  ASSERT_NE(c, nullptr);
  if (c->events.empty()) GTEST_SKIP() << "built from headers without events";
  EXPECT_EQ(c->events[0].name, "compat.added");
  plugins::InstancePtr talk = started("command compat", *c);
  rig.on([&] {
    dtu_error error{};
    const dtu_caller caller{sizeof caller, DTU_CALLER_CONSOLE, 0, 0, dtu::str("console")};
    const dtu_invocation call{sizeof call, 0, 1, dtu::str("compat.add"), dtu::str(R"({"a":1,"b":2})"), &caller};
    const dtu_status status = talk->tables().commands.invoke(talk->self(), &call, &error);
    EXPECT_EQ(status, DTU_OK);
  });
  EXPECT_TRUE(rig.eventually([&] { return talk->health() == R"({"heard":1})"; }));
  rig.stop(talk);
}

}  // namespace
}  // namespace dtud::test
