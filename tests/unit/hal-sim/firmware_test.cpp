// The simulated firmware in two copies.
#include <dtu/firmware.h>

#include <fstream>

#include "config.hpp"
#include "fixture.hpp"

namespace hal_sim::test {
namespace {

class Firmware : public SimTest {
 protected:
  void TearDown() override { std::remove(file_.c_str()); }
  [[nodiscard]] const dtu_firmware& firmware() const { return *sim_->iface<dtu_firmware>(DTU_FIRMWARE_IFACE); }
  std::string facts() { return answer(firmware().facts(sim_->self(), ++call_, &error_)); }
  // A start of the board.
  void boot(const std::string& fail = "") {
    sim_.reset();
    use(R"({"points": {"device.version": "1"}, "firmware": {"install_ms": 0, "fail": ")" + fail + "\"}}");
  }
  std::string install(const std::string& version, const std::string& kind = "firmware") {
    std::ofstream(file_) << "dtukit-sim-firmware " << version << "\nbytes";
    const dtu_firmware_image image{sizeof image, 0, dtu::str(kind), dtu::str(file_), dtu::str("said")};
    if (const dtu_status status = firmware().install(sim_->self(), &image, ++call_, &error_); status != DTU_OK)
      return error_.message;
    EXPECT_TRUE(host_.run_until([&] { return !host_.replies().empty() && host_.replies().back().call == call_; }));
    return host_.replies().back().status == DTU_OK ? host_.replies().back().json : host_.replies().back().error;
  }
  std::string mark() { return answer(firmware().mark_good(sim_->self(), dtu::str("firmware"), ++call_, &error_)); }
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
  const dtu_firmware_image missing{sizeof missing, 0, dtu::str("firmware"), dtu::str("/nowhere"), {}};
  EXPECT_EQ(firmware().install(sim_->self(), &missing, ++call_, &error_), DTU_E_IO);
  std::ofstream(file_) << "x";
  const dtu_firmware_image image{sizeof image, 0, dtu::str("firmware"), dtu::str(file_), dtu::str("2")};
  const uint64_t first = ++call_;
  ASSERT_EQ(firmware().install(sim_->self(), &image, first, &error_), DTU_OK);
  EXPECT_EQ(firmware().progress(sim_->self(), first), 0);
  EXPECT_EQ(firmware().install(sim_->self(), &image, ++call_, &error_), DTU_E_INVALID);
  firmware().cancel(sim_->self(), first);
  ASSERT_FALSE(host_.replies().empty());
  EXPECT_EQ(host_.replies().back().call, first);
  EXPECT_EQ(host_.replies().back().error, "the installation was cancelled");
}

TEST_F(Firmware, APackageTakesEffectAtOnce) {
  boot();
  EXPECT_EQ(install("7", "package"), R"({"restart": "none"})");
  EXPECT_THAT(facts(), HasSubstr(R"("package":{"version":"7"})"));
}

}  // namespace
}  // namespace hal_sim::test
