// Plugin files and a dtud that nobody can bring down: what crashes is quarantined, what is unsigned is refused, what is
// installed is used, and dtuctl says all of it.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "harness/dtud.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kBuild[] = "org.dtukit.fixture.build";

struct PluginsTest : testing::Test {
  Dtud dtud;
  PluginsTest() {
    fs::create_directory(folder());
    fs::permissions(folder(), fs::perms::owner_all);
    dtud.plugins(folder());
  }
  [[nodiscard]] std::string folder() const { return dtud.path("plugins"); }
  // A copy of a fixture that only its owner may write, under a name of its own.
  std::string put(const std::string& fixture, const std::string& path) const {
    const std::string fresh = path + ".new";
    fs::copy_file(std::string(E2E_FIXTURES) + "/" + fixture + ".so", fresh, fs::copy_options::overwrite_existing);
    fs::permissions(fresh, fs::perms::owner_all);
    fs::rename(fresh, path);
    return path;
  }
  std::string have(const std::string& fixture) const { return put(fixture, folder() + "/" + fixture + ".so"); }
  void channels(const std::vector<std::string>& types) {
    std::string conf;
    for (const std::string& type : types)
      conf += (conf.empty() ? "\"" : ", \"") + std::to_string(&type - types.data() + 1) + R"(": {"protocol": ")" +
              type + "\"}";
    dtud.device("{\"conf\": {" + conf + "}}");
  }
  [[nodiscard]] Json file(const std::string& path) const {
    return with(parse_json(dtud.get("/v1/plugins").body), "file", path);
  }
  [[nodiscard]] std::string state_of(const std::string& path) const { return text(file(path), "state"); }
  [[nodiscard]] Json loaded(const std::string& id) const {
    const Json all = parse_json(dtud.get("/v1/plugins").body);
    for (size_t i = 0; i < size(all); ++i) {
      const Json one = at(all, "[" + std::to_string(i) + "]");
      if (text(one, "id") == id && text(one, "state") == "loaded") return one;
    }
    return {};
  }
  void key(const std::string& name) const { ASSERT_EQ(run({E2E_DTU_SIGN, "keygen", dtud.path(name)}).status, 0); }
  void sign(const std::string& name, const std::string& path) const {
    ASSERT_EQ(run({E2E_DTU_SIGN, "sign", "--key", dtud.path(name), path}).status, 0);
  }
  void require(const std::string& name) {
    key(name);
    dtud.board(R"("plugins": {"keys": [")" + dtud.path(name + ".pub") + R"("], "require_signed": true})");
  }
};

TEST_F(PluginsTest, AFileThatCrashesIsQuarantinedAndTheOthersGoOn) {
  const std::string bad = have("ctor_abort"), good = have("pure_c");
  channels({"pure-c", "ctor-abort"});
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(state_of(bad), "quarantined");
  EXPECT_EQ(state_of(good), "loaded");
  Ran ran = dtud.dtuctl({"plugins", "--failed"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.output, HasSubstr("died of signal 6 (SIGABRT) while being probed"));
  EXPECT_THAT(ran.output, Not(HasSubstr("pure_c")));
  ran = dtud.check();
  EXPECT_EQ(ran.status, 1) << "a channel needs it";
  EXPECT_THAT(ran.output, HasSubstr("warning: plugin file " + bad + ": is quarantined: died of signal 6"));
  EXPECT_EQ(dtud.stop(), 0);

  put("pure_c", bad);  // another build: what is held against the one before does not count
  fs::remove(good);
  dtud.start();
  EXPECT_EQ(state_of(bad), "loaded");
  EXPECT_EQ(dtud.dtuctl({"plugins", "--failed"}).status, 0);
}

TEST_F(PluginsTest, ARetryProbesAnew) {
  const std::string file = have("ctor_crash_in");
  channels({"ctor-crash-in"});
  dtud.environment({"DTU_FIXTURE_CRASH_IN=dtu-plugin-probe"});
  dtud.start();
  EXPECT_EQ(state_of(file), "quarantined");
  Ran ran = dtud.dtuctl({"plugins", "retry", "ctor_crash_in.so"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.output, HasSubstr("died of signal 6"));
  EXPECT_EQ(dtud.stop(), 0);
  dtud.environment({});
  dtud.start();
  EXPECT_EQ(state_of(file), "quarantined");
  ran = dtud.dtuctl({"plugins", "retry", file});
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(state_of(file), "available");
  EXPECT_EQ(dtud.dtuctl({"plugins", "retry", file}).status, 1) << "nothing is held against it any more";
  EXPECT_EQ(dtud.stop(), 0);
  dtud.start();
  EXPECT_EQ(state_of(file), "loaded");
}

TEST_F(PluginsTest, WhatDtudItselfDiesOfIsQuarantinedAtTheThirdStart) {
  const std::string file = have("ctor_crash_in");
  have("pure_c");
  channels({"pure-c", "ctor-crash-in"});
  dtud.environment({"DTU_FIXTURE_CRASH_IN=dtud"});
  EXPECT_THROW(dtud.start(), std::runtime_error);
  EXPECT_THROW(dtud.start(), std::runtime_error);
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(state_of(file), "quarantined");
  EXPECT_THAT(text(this->file(file), "error"), HasSubstr("dtud ended while it opened this file, 2 times"));
}

// Its constructors say which process they run in.
TEST_F(PluginsTest, AFileForProcessesOfTheirOwnIsNeverOpenedByDtud) {
  const std::string file = have("ctor_marker"), other = put("ctor_marker_2", dtud.path("new.so"));
  const std::string marker = dtud.path("marker");
  const auto document = [](const std::string& more) {
    return R"({"work_mode": "raw", "conf": {"1": {"protocol": "ctor-marker")" + more + "}}}";
  };
  const auto by_dtud = [&] { return read_file(marker).find(" dtud\n") != std::string::npos; };
  const auto runs = [&] {
    return eventually([&] {
      const Json i = with(at(dtud.status(), "instances"), "name", "channel 1");
      return number(i, "isolated.pid") > 0 && text(i, "state") != "failed";
    });
  };
  dtud.device(document(R"(, "isolate": true)")).environment({"DTU_FIXTURE_MARKER=" + marker});
  ASSERT_EQ(::setenv("DTU_FIXTURE_MARKER", marker.c_str(), 1), 0);
  const Ran check = dtud.check();
  ASSERT_EQ(::unsetenv("DTU_FIXTURE_MARKER"), 0);
  EXPECT_EQ(check.status, 0) << check.output;
  EXPECT_FALSE(by_dtud()) << "dtud --check";

  dtud.start();
  ASSERT_TRUE(runs());
  EXPECT_EQ(state_of(file), "isolated");
  EXPECT_TRUE(eventually([&] { return read_file(marker).find(" dtu-plugin-host") != std::string::npos; }));
  EXPECT_THAT(dtud.dtuctl({"plugins"}).output, HasSubstr("isolated"));
  EXPECT_THAT(dtud.dtuctl({"inspect", "ctor-marker"}).output, HasSubstr("channel 1"));
  EXPECT_EQ(dtud.dtuctl({"inspect", file}).status, 0);
  EXPECT_EQ(dtud.put("/v1/config", document(R"(, "isolate": {"memory_mb": 70})")).status, 200);
  EXPECT_EQ(dtud.dtuctl({"config", "reload"}).status, 0);
  ASSERT_TRUE(runs());
  EXPECT_FALSE(by_dtud()) << read_file(marker);

  const Ran upgrade = dtud.dtuctl({"plugins", "upgrade", other});
  EXPECT_EQ(upgrade.status, 0) << upgrade.output;
  ASSERT_TRUE(runs());
  EXPECT_THAT(dtud.get("/v1/plugins").body, HasSubstr(R"("version":"2.0.0")"));
  EXPECT_EQ(number(dtud.status(), "dead_images"), 0);
  EXPECT_EQ(dtud.stop(), 0);
  EXPECT_THAT(read_file(dtud.path("state/plugins/probes.json")), HasSubstr("\"whole\":true"));
  dtud.start();
  ASSERT_TRUE(runs());
  EXPECT_FALSE(by_dtud()) << read_file(marker);

  EXPECT_EQ(dtud.put("/v1/config", document("")).status, 200);
  EXPECT_TRUE(eventually(by_dtud)) << "now it runs in dtud";
  EXPECT_EQ(text(loaded("org.dtukit.fixture.ctor_marker"), "version"), "2.0.0");
}

TEST_F(PluginsTest, AnInstalledBuildIsUsedAtOnceAndBeforeTheOther) {
  const std::string old = have("build_1"), other = put("build_2", dtud.path("new.so"));
  dtud.start();
  EXPECT_EQ(dtud.dtuctl({"inspect", kBuild, "--exists"}).status, 1) << "nobody looked into the file yet";
  Ran ran = dtud.dtuctl({"plugins", "install", other});
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("installed org.dtukit.fixture.build 2.0.0"));
  EXPECT_THAT(ran.output, HasSubstr("it is used now"));
  fs::remove(other);  // it was copied
  EXPECT_EQ(dtud.dtuctl({"inspect", kBuild, "--atleast-version", "2.0"}).status, 0);
  EXPECT_EQ(dtud.dtuctl({"inspect", kBuild, "--atleast-version", "2.0.1"}).status, 1);
  const HttpAnswer taken = dtud.put("/v1/config", R"({"work_mode": "raw", "conf": {"1": {"protocol": "build"}}})");
  ASSERT_EQ(taken.status, 200) << taken.body;
  EXPECT_EQ(text(loaded(kBuild), "version"), "2.0.0");
  EXPECT_EQ(state_of(old), "replaced");

  ran = dtud.dtuctl({"plugins", "remove", kBuild});
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("runs until dtud starts again"));
  EXPECT_EQ(dtud.dtuctl({"plugins", "remove", kBuild}).status, 1);
  EXPECT_EQ(dtud.stop(), 0);
  dtud.start();
  EXPECT_EQ(text(loaded(kBuild), "version"), "1.0.0");
}

TEST_F(PluginsTest, ABuildThatIsInUseStaysSoUntilTheNextStart) {
  have("build_1");
  channels({"build"});
  dtud.start();
  const Ran ran = dtud.dtuctl({"plugins", "install", put("build_2", dtud.path("new.so"))});
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("org.dtukit.fixture.build 1.0.0 stays in use until dtud starts again"));
  EXPECT_EQ(text(loaded(kBuild), "version"), "1.0.0");
  EXPECT_EQ(dtud.stop(), 0);
  dtud.start();
  EXPECT_EQ(text(loaded(kBuild), "version"), "2.0.0");
}

TEST_F(PluginsTest, WhatIsNotInstalled) {
  dtud.start();
  const auto refused = [&](const std::string& path) {
    const Ran ran = dtud.dtuctl({"plugins", "install", path});
    EXPECT_NE(ran.status, 0) << path;
    return ran.output;
  };
  EXPECT_THAT(refused(put("ctor_abort", dtud.path("a.so"))),
              HasSubstr(dtud.path("a.so") + ": died of signal 6 (SIGABRT) while being probed"));
  EXPECT_THAT(refused(put("other_major", dtud.path("b.so"))), HasSubstr("b.so: built for plugin ABI 3"));
  const std::string open = put("build_1", dtud.path("c.so"));
  ASSERT_EQ(chmod(open.c_str(), 0666), 0);
  EXPECT_THAT(refused(open), HasSubstr("others may write it (mode 0666): chmod go-w"));
  EXPECT_THAT(refused(dtud.path("none.so")), HasSubstr("cannot be read"));
  EXPECT_EQ(dtud.post("/v1/plugins/install", R"({"file": "relative.so"})").status, 400);
  EXPECT_EQ(dtud.post("/v1/plugins/install", "{}").status, 400);
  EXPECT_EQ(dtud.get("/v1/plugins").body, "[]");
  for (const auto& entry : fs::directory_iterator(dtud.path("state/plugins")))
    EXPECT_NE(entry.path().extension(), ".so") << entry.path();
}

TEST_F(PluginsTest, OnlySignedFilesAreOpened) {
  const std::string file = have("pure_c");
  channels({"pure-c"});
  require("acme.key");
  dtud.start();
  EXPECT_EQ(state_of(file), "refused");
  EXPECT_THAT(text(this->file(file), "error"), HasSubstr("only signed files are opened here (require_signed)"));
  sign("acme.key", file);
  const Ran ran = dtud.dtuctl({"plugins", "retry", "pure_c.so"});
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(dtud.stop(), 0);
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(text(this->file(file), "signature.state"), "good");
  EXPECT_EQ(dtud.stop(), 0);
  put("undeclared", file);  // with the signature of another file, and opened to be asked
  dtud.start();
  EXPECT_EQ(state_of(file), "refused");
}

TEST_F(PluginsTest, AnInstalledFileKeepsItsSignature) {
  require("acme.key");
  const std::string file = put("build_1", dtud.path("new.so"));
  dtud.start();
  EXPECT_THAT(dtud.dtuctl({"plugins", "install", file}).output, HasSubstr("it is not signed"));
  sign("acme.key", file);
  ASSERT_EQ(chmod(file.c_str(), 0666), 0);  // the signature says more than who may write it
  const Ran ran = dtud.dtuctl({"plugins", "install", file});
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(dtud.stop(), 0);
  channels({"build"});
  dtud.write_documents();
  dtud.start();
  EXPECT_EQ(text(loaded(kBuild), "signature.state"), "good");
}

TEST_F(PluginsTest, InspectTellsOfAFileWithoutADtud) {
  const std::string file = have("two_components");
  Ran ran = dtud.dtuctl({"inspect", file});
  EXPECT_EQ(ran.status, 0) << ran.output;
  for (const char* words : {"org.dtukit.fixture.two 1.0.0", "SHA-256 ", "plugin ABI  0.2", "two-a, two-b"})
    EXPECT_THAT(ran.output, HasSubstr(words));
  EXPECT_EQ(dtud.dtuctl({"inspect", file, "--exists"}).status, 0);
  ran = dtud.dtuctl({"inspect", have("ctor_exit")});
  EXPECT_THAT(ran.output, HasSubstr("ended its process (exit status 0) while being probed"));
  EXPECT_EQ(dtud.dtuctl({"inspect", folder() + "/ctor_exit.so", "--exists"}).status, 1);

  const std::string unused = have("pure_c");
  dtud.start();
  ran = dtud.dtuctl({"--json", "inspect", unused});
  const Json one = at(parse_json(ran.output), "[0]");
  EXPECT_EQ(text(one, "state"), "available");
  EXPECT_EQ(text(one, "components[0].schema.type"), "object");
  EXPECT_EQ(dtud.dtuctl({"inspect", "org.nobody"}).status, 1);
}

}  // namespace
}  // namespace e2e
