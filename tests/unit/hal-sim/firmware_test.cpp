// The simulated firmware in two copies.
#include <dtu/sdk/json.hpp>
#include <dtu/sdk/sha256.hpp>
#include <fstream>

#include "config.hpp"
#include "fixture.hpp"

namespace hal_sim::test {
namespace {

class Firmware : public SimTest {
 protected:
  void TearDown() override { std::remove(file_.c_str()); }
  std::string facts() { return invoke("firmware.facts", "{}"); }
  // A start of the board.
  void boot(const std::string& fail = "") {
    sim_.reset();
    use(R"({"points": {"device.version": "1"}, "firmware": {"install_ms": 0, "fail": ")" + fail + "\"}}");
  }
  // What the order is of those bytes.
  [[nodiscard]] std::string order_of(const std::string& bytes, const std::string& kind = "firmware") const {
    dtu::Sha256 sha256;
    sha256.update(bytes);
    return R"({"kind": ")" + kind + R"(", "file": )" + dtu::quoted(file_) + R"(, "version": "said", "size": )" +
           std::to_string(bytes.size()) + R"(, "sha256": ")" + sha256.hex() + "\"}";
  }
  std::string install_as(const std::string& order) {
    if (const std::string refused = invoke("firmware.install", order); refused != "no answer yet") return refused;
    EXPECT_TRUE(host_.run_until([&] { return !host_.replies().empty() && host_.replies().back().call == call_; }));
    return host_.replies().back().status == DTU_OK ? host_.replies().back().json : host_.replies().back().error;
  }
  std::string install(const std::string& version, const std::string& kind = "firmware") {
    const std::string bytes = "dtukit-sim-firmware " + version + "\nbytes";
    std::ofstream(file_) << bytes;
    return install_as(order_of(bytes, kind));
  }
  std::string mark() { return invoke("firmware.mark_good", R"({"kind": "firmware"})"); }
  std::vector<std::string> told() {
    std::vector<std::string> all;
    for (const auto& event : host_.events()) all.push_back(event.name + " " + event.json);
    return all;
  }
  static std::string now(const std::string& version, const std::string& slot, bool confirmed, bool back) {
    return std::string(R"({"firmware":{"confirmed":)") + (confirmed ? "true" : "false") + R"(,"rolled_back":)" +
           (back ? "true" : "false") + R"(,"slot":")" + slot + R"(","version":")" + version +
           R"("},"package":{"version":""}})";
  }
  const std::string file_ = testing::TempDir() + "sim-firmware-" + std::to_string(::getpid());
};

TEST_F(Firmware, DefaultsAreThoseOfTheSchema) {
  const FirmwareConfig config = read_config("{}").firmware;
  EXPECT_EQ(config.fail, "");
  EXPECT_EQ(config.install_ms, 200U);
  EXPECT_EQ(config.restart, "dtud");
}

TEST_F(Firmware, MarkedGoodItStays) {
  boot();
  EXPECT_EQ(facts(), now("1", "A", true, false));
  EXPECT_EQ(install("2"), R"({"restart": "dtud"})");
  EXPECT_EQ(facts(), now("1", "A", true, false)) << "what runs stays untouched";
  boot();
  EXPECT_EQ(facts(), now("2", "B", false, false));
  EXPECT_EQ(read("device.version"), "\"2\"");
  EXPECT_EQ(mark(), "");
  boot();
  EXPECT_EQ(facts(), now("2", "B", true, false));
}

// Issue 9, row 20: a damaged key ended every start of the HAL.
TEST_F(Firmware, StoredStateThatIsDamagedIsKeptAndSaid) {
  for (const char* text : {"", "{", "[]", "{}", R"({"a":9223372036854775808,"b":[],"runs_b":"x"})"}) {
    host_.kv("sim")["firmware"] = text;
    boot();
    EXPECT_EQ(facts(), now("1", "A", true, false)) << text;
    EXPECT_EQ(host_.kv("sim")["firmware.rejected"], text);
  }
}

TEST_F(Firmware, NotMarkedItGoesBack) {
  boot();
  install("2");
  boot();
  boot();
  EXPECT_EQ(facts(), now("1", "A", true, true));
  boot();
  EXPECT_EQ(facts(), now("1", "A", true, false));
}

TEST_F(Firmware, FailsWhereItIsToldTo) {
  boot("install");
  EXPECT_EQ(install("2"), "the simulated flash is worn out");
  boot();
  EXPECT_EQ(facts(), now("1", "A", true, false));
  install("2");
  boot("boot");
  EXPECT_EQ(facts(), now("1", "A", true, true));
  boot();
  install("2");
  boot("confirm");
  EXPECT_THAT(mark(), HasSubstr("takes no mark"));
  boot("facts");
  EXPECT_THAT(facts(), HasSubstr("does not answer"));
}

TEST_F(Firmware, OneInstallationAtATimeAndOnlyOfWhatItKnows) {
  boot("hang");
  EXPECT_THAT(install("2", "modem"), HasSubstr("installs no modem"));
  EXPECT_THAT(invoke("firmware.install", R"({"kind": "firmware", "file": "/nowhere", "size": 1, "sha256": ""})"),
              HasSubstr("the file /nowhere cannot be read"));
  std::ofstream(file_) << "x";
  EXPECT_EQ(invoke("firmware.install", order_of("x")), "no answer yet");
  const uint64_t first = call_;
  EXPECT_THAT(told(), testing::ElementsAre(R"(firmware.progress {"percent": 0})"));
  EXPECT_EQ(invoke("firmware.install", order_of("x")),
            failed(DTU_E_INVALID, "the simulated board is installing already"));
  EXPECT_EQ(invoke("firmware.cancel", "{}"), "");
  const auto& replies = host_.replies();
  ASSERT_GE(replies.size(), 2U);
  EXPECT_EQ(replies[replies.size() - 2].call, first);
  EXPECT_EQ(replies[replies.size() - 2].error, "the installation was cancelled");
}

TEST_F(Firmware, TellsHowFarItIs) {
  boot();
  install("2");
  const auto all = told();
  ASSERT_EQ(all.size(), 12U);
  EXPECT_EQ(all.front(), R"(firmware.progress {"percent": 0})");
  EXPECT_EQ(all[10], R"(firmware.progress {"percent": 100})");
  EXPECT_EQ(all.back(), R"(firmware.progress {"percent": -1})") << "nothing is being installed";
}

TEST_F(Firmware, AnotherFileThanTheOneAnnouncedIsNotInstalled) {
  boot();
  for (const std::string& bytes : {std::string("dtukit-sim-firmware 3\nbytEs"), std::string("dtukit-sim-firmware 3"),
                                   std::string("dtukit-sim-firmware 3\nbytes and more")}) {
    std::ofstream(file_) << bytes;
    EXPECT_THAT(install_as(order_of("dtukit-sim-firmware 3\nbytes")), HasSubstr("nothing is installed")) << bytes;
  }
  boot();
  EXPECT_EQ(facts(), now("1", "A", true, false));
}

// The deadline of the call passed: it is not wanted any more.
TEST_F(Firmware, ACallThatIsCancelledStopsTheInstallation) {
  boot("hang");
  std::ofstream(file_) << "x";
  EXPECT_EQ(invoke("firmware.install", order_of("x")), "no answer yet");
  commands().cancel(sim_->self(), call_ + 1);
  EXPECT_TRUE(host_.replies().empty()) << "another call";
  commands().cancel(sim_->self(), call_);
  ASSERT_EQ(host_.replies().size(), 1U);
  EXPECT_EQ(host_.replies().back().error, "the installation was cancelled");
}

TEST_F(Firmware, APackageTakesEffectAtOnce) {
  boot();
  EXPECT_EQ(install("7", "package"), R"({"restart": "none"})");
  EXPECT_THAT(facts(), HasSubstr(R"("package":{"version":"7"})"));
}

}  // namespace
}  // namespace hal_sim::test
