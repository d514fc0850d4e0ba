// What people see, to the letter.
#include "fixture.hpp"

namespace dtuctl::test {
namespace {

constexpr const char* kStatus = R"({"version": "0.1.0", "abi": "0.1", "pid": 4711, "uptime_s": 11580,
 "board_file": "/etc/dtukit/board.json", "device_file": "/var/lib/dtukit/dtu_config.json", "state_dir": "/var/lib/dtukit",
 "password": "initial", "protocol": "running", "rss_kib": 7900, "threads": 3, "instances": [
 {"name": "hal linux", "kind": "hal", "type": "linux", "plugin": "org.dtukit.hal-linux", "state": "up", "error": "",
  "restarts": 0, "lane": "main", "health": {}},
 {"name": "channel 1", "kind": "channel", "type": "mqtt", "plugin": "org.dtukit.mqtt", "state": "failed",
  "error": "broker.example.com:1883 refuses the password", "restarts": 2, "lane": "channel 1",
  "health": {"connects": 3, "broker": "broker.example.com"}}]})";

TEST_F(DtuctlTest, Status) {
  answer("status", kStatus);
  const Result r = dtuctl({"status"});
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.err, "");
  EXPECT_EQ(r.out,
            "dtud 0.1.0 (plugin ABI 0.1), process 4711, up 3 h 13 m, 7.7 MiB in 3 threads\n"
            "protocol  running\n"
            "password  initial\n"
            "board     /etc/dtukit/board.json\n"
            "device    /var/lib/dtukit/dtu_config.json\n"
            "state     /var/lib/dtukit\n"
            "\n"
            "INSTANCE   KIND     TYPE   STATE   RESTARTS  LANE\n"
            "hal linux  hal      linux  up             -  main\n"
            "channel 1  channel  mqtt   failed         2  channel 1\n"
            "channel 1: broker.example.com:1883 refuses the password\n"
            "\n"
            "HEALTH\n"
            "channel 1  connects 3, broker broker.example.com\n");
}

// The history may be destroyed during a trial: then the document on trial has no number.
TEST_F(DtuctlTest, ATrialIsShownAlsoWithoutItsRevision) {
  for (const char* revision : {"2", "0"}) {
    answer("status", R"({"threads": 1, "instances": [], "config": {"revision": )" + std::string(revision) +
                         R"(, "trial": {"revision": )" + revision +
                         R"(, "good": 1, "source": "channel 1", "changed": ["conf.1"], "seconds_left": 5}}})");
    const std::string what = *revision == '2' ? "revision 2" : "the present document";
    const Result r = dtuctl({"status"});
    EXPECT_THAT(r.out, HasSubstr("\non trial  " + what + " by channel 1 (conf.1) since "));
    EXPECT_THAT(r.out, HasSubstr("; else revision 1 comes back\n"));
  }
}

TEST_F(DtuctlTest, HealthIsShownInWordsAndInFullWidth) {
  answer("status", R"({"threads": 1, "instances": [{"name": "hal linux", "state": "up", "health": {"simulated": true,
    "last_error": null, "peers": [], "pins": [1, 2], "ports": {"1": {"device": "/dev/ttyS1", "lost_bytes": 0}}}}]})");
  const std::string words =
      "simulated yes, last error none, peers none, pins 1, 2, ports (1 (device /dev/ttyS1, lost bytes 0))";
  const Result r = dtuctl({"status"});
  EXPECT_THAT(r.out, HasSubstr(" in 1 thread\n"));
  EXPECT_THAT(r.out, HasSubstr("\nHEALTH\nhal linux  " + words + "\n"));
  Process::Setup setup;  // 80 columns
  setup.terminal = true;
  setup.environment = {"NO_COLOR=1"};
  EXPECT_THAT(dtuctl({"status"}, setup).out,
              HasSubstr("HEALTH\r\nhal linux  simulated yes, last error none, peers none, pins 1, 2, ports (1\r\n"
                        "           (device /dev/ttyS1, lost bytes 0))\r\n"));
}

TEST_F(DtuctlTest, AnErrorNamesItsPortOnce) {
  answer("ports", R"([{"id": "2", "state": "failed", "error": "port 2: no such device"}])");
  EXPECT_THAT(dtuctl({"ports"}).out, testing::EndsWith("\nport 2: no such device\n"));
}

TEST_F(DtuctlTest, ACommandIsShownWithItsArguments) {
  answer("commands", R"([{"name": "adc.query", "title": "ADC voltage", "codes": [7, 263],
    "level": "password", "provider": "command dtu", "args_schema": {"type": "object", "required": ["adcn"], "properties": {
    "adcn": {"type": "integer", "minimum": 0, "maximum": 3, "title": "Input"}, "unit": {"enum": ["mV", "V"],
    "default": "mV", "title": "Unit"}, "tag": {}}}}, {"name": "radio.csq", "title": "Signal", "codes": [],
    "level": "open", "provider": "kernel", "args_schema": null}])");
  EXPECT_EQ(dtuctl({"commands"}).out,
            "COMMAND    CODES   LEVEL     ARGUMENTS          TITLE        PROVIDER\n"
            "adc.query  7, 263  password  adcn [unit] [tag]  ADC voltage  command dtu\n"
            "radio.csq          open                         Signal       kernel\n");
  const std::string one =
      "adc.query: ADC voltage\n"
      "codes      7, 263\n"
      "level      password\n"
      "provider   command dtu\n"
      "\n"
      "ARGUMENT  TYPE          DEFAULT   MEANING\n"
      "adcn      integer 0..3  required  Input\n"
      "unit      one of mV, V  \"mV\"      Unit\n"
      "tag       any\n";
  for (const char* name : {"adc.query", "7", "0x107"}) EXPECT_EQ(dtuctl({"commands", name}).out, one) << name;
  EXPECT_THAT(dtuctl({"commands", "radio.csq"}).out, testing::EndsWith("\nno arguments\n"));
  EXPECT_EQ(dtuctl({"commands", "none"}).code, 1);
  EXPECT_THAT(dtuctl({"--json", "commands", "7"}).out, testing::StartsWith("{\"name\":\"adc.query\""));
}

TEST_F(DtuctlTest, JsonComesUnchanged) {
  answer("status", kStatus);
  EXPECT_EQ(dtuctl({"--json", "status"}).out, std::string(kStatus) + "\n");
  EXPECT_EQ(dtuctl({"status", "--json"}).out, std::string(kStatus) + "\n");
  for (const char* list : {"plugins", "commands", "points", "ports", "channels"}) {
    answer(list, "[{\"odd\" : [1,2],   \"b\":\"\\u00e4\"}]");
    EXPECT_EQ(dtuctl({"--json", list}).out, "[{\"odd\" : [1,2],   \"b\":\"\\u00e4\"}]\n") << list;
  }
}

TEST_F(DtuctlTest, Ports) {
  answer("ports", R"([{"id": "1", "device": "/dev/ttyS1", "state": "open", "error": "", "dialect": "through",
    "channels": [1, 2], "rx_bytes": 1536, "rx_messages": 12, "tx_bytes": 7, "tx_messages": 1, "queued_messages": 0,
    "queued_bytes": 0, "dropped": 0, "blocked": true}, {"id": "2", "device": "/dev/ttyUSB0", "state": "failed",
    "error": "no such device; plug it in", "dialect": "command", "channels": [], "rx_bytes": 0, "rx_messages": 0,
    "tx_bytes": 0, "tx_messages": 0, "queued_messages": 3, "queued_bytes": 300, "dropped": 5, "blocked": false}])");
  EXPECT_EQ(dtuctl({"ports"}).out,
            "PORT  STATE          DEVICE        DIALECT  CHANNELS            IN      OUT    WAITING  DROPPED\n"
            "1     open, blocked  /dev/ttyS1    through  1, 2      1.5 KiB (12)  7 B (1)          -        -\n"
            "2     failed         /dev/ttyUSB0  command                       -        -  300 B (3)        5\n"
            "port 2: no such device; plug it in\n");
}

TEST_F(DtuctlTest, PortsSayWhatTheDialectDropped) {
  answer("ports", R"([{"id": "1", "state": "up", "dialect": "command", "dialect_drops": {"bad_crc": 2, "stale": 1}},
                      {"id": "2", "state": "up", "dialect": "command", "dialect_drops": {}}])");
  const std::string out = dtuctl({"ports"}).out;
  EXPECT_THAT(out, testing::HasSubstr("port 1: dialect command dropped data 3 times: bad_crc 2, stale 1\n"));
  EXPECT_THAT(out, testing::Not(testing::HasSubstr("port 2:")));
}

TEST_F(DtuctlTest, AnArgumentHasTheTypeItsSchemaTellsInAnyWay) {
  answer("commands", R"([{"name": "x", "args_schema": {"type": "object", "properties": {
    "a": {"oneOf": [{"type": "integer"}, {"type": "array", "items": {"type": "string"}}]}, "b": {"enum": ["on", 1]},
    "c": {"type": ["integer", "string"]}, "d": {"examples": [4, 5, "pio4"]}, "e": {"default": true},
    "f": {"minimum": 1, "maximum": 5}, "g": {"properties": {}}, "h": {"allOf": [{"title": "T"}, {"type": "string"}]},
    "i": {"title": "anything"}, "j": {"items": {}}, "k": {"pattern": "^a"}}}}])");
  const std::string out = dtuctl({"commands", "x"}).out;
  for (const char* row : {"a         integer or list of string\n", "b         one of on, 1\n",
                          "c         integer or string\n", "d         integer or string\n", "f         number 1..5\n",
                          "g         object\n", "h         string\n", "j         array\n", "k         string\n"})
    EXPECT_THAT(out, testing::HasSubstr(row));
  EXPECT_THAT(out, testing::ContainsRegex("\ne +boolean +true\n"));
  EXPECT_THAT(out, testing::ContainsRegex("\ni +any +anything\n"));
}

TEST_F(DtuctlTest, Channels) {
  answer("channels", R"([{"id": 1, "type": "tcp", "state": "up", "error": "", "port": "1", "outbox": {"messages": 2,
    "bytes": 2048, "in_flight": 1, "max_messages": 4096, "max_bytes": 4194304, "overflow": "block", "delivered": 100,
    "dropped": 0, "rejected": 0, "resent": 4}, "rx_messages": 0, "rx_bytes": 0, "health": {}}])");
  EXPECT_EQ(dtuctl({"channels"}).out,
            "CHANNEL  TYPE  STATE  PORT      WAITING  UNCONFIRMED  DELIVERED  RESENT  DROPPED  REJECTED  IN\n"
            "1        tcp   up     1     2.0 KiB (2)            1        100       4        -         -   -\n");
}

TEST_F(DtuctlTest, ChannelsSayWhyMessagesWereRejectedOrDropped) {
  answer("channels", R"([{"id": 1, "type": "udp", "state": "up", "error": "", "port": "1", "outbox": {"messages": 0,
    "bytes": 0, "in_flight": 0, "delivered": 0, "unconfirmed": 7, "dropped": 2, "no_receiver": 2, "rejected": 3, "resent": 0,
    "last_rejected": {"reason": "closed", "bytes": 240}}, "rx_messages": 0, "rx_bytes": 0, "health": {}}])");
  const std::string out = dtuctl({"channels"}).out;
  EXPECT_THAT(out, testing::HasSubstr("channel 1: the last rejected message had 240 bytes: the peer closed the "
                                      "connection whenever it was sent\n"));
  EXPECT_THAT(out, testing::HasSubstr("channel 1: 2 messages dropped because no client was connected\n"));
  EXPECT_THAT(out, testing::HasSubstr("channel 1: 7 messages sent without confirmation: this protocol has none\n"));
}

TEST_F(DtuctlTest, Plugins) {
  answer("plugins", R"([{"file": "/p/channel-tcp.so", "id": "org.dtukit.tcp", "version": "1.0.0", "vendor": "dtukit",
    "license": "Apache-2.0", "abi": "0.1", "loaded": true, "state": "loaded", "error": "", "components": [{"kind": "channel", "type": "tcp",
    "title": "TCP"}, {"kind": "channel", "type": "tcps", "title": "TCP over TLS"}]},
    {"file": "/p/bad.so", "id": "", "version": "", "vendor": "", "license": "", "abi": "", "loaded": false, "state": "refused",
    "error": "writable by everybody; chmod go-w it", "components": []}])");
  EXPECT_EQ(dtuctl({"plugins"}).out,
            "PLUGIN          VERSION  VENDOR  ABI  STATE    OFFERS                    FILE\n"
            "org.dtukit.tcp  1.0.0    dtukit  0.1  loaded   channel:tcp channel:tcps  /p/channel-tcp.so\n"
            "                                      refused                            /p/bad.so\n"
            "/p/bad.so: writable by everybody; chmod go-w it\n");
}

TEST_F(DtuctlTest, PluginsThatFailed) {
  answer("plugins", R"([{"file": "/p/a.so", "id": "org.a", "state": "available", "error": "", "note": "", "signature":
    {"state": "good", "key": "00112233aabbccdd"}, "components": []}, {"file": "/p/b.so", "state": "quarantined", "error":
    "/p/b.so: is quarantined: died of signal 6", "signature": {"state": "none"}, "components": []}])");
  const Result failed = dtuctl({"plugins", "--failed"});
  EXPECT_EQ(failed.code, 1);
  EXPECT_EQ(failed.out,
            "STATE        SIGNED BY  FILE\nquarantined  unsigned   /p/b.so\n"
            "/p/b.so: is quarantined: died of signal 6\n");
  EXPECT_EQ(dtuctl({"plugins"}).code, 0);
  EXPECT_THAT(dtuctl({"plugins"}).out, HasSubstr("not used"));
  EXPECT_THAT(dtuctl({"plugins"}).out, HasSubstr("00112233aabbccdd"));
  EXPECT_THAT(dtuctl({"--json", "plugins", "--failed"}).out, testing::StartsWith("[{"));
  answer("plugins", R"([{"file": "/p/a.so", "state": "loaded", "error": "", "components": []}])");
  EXPECT_EQ(dtuctl({"plugins", "--failed"}).code, 0);
  EXPECT_EQ(dtuctl({"--json", "plugins", "--failed"}).out, "[]\n");
}

TEST_F(DtuctlTest, InspectAPluginAndAskWhetherItIsThere) {
  answer("component org.a", R"({"error": "no such type"})", 404);
  answer("plugin org.a", R"([{"file": "/p/a.so", "id": "org.a", "version": "1.10.0", "vendor": "A", "license": "MIT",
    "abi": "0.1", "state": "quarantined", "error": "/p/a.so: is quarantined: x", "note": "", "sha256": "00ff",
    "signature": {"state": "unknown", "key": "1", "text": "it is signed by key 1, which is none of the keys"},
    "quarantine": {"reason": "x", "count": 3, "time_ns": 0}, "components": [{"kind": "channel", "type": "a", "title": "A",
    "caps": [], "interfaces": ["dtu.channel/1"], "dialects": [], "schema": {"type": "object"}}]}])");
  const std::string out = dtuctl({"inspect", "org.a"}).out;
  EXPECT_THAT(out, testing::StartsWith("org.a 1.10.0\nfile        /p/a.so\n"));
  for (const char* words : {"SHA-256     00ff", "signature   it is signed by key 1", "quarantine  x, 3 times",
                            "channel a: A", "no configuration"})
    EXPECT_THAT(out, HasSubstr(words));
  EXPECT_EQ(dtuctl({"inspect", "org.a", "--exists"}).code, 1);
  answer("plugin org.b", R"([{"file": "/p/b.so", "id": "org.b", "version": "1.10.0", "error": "", "components": []}])");
  EXPECT_EQ(dtuctl({"inspect", "org.b", "--exists"}).code, 0);
  EXPECT_EQ(dtuctl({"inspect", "org.b", "--exists"}).out, "");
  EXPECT_EQ(dtuctl({"inspect", "org.b", "--atleast-version", "1.9"}).code, 0);
  EXPECT_EQ(dtuctl({"inspect", "org.b", "--atleast-version", "1.10.1"}).code, 1);
}

TEST_F(DtuctlTest, CommandsAndPoints) {
  answer("commands", R"([{"name": "radio.csq", "title": "Signal strength", "codes": [3, 259],
    "level": "open", "provider": "command dtu", "args_schema": null}, {"name": "config.set", "title": "Store", "codes": [],
    "level": "password", "provider": "dtud"}])");
  EXPECT_EQ(dtuctl({"commands"}).out,
            "COMMAND     CODES   LEVEL     TITLE            PROVIDER\n"
            "radio.csq   3, 259  open      Signal strength  command dtu\n"
            "config.set          password  Store            dtud\n");
  answer("points", R"([{"name": "battery.mv", "unit": "mV", "title": "Battery", "writable": false, "provider": "hal x"},
    {"name": "gpio.4", "unit": "", "title": "Pin", "writable": true, "provider": "hal x"}])");
  EXPECT_EQ(dtuctl({"points"}).out,
            "POINT       UNIT  ACCESS       TITLE    PROVIDER\n"
            "battery.mv  mV    read         Battery  hal x\n"
            "gpio.4            read, write  Pin      hal x\n");
}

TEST_F(DtuctlTest, EmptyListsSayWhatToDo) {
  for (const char* list : {"plugins", "commands", "points", "ports", "channels"}) {
    answer(list, "[]");
    const Result r = dtuctl({list});
    EXPECT_EQ(r.code, 0);
    EXPECT_THAT(r.out, testing::StartsWith("no " + std::string(list))) << list;
  }
  answer("ports", "[]");
  EXPECT_THAT(dtuctl({"ports"}).out, HasSubstr("see uconf in the device document"));
}

TEST_F(DtuctlTest, Inspect) {
  answer("component mqtt", R"([{"kind": "channel", "type": "mqtt", "title": "MQTT broker", "plugin": "org.dtukit.mqtt",
    "caps": ["topics"], "interfaces": ["dtu.channel/1"], "dialects": [], "schema": {"type": "object",
    "required": ["host"], "properties": {"host": {"type": "string", "description": "Name or address"},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 1883, "title": "Port"},
    "tls": {"type": "object", "properties": {"verify": {"enum": ["full", "none"], "default": "full"}}}}}}])");
  EXPECT_EQ(dtuctl({"inspect", "mqtt"}).out,
            "channel mqtt: MQTT broker\n"
            "plugin      org.dtukit.mqtt\n"
            "interfaces  dtu.channel/1\n"
            "abilities   topics\n"
            "\n"
            "PROPERTY    TYPE               DEFAULT   MEANING\n"
            "host        string             required  Name or address\n"
            "port        integer 1..65535   1883      Port\n"
            "tls         object\n"
            "tls.verify  one of full, none  \"full\"\n");
}

TEST_F(DtuctlTest, HostileTextCannotSteerTheTerminal) {
  answer("ports", R"([{"id": "1", "state": "up", "error": "\u001b]0;gotcha\u0007\u009b31m\u202e"}])");
  EXPECT_EQ(dtuctl({"ports"}).out,
            "PORT  STATE  IN  OUT  WAITING  DROPPED\n1     up      -    -        -        -\n"
            "port 1: \\x1b]0;gotcha\\x07\\xc2\\x9b31m\\xe2\\x80\\xae\n");
}

TEST_F(DtuctlTest, WideCharactersStayInTheirColumns) {
  answer("points",
         R"([{"name": "a", "title": "温度", "provider": "x"}, {"name": "b", "title": "T", "provider": "y"}])");
  EXPECT_EQ(dtuctl({"points"}).out,
            "POINT  ACCESS  TITLE  PROVIDER\na      read    温度   x\nb      read    T      y\n");
}

TEST_F(DtuctlTest, ColoursOnlyOnATerminalAndNotWithNoColor) {
  answer("ports", R"([{"id": "1", "state": "failed", "error": "gone"}])");
  Process::Setup setup;
  setup.terminal = true;
  EXPECT_THAT(dtuctl({"ports"}, setup).out, HasSubstr("\x1b[31mfailed\x1b[0m"));
  setup.environment = {"NO_COLOR=1"};
  EXPECT_THAT(dtuctl({"ports"}, setup).out, testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(dtuctl({"ports"}).out, testing::Not(HasSubstr("\x1b")));
}

TEST_F(DtuctlTest, OnATerminalALongLineIsCutToItsWidth) {
  answer("points", R"([{"name": "a", "title": "T", "provider": ")" + std::string(200, 'p') + "\"}]");
  Process::Setup setup;
  setup.terminal = true;
  setup.environment = {"NO_COLOR=1"};
  EXPECT_THAT(dtuctl({"points"}, setup).out, HasSubstr("a      read    T      " + std::string(57, 'p') + "…\r\n"));
  EXPECT_THAT(dtuctl({"points"}).out, HasSubstr(std::string(200, 'p') + "\n"));
}

TEST_F(DtuctlTest, Metrics) {
  const std::string text = "# HELP dtud_asked_total Questions\n# TYPE dtud_asked_total counter\ndtud_asked_total 1\n";
  EXPECT_THAT(dtuctl({"metrics"}).out, testing::StartsWith(text));
  const std::string file = dir_.file("dtukit.prom");
  for (int i = 0; i < 2; ++i) {  // also over an older one
    EXPECT_EQ(dtuctl({"metrics", "--output", file}).out, "");
    std::ifstream in(file);
    EXPECT_THAT(std::string(std::istreambuf_iterator<char>(in), {}), testing::StartsWith(text));
  }
  EXPECT_EQ(dtuctl({"metrics", "-o", dir_.file("no/folder.prom")}).code, 1);
}

TEST_F(DtuctlTest, AFullDiskIsNoticed) {
  Process::Setup setup;
  setup.output = "/dev/full";
  const Result r = dtuctl({"metrics"}, setup);
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.err, HasSubstr("cannot write the output: No space left on device"));
}

}  // namespace
}  // namespace dtuctl::test
