// dtu.kv/1 and dtu.folder/1: what is kept, when it is told, and what is refused.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "plugins/kv.hpp"
#include "rig.hpp"

namespace dtud::test {
namespace {

struct KvTest : ::testing::Test {
  TemporaryFolder root;
  std::string dir = root.path() + "/kv";
  uint64_t last = 0;

  dtu_status set(plugins::KvFolder& kv, const std::string& key, const std::string& value) {
    return kv.change(key, value, ++last);
  }
  // Changes one and has it written.
  dtu_status kept(plugins::KvFolder& kv, const std::string& key, std::optional<std::string_view> value) {
    const dtu_status status = kv.change(key, value, ++last);
    if (status != DTU_PENDING) return status;
    const auto outcomes = kv.write();
    EXPECT_EQ(outcomes.size(), 1U);
    return outcomes.at(0).status;
  }
  std::string read(const std::string& key) {
    std::string value;
    const dtu_status status = plugins::KvFolder(dir, "channel 1").get(key, value);
    return status == DTU_OK ? value : std::to_string(status);
  }
};

TEST_F(KvTest, KeepsReplacesAndRemoves) {
  plugins::KvFolder kv(dir, "channel 1");
  std::string value;
  EXPECT_EQ(kv.get("secret", value), DTU_E_NOT_FOUND);
  EXPECT_EQ(kept(kv, "secret", "one"), DTU_OK);
  EXPECT_EQ(kept(kv, "secret", std::string("t\0wo", 4)), DTU_OK);
  EXPECT_EQ(read("secret"), std::string("t\0wo", 4));
  EXPECT_EQ(plugins::KvFolder(dir, "channel 2").get("secret", value), DTU_E_NOT_FOUND);
  EXPECT_EQ(kept(kv, "empty", ""), DTU_OK);
  EXPECT_EQ(read("empty"), "");
  EXPECT_EQ(kept(kv, "secret", std::nullopt), DTU_OK);
  EXPECT_EQ(kept(kv, "secret", std::nullopt), DTU_OK) << "it is gone, as wanted";
  EXPECT_EQ(kv.get("secret", value), DTU_E_NOT_FOUND);
}

TEST_F(KvTest, TheNewestValueIsSeenBeforeItIsOnTheDisk) {
  plugins::KvFolder kv(dir, "channel 1");
  ASSERT_EQ(kept(kv, "a", "old"), DTU_OK);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(set(kv, "a", std::to_string(i)), DTU_PENDING);
  ASSERT_EQ(set(kv, "b", "b"), DTU_PENDING);
  std::string value;
  EXPECT_EQ(kv.get("a", value), DTU_OK);
  EXPECT_EQ(value, "99");
  EXPECT_EQ(read("a"), "old");
  const auto outcomes = kv.write();
  ASSERT_EQ(outcomes.size(), 101U) << "each change is answered";
  for (size_t i = 1; i < outcomes.size(); ++i) EXPECT_EQ(outcomes[i].number, outcomes[i - 1].number + 1) << "in order";
  EXPECT_EQ(read("a"), "99");
  EXPECT_TRUE(kv.write().empty());
}

// A value that cannot be read now is not lost when it is replaced.
TEST_F(KvTest, KeepsWhatItCannotRead) {
  {
    plugins::KvFolder kv(dir, "channel 1");
    ASSERT_EQ(kept(kv, "secret", "one"), DTU_OK);
  }
  const std::string file = dir + "/channel-1/secret";
  std::filesystem::remove(file);
  std::filesystem::create_symlink("/nonexistent/place", file);
  plugins::KvFolder kv(dir, "channel 1");
  std::string value;
  EXPECT_EQ(kv.get("secret", value), DTU_E_IO);
  EXPECT_NE(kv.problem().find(file), std::string::npos) << kv.problem();
  EXPECT_EQ(kept(kv, "secret", "two"), DTU_OK);
  EXPECT_TRUE(std::filesystem::is_symlink(file + ".rejected"));
  EXPECT_EQ(kv.get("secret", value), DTU_OK);
  EXPECT_EQ(value, "two");
}

// Somebody put a link there: what it leads to is neither read nor written.
TEST_F(KvTest, FollowsNoLink) {
  const std::string victim = root.path() + "/victim";
  std::ofstream(victim) << "theirs";
  std::filesystem::create_directories(dir + "/channel-1");
  for (const std::string key : {"before", "after"}) {
    plugins::KvFolder kv(dir, "channel 1");
    std::string value;
    if (key == "after") {
      EXPECT_EQ(kv.get("other", value), DTU_E_NOT_FOUND) << "all was read";
    }
    std::filesystem::create_symlink(victim, dir + "/channel-1/" + key);
    if (key == "before") {
      EXPECT_EQ(kv.get(key, value), DTU_E_IO);
    }
    EXPECT_EQ(kept(kv, key, "ours"), DTU_OK);
    EXPECT_FALSE(std::filesystem::is_symlink(dir + "/channel-1/" + key));
    EXPECT_EQ(read(key), "ours");
  }
  std::string text;
  std::getline(std::ifstream(victim), text);
  EXPECT_EQ(text, "theirs");
}

// A folder in the place of the file: what get() says is what is on the disk.
TEST_F(KvTest, AFailureToWriteGoesBackToWhatThereWas) {
  plugins::KvFolder kv(dir, "channel 1");
  ASSERT_EQ(kept(kv, "a", "one"), DTU_OK);
  std::filesystem::remove(dir + "/channel-1/a");
  std::filesystem::create_directories(dir + "/channel-1/a/in/the/way");
  EXPECT_EQ(kept(kv, "a", "two"), DTU_E_IO);
  std::string value;
  EXPECT_EQ(kv.get("a", value), DTU_OK);
  EXPECT_EQ(value, "one");
  std::filesystem::create_directories(dir + "/channel-1/b/in/the/way");
  EXPECT_EQ(kept(kv, "b", "two"), DTU_E_IO);
  EXPECT_EQ(kv.get("b", value), DTU_E_NOT_FOUND);
}

TEST_F(KvTest, NoKeyLeadsOutOfItsFolder) {
  plugins::KvFolder kv(dir, "channel 1");
  std::string value;
  for (const char* key : {"", ".", "..", "../x", "a/b", ".hidden", "a b", "\n", "x.rejected"}) {
    EXPECT_EQ(set(kv, key, "x"), DTU_E_INVALID) << key;
    EXPECT_LT(kv.get(key, value), 0) << key;
    EXPECT_EQ(kv.change(key, std::nullopt, 1), DTU_E_INVALID) << key;
  }
  EXPECT_EQ(set(kv, std::string(65, 'k'), "x"), DTU_E_INVALID);
  EXPECT_EQ(set(kv, "k", std::string((64U << 10U) + 1, 'x')), DTU_E_INVALID);
  EXPECT_EQ(set(kv, "k", std::string(64U << 10U, 'x')), DTU_PENDING);
}

TEST_F(KvTest, AllOfItAndWhatWaitsIsBounded) {
  plugins::KvFolder kv(dir, "channel 1");
  const std::string big(64U << 10U, 'x');
  int taken = 0;
  while (taken < 100 && set(kv, "k" + std::to_string(taken), big) == DTU_PENDING) ++taken;
  EXPECT_EQ(taken, 15) << "1 MiB with the keys";
  EXPECT_EQ(set(kv, "more", std::string(60'000, 'x')), DTU_PENDING);
  EXPECT_EQ(set(kv, "more", big), DTU_AGAIN);
  EXPECT_EQ(kv.write().size(), 16U);
  EXPECT_EQ(set(kv, "k0", big), DTU_PENDING) << "not more than before";
  EXPECT_EQ(kv.change("k1", std::nullopt, 1), DTU_PENDING);
  EXPECT_EQ(set(kv, "more", big), DTU_PENDING) << "there is room again";
  int waiting = 3;
  while (waiting < 100'000 && set(kv, "k2", "small") == DTU_PENDING) ++waiting;
  EXPECT_EQ(waiting, 4096);
  EXPECT_EQ(kv.write().size(), 4096U);
  EXPECT_EQ(read("more"), big);
}

// The services, on the main lane and on a lane of its own.
struct KeepingTest : ::testing::TestWithParam<uint64_t> {
  Rig rig;
  Script script;
  const plugins::LoadedComponent channel = channel_component(GetParam());
  std::mutex mutex;
  std::vector<std::string> told;
  struct Call {
    KeepingTest* test;
    std::string name;
  };
  std::vector<std::unique_ptr<Call>> calls;

  void tell(const std::string& text) {
    const std::lock_guard<std::mutex> lock(mutex);
    told.push_back(text);
  }
  std::vector<std::string> heard() {
    const std::lock_guard<std::mutex> lock(mutex);
    return told;
  }
  // On the lane.
  dtu_status change(dtu::Host host, const std::string& key, std::optional<std::string> value) {
    calls.push_back(std::make_unique<Call>(Call{this, key}));
    const dtu_kv_change change{
        sizeof change,
        0,
        dtu::str(key),
        value ? dtu::str(*value) : dtu_str{},
        [](void* ctx, dtu_status status, const dtu_error*) {
          const auto& c = *static_cast<Call*>(ctx);
          c.test->tell(c.name + " " + std::to_string(status));
        },
        [](void* ctx) { static_cast<Call*>(ctx)->test->tell("~" + static_cast<Call*>(ctx)->name); },
        calls.back().get()};
    return host.need<dtu_kv_service>(DTU_KV_SERVICE).change(host.instance(), &change);
  }
  static std::string get(dtu::Host host, const std::string& key) {
    std::string value;
    const dtu_status status =
        host.need<dtu_kv_service>(DTU_KV_SERVICE)
            .get(
                host.instance(), dtu::str(key),
                [](void* to, dtu_str text) { *static_cast<std::string*>(to) = dtu::view(text); }, &value);
    return status == DTU_OK ? value : std::to_string(status);
  }
  plugins::InstancePtr started() {
    plugins::InstancePtr instance;
    rig.on([&] {
      instance = rig.make("channel 1", channel, script);
      instance->start();
    });
    return instance;
  }
};
INSTANTIATE_TEST_SUITE_P(On, KeepingTest, ::testing::Values(uint64_t{0}, uint64_t{DTU_CAP_BLOCKING}),
                         [](const auto& caps) { return caps.param == 0 ? "Main" : "Own"; });

TEST_P(KeepingTest, AChangeIsToldInOrderAndDestroyedOnce) {
  script.start = [&](dtu::Host host) {
    EXPECT_EQ(change(host, "a", "1"), DTU_PENDING);
    EXPECT_EQ(change(host, "a", "2"), DTU_PENDING);
    EXPECT_EQ(change(host, "b", ""), DTU_PENDING);
    EXPECT_EQ(get(host, "a"), "2");
    EXPECT_EQ(get(host, "b"), "");
    EXPECT_EQ(change(host, "a", std::nullopt), DTU_PENDING);
    EXPECT_EQ(get(host, "a"), std::to_string(DTU_E_NOT_FOUND));
    EXPECT_TRUE(heard().empty()) << "never inside the call";
    host.report(DTU_STATE_UP);
    return DTU_OK;
  };
  auto instance = started();
  ASSERT_TRUE(rig.eventually([&] { return heard().size() == 8; }));
  EXPECT_EQ(heard(), (std::vector<std::string>{"a 0", "~a", "a 0", "~a", "b 0", "~b", "a 0", "~a"}));
  EXPECT_TRUE(std::filesystem::exists(rig.kv.dir() + "/channel-1/b"));
  EXPECT_FALSE(std::filesystem::exists(rig.kv.dir() + "/channel-1/a"));
  rig.stop(instance);
}

TEST_P(KeepingTest, WhatIsRefusedIsDestroyedWithinTheCall) {
  script.start = [&](dtu::Host host) {
    EXPECT_EQ(change(host, "no/key", "1"), DTU_E_INVALID);
    EXPECT_EQ(heard(), std::vector<std::string>{"~no/key"});
    EXPECT_EQ(change(host, "long", std::string(70'000, 'x')), DTU_E_INVALID);
    dtu_kv_change none{};
    EXPECT_EQ(host.need<dtu_kv_service>(DTU_KV_SERVICE).change(host.instance(), &none), DTU_E_INVALID);
    EXPECT_EQ(host.need<dtu_kv_service>(DTU_KV_SERVICE).change(host.instance(), nullptr), DTU_E_INVALID);
    host.report(DTU_STATE_UP);
    return DTU_OK;
  };
  auto instance = started();
  ASSERT_TRUE(rig.eventually([&] { return instance->state() == DTU_STATE_UP; }));
  EXPECT_EQ(heard(), (std::vector<std::string>{"~no/key", "~long"}));
  rig.stop(instance);
}

// What was given in stop() is written, though nobody is told.
TEST_P(KeepingTest, WhatWasTakenBeforeTheStopIsKept) {
  script.stop = [&](dtu::Host host) {
    EXPECT_EQ(change(host, "last", "word"), DTU_PENDING);
    return DTU_OK;
  };
  auto instance = started();
  ASSERT_TRUE(rig.eventually([&] { return instance->state() == DTU_STATE_UP; }));
  rig.stop(instance);
  EXPECT_EQ(heard(), std::vector<std::string>{"~last"});
  EXPECT_TRUE(rig.kv.settle(kDeadline));
  std::string value;
  EXPECT_EQ(plugins::KvFolder(rig.kv.dir(), "channel 1").get("last", value), DTU_OK);
  EXPECT_EQ(value, "word");
}

TEST_P(KeepingTest, TenThousandChangesAreBoundedAndEachIsDestroyed) {
  std::atomic<int> taken{0}, refused{0};
  script.start = [&](dtu::Host host) {
    for (int i = 0; i < 10'000; ++i)
      (change(host, "k" + std::to_string(i % 7), "v") == DTU_PENDING ? taken : refused)++;
    host.report(DTU_STATE_UP);
    return DTU_OK;
  };
  auto instance = started();
  ASSERT_TRUE(rig.eventually([&] { return heard().size() == static_cast<size_t>(10'000 + taken); }));
  EXPECT_EQ(taken + refused, 10'000);
  rig.stop(instance);
}

TEST_P(KeepingTest, AFolderOfItsOwnIsMadeCountedAndBounded) {
  std::string path;
  const auto ask = [&](dtu::Host host) {
    return host.need<dtu_folder_service>(DTU_FOLDER_SERVICE)
        .path(
            host.instance(), [](void* to, dtu_str text) { *static_cast<std::string*>(to) = dtu::view(text); }, &path);
  };
  const auto usage = [&](dtu::Host host, dtu_folder_usage& out) {
    out.struct_size = sizeof out;
    return host.need<dtu_folder_service>(DTU_FOLDER_SERVICE).usage(host.instance(), &out);
  };
  script.start = [&](dtu::Host host) {
    EXPECT_EQ(ask(host), DTU_OK);
    dtu_folder_usage nothing{};
    EXPECT_EQ(host.need<dtu_folder_service>(DTU_FOLDER_SERVICE).usage(host.instance(), &nothing), DTU_E_INVALID);
    host.report(DTU_STATE_UP);
    return DTU_OK;
  };
  auto instance = started();
  ASSERT_TRUE(rig.eventually([&] { return instance->state() == DTU_STATE_UP; }));
  EXPECT_EQ(path, rig.folders.dir() + "/channel-1");
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
  std::ofstream(path + "/big") << std::string(2U << 20U, 'x');
  const auto fault = [&] {
    for (const auto& [kind, occurrence] : instance->faults().read())
      if (kind == plugins::Fault::quota) return occurrence.text;
    return std::string();
  };
  rig.on([&] { rig.folders.look(); });
  ASSERT_TRUE(rig.eventually([&] {
    rig.folders.look();
    return !fault().empty();
  }));
  EXPECT_NE(fault().find("bytes in its folder, allowed are 1048576 (plugins.folder_mb of the board file)"),
            std::string::npos)
      << fault();
  std::atomic<int> answers{0};
  const auto on_lane = [&](std::function<void(dtu::Host)> fn) {
    const dtu::Host host = script.host();
    struct Job {
      std::function<void(dtu::Host)> fn;
      dtu::Host host;
      std::atomic<int>* answers;
    };
    auto job = std::make_unique<Job>(Job{std::move(fn), host, &answers});
    const int before = answers;
    EXPECT_EQ(dtu_post(
                  &host.need<dtu_post_service>(DTU_POST_SERVICE), host.instance(),
                  [](void* ctx) {
                    const std::unique_ptr<Job> mine(static_cast<Job*>(ctx));
                    mine->fn(mine->host);
                    ++*mine->answers;
                  },
                  job.release()),
              DTU_OK);
    ASSERT_TRUE(rig.eventually([&] { return answers > before; }));
  };
  on_lane([&](dtu::Host host) {
    EXPECT_EQ(ask(host), DTU_AGAIN);
    dtu_folder_usage now{};
    EXPECT_EQ(usage(host, now), DTU_OK);
    EXPECT_GE(now.used, 2U << 20U);
    EXPECT_EQ(now.quota, 1U << 20U);
  });
  std::filesystem::remove(path + "/big");
  std::filesystem::create_symlink("/", path + "/link");
  ASSERT_TRUE(rig.eventually([&] {
    rig.folders.look();
    dtu_folder_usage now{};
    return rig.folders.usage(*instance, now) == DTU_OK && now.used < 1U << 20U;
  })) << "links are not followed";
  on_lane([&](dtu::Host host) { EXPECT_EQ(ask(host), DTU_OK); });
  rig.stop(instance);
}

}  // namespace
}  // namespace dtud::test
