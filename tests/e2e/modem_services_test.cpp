// What a cellular module does besides telling values: SMS both ways, its firmware, the data path. dtud with hal-ec600
// before a simulated module, whose script is what happens to it.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "harness/dtud.hpp"

namespace e2e {
namespace {

using testing::HasSubstr;

struct ModemServices : testing::Test {
  Dtud dtud;
  Process module;

  void start(const std::string& script, const std::string& more = "") {
    write_file(dtud.path("script"), "start-time 0.1\nversion EC600UCNLBR03A01M08\n" + script);
    module.start({E2E_DTU_SIM, "modem", "--pty", dtud.path("modem"), "--script", dtud.path("script"), "--trace"},
                 trace());
    ASSERT_TRUE(eventually([&] { return ::access(dtud.path("modem").c_str(), F_OK) == 0; })) << read_file(trace());
    dtud.hal(R"({"type": "ec600", "poll_s": 1, "at_device": ")" + dtud.path("modem") + "\"" + more + "}")
        .device(R"({"password": "640000"})");
    dtud.start();
  }
  void TearDown() override {
    dtud.kill();
    module.kill();
    if (HasFailure()) std::fputs(read_file(trace()).c_str(), stderr);
  }
  [[nodiscard]] std::string trace() const { return dtud.path("trace"); }
  bool health_has(const std::string& piece) {
    return eventually([&] { return dtud.get("/v1/status").body.find(piece) != std::string::npos; });
  }
  std::string call(const std::string& name, const std::string& args = "{}") {
    std::string out = dtud.dtuctl({"call", name, args}).output;
    out.erase(std::remove_if(out.begin(), out.end(), [](char c) { return c == ' ' || c == '\n'; }), out.end());
    return out;
  }
  bool ready() {
    return eventually([&] { return call("modem.upgrade_state").find("\"runs\":\"EC600") != std::string::npos; });
  }
};

TEST_F(ModemServices, ACommandBySmsIsRunAndAnsweredAndMessagesAreSent) {
  ASSERT_NO_FATAL_FAILURE(start("csq 17\nat 0.5 sms from +8613800138000 \"radio.csq\"\n",
                                R"(, "sms": {"commands_from": ["+8613800138000"]})"));
  ASSERT_TRUE(health_has("\"commands\":1"));
  ASSERT_TRUE(health_has("\"sent\":1")) << "the answer";
  const std::string list = call("sms.list");
  EXPECT_THAT(list, HasSubstr(R"("stored":[])"));
  EXPECT_THAT(list, HasSubstr(R"("text":"radio.csq")"));
  EXPECT_THAT(call("sms.send", R"({"number": "10086", "text": "hello 中"})"), HasSubstr(R"("parts":1)"));
  EXPECT_THAT(read_file(trace()), HasSubstr("sms sent 0001000581"));
  EXPECT_EQ(dtud.stop(), 0);
}

// The module says that it deleted the message, and hands it out again after the start.
TEST_F(ModemServices, ACommandThatTheModemKeepsDoesNotRunAgainAfterAStart) {
  ASSERT_NO_FATAL_FAILURE(start("sms from +8613800138000 \"radio.csq\"\nanswer AT+CMGD* \"\\r\\nOK\\r\\n\"\n",
                                R"(, "sms": {"commands_from": ["+8613800138000"]})"));
  ASSERT_TRUE(health_has("\"commands\":1"));
  dtud.kill();
  dtud.start();
  ASSERT_TRUE(health_has("\"doubles\":1"));
  EXPECT_THAT(dtud.get("/v1/status").body, HasSubstr("\"commands\":0"));
  EXPECT_THAT(dtud.get("/v1/status").body, HasSubstr("\"received\":0"));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(ModemServices, TheFirmwareOfTheModemIsBelievedByItsVersion) {
  ASSERT_NO_FATAL_FAILURE(start("fota step 0.02\nfota version EC600UCNLBR03A02M08\n"));
  ASSERT_TRUE(ready());
  const std::string order = R"({"url": "http://192.0.2.1/fw.bin", "version": "EC600UCNLBR03A02M08"})";
  EXPECT_THAT(call("modem.upgrade", order), HasSubstr("downloading"));
  ASSERT_TRUE(health_has("\"step\":\"took\""));
  EXPECT_THAT(call("modem.upgrade_state"), HasSubstr("\"runs\":\"EC600UCNLBR03A02M08\""));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(ModemServices, AProgramThatCannotBringUpThePathIsNamed) {
  ASSERT_NO_FATAL_FAILURE(
      start("reg 1\n", R"(, "data": {"mode": "ecm", "up": [["/bin/sh", "-c", "echo no carrier; exit 3"]]})"));
  ASSERT_TRUE(health_has("\"state\":\"waiting\""));
  EXPECT_THAT(dtud.get("/v1/status").body, HasSubstr("/bin/sh: exit status 3: no carrier"));
  EXPECT_THAT(read_file(trace()), HasSubstr("AT+QIACT=1"));
  EXPECT_EQ(dtud.stop(), 0);
}

// dtud lives in a network namespace of its own, with usb0 as one end of a cable; the other end is the module's network.
TEST_F(ModemServices, ThePathIsUpAndProvedByTrafficInANetworkNamespace) {
  const std::string sysfs = dtud.path("sys");
  ::mkdir(sysfs.c_str(), 0755);
  const Ran may = run({"/usr/bin/unshare", "-rnm", "/bin/sh", "-c",
                       "command -v ip && command -v setpriv && ip link add usb0 type veth peer name modem0 && "
                       "mount -t sysfs sysfs '" +
                           sysfs + "'"});
  if (may.status != 0) GTEST_SKIP() << "no network namespace can be made here: " << may.output;
  const std::string folder = dtud.path("programs");
  ::mkdir(folder.c_str(), 0755);
  write_file(folder + "/dtud", R"sh(#!/bin/bash
if [ "$1" != inside ]; then exec /usr/bin/unshare -rnm "$0" inside "$@"; fi
shift
# The module's side: a namespace that ends with dtud, and sends until it is heard.
setpriv --pdeathsig KILL unshare -n /bin/bash -c '
  until ip link show modem0 >/dev/null 2>&1; do sleep 0.02; done
  ip addr add 10.77.0.1/24 dev modem0; ip link set modem0 up
  while :; do printf %0300d 0 >/dev/udp/10.77.0.2/9; sleep 0.05; done' >/dev/null 2>&1 &
far=$!
for _ in $(seq 500); do [ "$(readlink /proc/$far/ns/net)" = "$(readlink /proc/$$/ns/net)" ] || break; sleep 0.01; done
ip link add usb0 type veth peer name modem0
ip link set modem0 netns $far
mount -t sysfs sysfs )sh" + sysfs + R"sh(
exec )sh" + kDtud + R"sh( "$@"
)sh");
  ::chmod((folder + "/dtud").c_str(), 0755);
  ASSERT_EQ(::symlink(kDtuctl.c_str(), (folder + "/dtuctl").c_str()), 0);
  dtud.programs(folder);
  ASSERT_NO_FATAL_FAILURE(start("reg 1\n", R"(, "data": {"mode": "ecm", "sysfs": ")" + sysfs +
                                               R"(", "down": [["/bin/sh", "-c", "ip addr flush dev {interface}"]],
      "up": [["/bin/sh", "-c", "ip link set {interface} up"], ["/bin/sh", "-c", "ip addr add 10.77.0.2/24 dev {interface}"]]})"));
  ASSERT_TRUE(health_has("\"state\":\"proved\"")) << dtud.get("/v1/status").body;
  EXPECT_THAT(dtud.get("/v1/status").body, HasSubstr("\"interface\":\"usb0\""));
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
