// dtud --check finds what a start finds, and so does a document that is set while dtud runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string conf(const std::string& channels) { return R"({"conf": {)" + channels + "}}"; }
std::string mqtt(const std::string& more) { return R"("1": {"protocol": "mqtt", "url": "127.0.0.1")" + more + "}"; }
std::string at(const std::string& url, const std::string& more = "") {
  return R"("1": {"protocol": "mqtt", "url": ")" + url + "\"" + more + "}";
}

struct Wrong {
  const char* name;
  std::string device;
  const char* severity;
  const char* path;
  const char* words;
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

// FILES stands for the folder with the certificate files.
std::vector<Wrong> all_wrong() {
  return {
      {"PublishWildcard", conf(mqtt(R"(, "publish": {"0": "up/#"})")), "error", "/conf/1/publish/0", "wildcards"},
      {"HashInTheMiddle", conf(mqtt(R"(, "subscribe": {"0": "a/#/b"})")), "error", "/conf/1/subscribe/0", "last level"},
      {"WillWildcard", conf(mqtt(R"(, "will": {"topic": "gone/+"})")), "error", "/conf/1/will/topic", "wildcards"},
      {"HttpsBroker", conf(at("https://broker.example")), "error", "/conf/1/url", "scheme must be mqtt or mqtts"},
      {"PasswordInBroker", conf(at("mqtt://plant:sesame@broker.example")), "error", "/conf/1/url",
       "mqtt://***@broker.example"},
      {"SchemelessHttp", conf(R"("1": {"protocol": "http", "url": "example.org/up"})"), "error", "/conf/1/url",
       "http:// or https://"},
      {"AddressWithScheme", conf(R"("1": {"protocol": "tcp", "url": "tcp://u:sesame@h", "port": 1})"), "error",
       "/conf/1/url", "host name or address is allowed"},
      {"UdpWithPassword", conf(R"("1": {"protocol": "udp", "url": "u:sesame@h", "port": 1})"), "error", "/conf/1/url",
       "host name or address is allowed"},
      {"AbsentCa", conf(at("mqtts://b", R"(, "tls": {"ca": "FILES/none.pem"})")), "error", "/conf/1/tls/ca",
       "cannot be read: No such file"},
      {"CaThatIsNoPem", conf(at("mqtts://b", R"(, "tls": {"ca": "FILES/text"})")), "error", "/conf/1/tls/ca",
       "holds no certificate"},
      {"ForeignKey", conf(at("mqtts://b", R"(, "tls": {"cert": "FILES/a.pem", "key": "FILES/b.key"})")), "error",
       "/conf/1/tls/key", "does not belong to the certificate"},
      {"KeyOfAnotherKind", conf(at("mqtts://b", R"(, "tls": {"cert": "FILES/a.pem", "key": "FILES/rsa.key"})")),
       "error", "/conf/1/tls/key", "does not belong to the certificate"},
      {"AbsentCaOfHttp",
       conf(R"("1": {"protocol": "http", "url": "https://example.org", "tls": {"ca": "FILES/none.pem"}})"), "error",
       "/conf/1/tls/ca", "cannot be read"},
      {"NothingToPublish", R"({"uconf": {"1": {}}, )" + conf(mqtt(R"(, "serialID": "1")")).substr(1), "error",
       "/conf/1/publish", "is empty"},
      {"OnePortListenedOnTwice", conf(R"("1": {"protocol": "tcp", "mode": "server", "port": 7001},
               "2": {"protocol": "tcp", "mode": "server", "url": "0.0.0.0", "port": 7001})"),
       "error", "/conf/2/port", "channel 1 uses tcp-listen:7001:"},
      {"OneClientIdTwice",
       conf(R"("1": {"protocol": "mqtt", "url": "b"}, "2": {"protocol": "mqtt", "url": "mqtt://b:1883"})"), "error",
       "/conf/2/clientID", "channel 1 uses mqtt-client:"},
      {"PortTheBoardLacks", R"({"uconf": {"7": {}}})", "error", "/uconf/7", "no port \"7\": it has 1"},
      {"DirectionPinNobodyHas", R"({"uconf": {"1": {}}, "direction_pin": {"1": {"GPIOn": 77, "direction": 1}}})",
       "error", "/direction_pin/1/GPIOn", "no output pin 77: it has 3"},
      {"DirectionPinThatIsAnInput", R"({"uconf": {"1": {}}, "direction_pin": {"1": {"GPIOn": 4, "direction": 1}}})",
       "error", "/direction_pin/1/GPIOn", "no output pin 4: it has 3"},
      {"DirectionPinOfAPortTheBoardLacks", R"({"uconf": {"1": {}}, "direction_pin": {"7": {"GPIOn": 3}}})", "error",
       "/direction_pin/7", "the board has no port \"7\": it has 1; this entry has no effect"},
      {"DirectionPinOfAPortOfALargerBoard",
       R"({"uconf": {"1": {}}, "direction_pin": {"1": {"GPIOn": 3}, "7": {"GPIOn": 4}}})", "warning",
       "/direction_pin/7", "the board has no port \"7\": it has 1; this entry has no effect"},
      {"DirectionPinOfAPortWithoutSettings", R"({"direction_pin": {"1": {"GPIOn": 3}}})", "warning", "/direction_pin/1",
       "uconf has no port \"1\": it has none; this entry has no effect"},
      {"OpenPlaceholderInClientId", conf(mqtt(R"(, "clientID": "{imei")")), "error", "/conf/1/clientID",
       "\"{imei\" has the placeholder {imei without its closing brace: give {imei}"},
      {"OpenPlaceholderInTopic", conf(mqtt(R"(, "publish": {"0": "a/{imei/up"})")), "error", "/conf/1/publish/0",
       "without its closing brace"},
      {"OpenPlaceholderInFilter", conf(mqtt(R"(, "subscribe": {"0": {"topic": "a/{iccid"}})")), "error",
       "/conf/1/subscribe/0/topic", "without its closing brace"},
      {"OpenPlaceholderInWill", conf(mqtt(R"(, "will": {"topic": "gone", "payload": "{ver, bye"})")), "error",
       "/conf/1/will/payload", "without its closing brace"},
      {"OpenPlaceholderInReg", R"({"reg": "id {imei"})", "error", "/reg", "without its closing brace"},
      {"OpenPlaceholderInPing", conf(R"("1": {"protocol": "udp", "url": "b", "port": 1, "ping": "{csq"})"), "error",
       "/conf/1/ping", "without its closing brace"},
      {"OddHexInPing", conf(R"("1": {"protocol": "tcp", "url": "b", "port": 1, "ping": "0x123"})"), "error",
       "/conf/1/ping", "\"0x123\" begins with 0x and goes on with something else than an even number"},
      {"NoHexInReg", R"({"reg": "0x12g4"})", "error", "/reg", "begins with 0x and goes on with something else"},
      {"OddHexInRegOfAChannel", conf(mqtt(R"(, "reg": "0x1")")), "error", "/conf/1/reg", "begins with 0x"},
      {"HostOfAcquireUrl", R"({"acquire_url": "https://a..b/p?key=sesame"})", "error", "/acquire_url",
       "\"https://a..b/p?***\" is not allowed: the host has nothing between two dots"},
      {"PortOfAcquireUrl", R"({"acquire_url": "http://h:99999/x"})", "error", "/acquire_url",
       "\"http://h:99999/x\" is not allowed: the port must be a number from 1 to 65535"},
      {"SpaceInAcquireUrl", R"({"acquire_url": "http://h/a b"})", "error", "/acquire_url", "percent-encoded"},
      {"NoServerToAcquireFrom", R"({"service_acquire": 1})", "warning", "/acquire_url",
       "is empty: service_acquire is 1, and has no server to ask"},
      {"PortInTcpUrl", conf(R"("1": {"protocol": "tcp", "url": "10.0.0.1:7000", "port": 7000})"), "error",
       "/conf/1/url",
       "\"10.0.0.1:7000\" is not allowed; only a host name or address is allowed; the port goes into \"port\""},
      {"PortInUdpUrl", conf(R"("1": {"protocol": "udp", "url": "[::1]:7000", "port": 7000})"), "error", "/conf/1/url",
       "\"[::1]:7000\" is not allowed; only a host name or address is allowed; the port goes into \"port\""},
      {"PathInBroker", conf(at("mqtt://10.0.0.1/a")), "error", "/conf/1/url",
       "url \"mqtt://10.0.0.1/a\": a broker is a host and a port: leave out what follows them"},
      {"NoPort", conf(R"("1": {"protocol": "tcp", "url": "a"})"), "error", "/conf/1/port",
       "missing: give a whole number from 1 to 65535"},
      {"PortZero", conf(R"("1": {"protocol": "tcp", "url": "a", "port": 0})"), "error", "/conf/1/port",
       "0 is not allowed: give a whole number from 1 to 65535"},
      {"NoUrl", conf(R"("1": {"protocol": "tcp", "port": 1})"), "error", "/conf/1/url", "missing: give a text"},
      {"TwoPins", R"({"pins": ["3", "4"]})", "error", "/pins",
       "a list of 2 entries is not allowed: give a list of 3 entries"},
      {"PinTwice", R"({"pins": ["3", "4", "3"]})", "warning", "/pins/2", "pin 3 is that of pins/0 already"},
      {"OtaOfTwo", R"({"ota": ["a", "b"]})", "error", "/ota",
       "a list of 2 entries is not allowed: give a whole number"},
      {"LengthOverMax", R"({"uconf": {"1": {"packet": {"length": 5000, "max": 100}}}})", "warning",
       "/uconf/1/packet/length", "5000 is more than max (100): a message ends after max bytes"},
      {"PingOfTcpWithoutHeartbeat", conf(R"("1": {"protocol": "tcp", "url": "b", "port": 1, "ping": "x"})"), "warning",
       "/conf/1/heartbeat", "is 0, so ping is never sent"},
      {"PingOfUdpWithoutHeartbeat", conf(R"("1": {"protocol": "udp", "url": "b", "port": 1, "ping": "x"})"), "warning",
       "/conf/1/heartbeat", "is 0, so ping is never sent"},
      {"ReconnectOfMqtt", conf(mqtt(R"(, "reconnect": {"min_ms": 5000, "max_ms": 100})")), "warning",
       "/conf/1/reconnect/max_ms", "is less than min_ms: min_ms is used for both"},
      {"ReconnectOfHttp", conf(R"("1": {"protocol": "http", "url": "http://b",
        "reconnect": {"min_ms": 5000, "max_ms": 100}})"),
       "warning", "/conf/1/reconnect/max_ms", "is less than min_ms"},
      {"PasswordWithoutUser", conf(mqtt(R"(, "password": "sesame")")), "warning", "/conf/1/username",
       "MQTT 3.1.1 allows no password without a user name"},
      {"TopicId99", conf(mqtt(R"(, "publish": {"99": "up"})")), "error", "/conf/1/publish/99",
       "is not allowed as a key: give a text (1 to 15 characters, not 99)"},
      {"RequestId99", conf(R"("1": {"protocol": "http", "request": {"99": {"url": "http://h"}}})"), "error",
       "/conf/1/request/99", "give a text (1 to 15 letters, digits, dots, - and _, not 99)"},
      {"PinNobodyHas", R"({"pins": ["3", "77", ""]})", "warning", "/pins/1", "no pin 77: it has 3, 4"},
      {"Qos2InAKeptSession", conf(mqtt(R"(, "qos": 2, "cleanSession": false, "publish": {"0": "up"})")), "warning",
       "/conf/1/cleanSession", "QoS 1 is used"},
      {"StorageWithQos0", conf(mqtt(R"(, "offline_storage": "on", "publish": {"0": "up"})")), "warning", "/conf/1/qos",
       "offline_storage"},
  };
}

class Checks : public testing::TestWithParam<Wrong> {
 protected:
  void SetUp() override {
    const bool uses_files = GetParam().device.find("FILES") != std::string::npos;
    if (uses_files) make_files();
    dtud.hal(R"({"type": "linux", "ports": {"1": {"device": ")" + pty.device() +
             R"("}}, "gpio": {"3": {"chip": "/dev/null", "line": 1, "direction": "out"},
                              "4": {"chip": "/dev/null", "line": 2}}})");
  }
  void make_files() const {
    for (const char* name : {"a", "b"})
      openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
               "-subj", std::string("/CN=") + name, "-keyout", file(std::string(name) + ".key"), "-out",
               file(std::string(name) + ".pem")});
    openssl({"genpkey", "-algorithm", "RSA", "-out", file("rsa.key")});
    write_file(file("text"), "this is no certificate\n");
  }
  [[nodiscard]] std::string file(const std::string& name) const { return dtud.path(name); }
  static void openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "/usr/bin/openssl");
    const Ran ran = run(arguments);
    if (ran.status != 0) throw std::runtime_error(ran.output);
  }
  [[nodiscard]] std::string device() const {
    std::string text = GetParam().device;
    for (size_t at = 0; (at = text.find("FILES", at)) != std::string::npos;)
      text.replace(at, 5, file("").substr(0, file("").size() - 1));
    return text;
  }

  Pty pty;
  Dtud dtud;
};

TEST_P(Checks, FindIt) {
  const Ran ran = dtud.device(device()).check();
  EXPECT_THAT(ran.output, HasSubstr(std::string(GetParam().severity) + ": " + GetParam().path + ": "));
  EXPECT_THAT(ran.output, HasSubstr(GetParam().words));
  EXPECT_THAT(ran.output, Not(HasSubstr("sesame")));
  EXPECT_EQ(ran.status, GetParam().severity == std::string("error") ? 1 : 0) << ran.output;
}

TEST_P(Checks, ASetFindsItToo) {
  dtud.start();
  const HttpAnswer put = dtud.put("/v1/config", device());
  const bool error = GetParam().severity == std::string("error");
  EXPECT_EQ(put.status, error ? 409 : 200) << put.body;
  EXPECT_THAT(put.body, HasSubstr(GetParam().path));
  EXPECT_THAT(put.body, Not(HasSubstr("sesame")));
}

INSTANTIATE_TEST_SUITE_P(E2e, Checks, testing::ValuesIn(all_wrong()),
                         [](const auto& info) { return std::string(info.param.name); });

// Every kind of channel finds a host that can be none, and leaves the others alone.
TEST(CheckOfHosts, NamesTheHostAndWhatIsAllowed) {
  struct Host {
    std::string name, words;  // "": it is right
  };
  const std::string label(63, 'a');
  const std::vector<Host> hosts{
      {"a..b", "has nothing between two dots"},
      {".a", "has nothing between two dots"},
      {"a.-b", "begins with -"},
      {"a;b", "no host name has"},
      {"1.2.3.400", "no IPv4 address"},
      {label + "a.b", "has 64 characters between two dots: at most 63"},
      {label + "." + label + "." + label + "." + label, "253"},
      {"a b", ""},  // in words of each channel's own
      {label + ".b", ""},
      {"a_b.example.", ""},
      {"10.0.0.1", ""},
  };
  struct Kind {
    const char *before, *after;
  };
  const Kind kinds[] = {{R"("protocol": "tcp", "port": 1, "url": ")", "\""},
                        {R"("protocol": "udp", "port": 1, "url": ")", "\""},
                        {R"("protocol": "mqtt", "url": "mqtts://)", ":8883\""},
                        {R"("protocol": "http", "url": "https://)", "/up\""}};
  std::string channels;
  int id = 0;
  for (const Host& host : hosts)
    for (const Kind& kind : kinds) {
      channels += std::string(id == 0 ? "" : ", ") + "\"" + std::to_string(id + 1) + "\": {";
      channels += kind.before + host.name + kind.after + "}";
      ++id;
    }
  Dtud dtud;
  const std::string output = dtud.device(conf(channels)).check().output;
  id = 0;
  for (const Host& host : hosts)
    for (const Kind& kind : kinds) {
      ++id;
      const std::string error = "error: /conf/" + std::to_string(id) + "/url: ";
      const size_t at = output.find(error);
      const std::string line = at == std::string::npos ? "" : output.substr(at, output.find('\n', at) - at);
      SCOPED_TRACE(kind.before + host.name + " says " + line);
      EXPECT_EQ(line.empty(), host.words.empty() && host.name != "a b");
      EXPECT_THAT(line, HasSubstr(host.words));
      EXPECT_TRUE(line.empty() || line.find(host.name.substr(0, 40)) != std::string::npos);
    }
}

TEST(CheckOfABoard, ADeviceThatIsNoTtyIsAnError) {
  Dtud dtud;
  write_file(dtud.path("plain"), "");
  std::filesystem::create_directory(dtud.path("folder"));
  std::filesystem::create_symlink("/dev/zero", dtud.path("by-id"));
  const Pty pty;
  dtud.hal(R"({"type": "linux", "ports": {"1": {"device": "/dev/null"}, "2": {"device": ")" + dtud.path("plain") +
           R"("}, "3": {"device": ")" + dtud.path("folder") + R"("}, "4": {"device": ")" + dtud.path("by-id") +
           R"("}, "5": {"device": ")" + pty.device() + "\"}}}");
  const Ran ran = dtud.check();
  EXPECT_EQ(ran.status, 1) << ran.output;
  const auto says = [&](const std::string& port, const std::string& words) {
    EXPECT_THAT(ran.output, HasSubstr("error: /hal/0/ports/" + port + "/device: " + words));
  };
  says("1", "/dev/null is a device that is no tty: name a tty, such as /dev/ttyS0");
  says("2", dtud.path("plain") + " is a plain file");
  says("3", dtud.path("folder") + " is a directory");
  says("4", dtud.path("by-id") + " is a device that is no tty");
  EXPECT_THAT(ran.output, Not(HasSubstr("/hal/0/ports/5")));
}

TEST(CheckOfABoard, FindsOneDeviceTwiceUnderTwoNames) {
  Dtud dtud;
  const Pty pty;
  std::filesystem::create_symlink(pty.device(), dtud.path("by-id"));
  dtud.hal(R"({"type": "linux", "ports": {"1": {"device": ")" + pty.device() + R"("}, "2": {"device": ")" +
           dtud.path("by-id") + "\"}}}");
  const Ran ran = dtud.check();
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("error: /hal/0/ports/2/device: hal linux uses device:" + pty.device()));
}

TEST(CheckOfABoard, AnAbsentDeviceIsAWarning) {
  Dtud dtud;
  const Ran ran = dtud.hal(R"({"type": "linux", "ports": {"1": {"device": "/dev/serial/by-id/none"}}})").check();
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output,
              HasSubstr("warning: /hal/0/ports/1/device: /dev/serial/by-id/none is not there now: plug it in"));
}

TEST(CheckOfABoard, TwoHalsOfOneTypeAreStartedBoth) {
  Dtud dtud;
  const Pty a, b;
  dtud.hal(R"({"type": "linux", "ports": {"1": {"device": ")" + a.device() + "\"}}}");
  dtud.hal(R"({"type": "linux", "ports": {"2": {"device": ")" + b.device() + "\"}}}");
  dtud.device(R"({"uconf": {"1": {}, "2": {}}})");
  const Ran ran = dtud.check();
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("warning: /hal/1/type: there is a HAL of type \"linux\" already"));
  dtud.start();
  EXPECT_TRUE(dtud.port_is("1", "up"));
  EXPECT_TRUE(dtud.port_is("2", "up"));
}

TEST(CheckOfABoard, APortOfTwoHalsIsAnError) {
  Dtud dtud;
  const Pty pty;
  dtud.hal(R"({"type": "linux", "ports": {"1": {"device": ")" + pty.device() + "\"}}}");
  dtud.hal(R"({"type": "sim", "ports": {"1": {}}})");
  const Ran ran = dtud.check();
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("error: /hal/1/ports/1: hal linux has port:1 already"));
}

TEST(CheckOfABoard, WhatIsAbsentByMistakeIsNamed) {
  Dtud dtud;
  const Ran ran = dtud.hal(R"({"type": "sim", "absent": ["batery.mv"]})").check();
  EXPECT_THAT(ran.output, HasSubstr("error: /hal/0/absent: absent names batery.mv, which is neither a point nor"));
}

TEST(CheckOfABoard, OneWithoutPortsHasNone) {
  Dtud dtud;
  const Ran ran = dtud.hal(R"({"type": "sim"})").device(R"({"uconf": {"1": {}}})").check();
  EXPECT_THAT(ran.output,
              HasSubstr("warning: /uconf/1: the board has no port \"1\": it has none; this entry has no effect"));
}

// Both name the file, the value and what is allowed, in the same words.
TEST(CheckOfABoard, AStartSaysTheSame) {
  const TempDir dir;
  write_file(dir.path("plain"), "precious");
  std::filesystem::create_symlink(dir.path("plain"), dir.path("link"));
  struct Case {
    std::string member, finding;
    int start;  // its exit status; 0: it runs
  };
  const std::string plain = dir.path("plain");
  const std::string journal = ". dtud keeps its journal in a folder that it may write: ";
  const std::vector<Case> cases{
      {R"("control": {"socket": ")" + dir.root() + "\"}",
       "error: /control/socket: " + dir.root() + " is a folder: name a file in it", 3},
      {R"("control": {"socket": ")" + plain + "\"}",
       "error: /control/socket: " + plain + " is a plain file, no socket: remove it, or name another path", 3},
      {R"("control": {"socket": ")" + dir.path("link") + "\"}",
       "error: /control/socket: " + dir.path("link") + " is a link, no socket", 3},
      {R"("control": {"socket": ")" + plain + "/s\"}",
       "error: /control/socket: " + plain + " is a plain file, no folder. dtud keeps its control socket in a folder",
       3},
      {R"("state_dir": "/proc/none")",
       "error: /state_dir: /proc/none cannot be made: /proc is on a file system of the kernel, which holds no other "
       "files. dtud keeps its state in a folder that it may write: name another one",
       3},
      {R"("state_dir": "/sys")", "error: /state_dir: /sys is on a file system of the kernel", 3},
      {R"("runtime_dir": ")" + plain + "\"",
       "error: /runtime_dir: " + plain + " is a plain file, no folder" + journal + "move it away", 0},
      {R"("plugin_path": [")" + kPlugins + R"(", "/nonexistent"])",
       "warning: /plugin_path: /nonexistent: cannot be read: No such file or directory", 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.member);
    Dtud dtud;
    dtud.write_documents();
    const std::string key = c.member.substr(0, c.member.find(':'));
    std::string board = "{" + c.member;
    for (const auto& [name, value] :
         std::vector<std::pair<std::string, std::string>>{{"\"plugin_path\"", "[\"" + kPlugins + "\"]"},
                                                          {"\"state_dir\"", "\"" + dtud.path("state") + "\""},
                                                          {"\"control\"", R"({"socket": ")" + dtud.socket() + "\"}"}})
      if (name != key) board += ", " + name + ": " + value;
    write_file(dtud.path("board.json"), board + "}");
    const Ran check = run({kDtud, "--board", dtud.path("board.json"), "--check"});
    EXPECT_EQ(check.status, c.finding[0] == 'e' ? 1 : 0) << check.output;
    EXPECT_THAT(check.output, HasSubstr(c.finding));
    if (c.start != 0) {
      const Ran start = run({kDtud, "--board", dtud.path("board.json")});
      EXPECT_EQ(start.status, c.start) << start.output;
      EXPECT_THAT(start.output, HasSubstr(c.finding));
    } else {
      dtud.start();
      EXPECT_THAT(dtud.log(), HasSubstr(c.finding));
      EXPECT_EQ(dtud.stop(), 0);
    }
  }
  EXPECT_EQ(read_file(plain), "precious");
}

// The lock made a folder of the socket's name.
TEST(CheckOfABoard, ARelativeSocketIsInTheFolderThatDtudStartsIn) {
  Dtud dtud;
  const std::string folder = std::filesystem::path(dtud.socket()).parent_path().string();
  EXPECT_EQ(dtud.check().status, 0);
  dtud.process().start(
      {"/bin/sh", "-c", "cd " + folder + " && exec " + kDtud + " -b board.json -S state -s control.sock"},
      dtud.path("log"));
  EXPECT_TRUE(eventually([&] { return dtud.answers(); }));
  EXPECT_EQ(dtud.stop(), 0);
}

// What a start does not open either: it would be missed when an upgrade comes, or a reset.
TEST(CheckOfABoard, NamesTheFilesThatAreOpenedLater) {
  Dtud dtud;
  const std::string none = dtud.path("none"), text = dtud.path("text");
  write_file(text, "x");
  const auto quoted = [](const std::string& file) { return '"' + file + '"'; };
  const std::string keys = "[" + quoted(none) + ", " + quoted(text) + "]";
  dtud.board("\"plugins\": {\"keys\": " + keys + "}, \"upgrade\": {\"keys\": " + keys + R"(, "tls": {"ca": )" +
             quoted(text) + R"(, "cert": )" + quoted(none) + "}}, \"factory_file\": " + quoted(none));
  dtud.hal(R"({"type": "linux", "gpio": {"3": {"chip": )" + quoted(text) + R"(, "line": 1}}, "installers": {
    "modem": {"install": [)" +
           quoted(text) + R"(], "version_file": )" + quoted(none) + R"(},
    "other": {"install": ["/tmp"]}}})");
  const Ran check = dtud.check();
  EXPECT_EQ(check.status, 1);
  const std::string missing = ": cannot read " + none + ": No such file or directory";
  for (const std::string& finding :
       {"warning: /plugins/keys/0" + missing, "error: /plugins/keys/1: " + text + " is no PEM file",
        "warning: /upgrade/keys/0" + missing, "error: /upgrade/keys/1: " + text + " is no PEM file",
        "error: /upgrade/tls/ca: " + text + " is no PEM file", "warning: /upgrade/tls/cert" + missing,
        "warning: /factory_file" + missing, "error: /hal/0/gpio/3/chip: " + text + " is a plain file: name a GPIO chip",
        "error: /hal/0/installers/modem/install: " + text + " may be run by nobody",
        "warning: /hal/0/installers/modem/version_file: " + none + " is not there now",
        std::string("error: /hal/0/installers/other/install: /tmp is a directory, no program")})
    EXPECT_THAT(check.output, HasSubstr(finding));
}

TEST(CheckOfABoard, NoLinkIsMadeOverAFile) {
  Dtud dtud;
  write_file(dtud.path("plain"), "precious");
  std::filesystem::create_symlink("/dev/pts/none", dtud.path("old"));
  dtud.hal(R"({"type": "sim", "ports": {"1": {"link": ")" + dtud.path("plain") + R"("}, "2": {"link": ")" +
           dtud.path("none/link") + R"("}, "3": {"link": ")" + dtud.path("old") + R"("}, "4": {"link": ")" +
           dtud.path("new") + "\"}}}");
  const Ran check = dtud.check();
  EXPECT_EQ(check.status, 1) << check.output;
  const std::string taken = dtud.path("plain") + " exists and is not a link of dtud: remove it or choose another link";
  EXPECT_THAT(check.output, HasSubstr("error: /hal/0/ports/1/link: " + taken));
  EXPECT_THAT(check.output, HasSubstr("error: /hal/0/ports/2/link: the link " + dtud.path("none/link") +
                                      " cannot be created: No such file or directory"));
  EXPECT_THAT(check.output, Not(HasSubstr("ports/3")));
  EXPECT_THAT(check.output, Not(HasSubstr("ports/4")));
  dtud.start();
  EXPECT_TRUE(eventually([&] { return dtud.log().find("port 1: " + taken) != std::string::npos; }));
}

TEST(CheckOfASet, OverAChannelItIsRefusedWithPathAndReason) {
  Dtud dtud;
  TcpServer server;
  const std::string boss =
      R"("1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" + std::to_string(server.port()) + "}";
  dtud.device(R"({"password": "pw", "conf": {)" + boss + "}}");
  dtud.start();
  TcpPeer peer = server.accept();
  ASSERT_GE(peer.fd(), 0);
  ASSERT_TRUE(peer.write(R"({"msg_id": 1, "cmd_code": 59, "password": "pw", "data": {"conf": {)" + boss +
                         R"(, "2": {"protocol": "mqtt", "url": "mqtt://u:sesame@broker"}}}})"));
  const Json answer = parse_json(peer.read_until("}"));
  EXPECT_EQ(number(answer, "status"), 0) << to_json(answer);
  EXPECT_THAT(text(answer, "error"), HasSubstr("/conf/2/url"));
  EXPECT_THAT(text(answer, "error"), Not(HasSubstr("sesame")));
}

TEST(CheckOfASet, OfAnIsolatedChannelRunsInAProcessOfItsOwn) {
  Dtud dtud;
  dtud.start();
  const HttpAnswer put = dtud.put("/v1/config", R"({"conf": {"1": {"protocol": "mqtt", "url": "b", "isolate": true,
                                                             "publish": {"0": "up/#"}}}})");
  EXPECT_EQ(put.status, 409) << put.body;
  EXPECT_THAT(put.body, HasSubstr("/conf/1/publish/0"));
}

TEST(CheckOfASet, ThatCrashesInAnIsolatedChannelLeavesDtudAlone) {
  Dtud dtud;
  dtud.plugins(kPlugins + "\", \"" E2E_FAULTS);
  dtud.start();
  const HttpAnswer put = dtud.put("/v1/config", R"({"conf": {"1": {"protocol": "check-dies", "isolate": true}}})");
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_THAT(put.body, HasSubstr("the plugin could not check this configuration"));
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(CheckedStart, APortHeldByAChannelOfOursIsNotCalledAnotherProgram) {
  Dtud dtud;
  const uint16_t port = free_port();
  const std::string server = R"({"protocol": "tcp", "mode": "server", "port": )" + std::to_string(port) + "}";
  dtud.device(R"({"conf": {"1": )" + server + R"(, "2": )" + server + "}}");
  dtud.start();
  const auto says = [&] { return text(dtud.channel("1"), "error") + text(dtud.channel("2"), "error"); };
  ASSERT_TRUE(eventually([&] { return says().find("is in use") != std::string::npos; })) << says();
  EXPECT_THAT(says(), HasSubstr("another channel"));
  EXPECT_THAT(says(), Not(HasSubstr("another program")));
}

}  // namespace
}  // namespace e2e
