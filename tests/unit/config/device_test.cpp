// dtu_config.json as a whole.
#include <dtu/ports.h>
#include <gmock/gmock.h>

#include "fixture.hpp"

namespace dtud::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Device, TheVendorsSampleIsReadWithoutAFinding) {
  const auto d = device(kSample);
  EXPECT_EQ(d.said, "");
  ASSERT_TRUE(d.config);
  EXPECT_EQ(d.config->work_mode, "command");
  EXPECT_EQ(d.config->password, "123");
  EXPECT_TRUE(d.config->auto_connect);
  EXPECT_EQ(d.config->confirm_s, 120U);
  ASSERT_EQ(d.config->ports.size(), 2U);
  EXPECT_EQ(d.config->ports[1].baud, 115200U);
  EXPECT_EQ(d.config->ports[1].mode, "command");
  ASSERT_EQ(d.config->channels.size(), 6U);
  const auto& tcp = d.config->channels[1];
  EXPECT_EQ(tcp.id, 2U);
  EXPECT_EQ(tcp.type, "tcp");
  EXPECT_EQ(tcp.port, "2");
  EXPECT_EQ(tcp.outbox.messages, 4096U);
  EXPECT_EQ(tcp.outbox.storage, Storage::off);
  EXPECT_EQ(
      tcp.json,
      R"({"heartbeat":30,"keepAlive":300,"max_message":0,"mode":"client","offline_storage":"off","outbox":{"bytes":4194304,"disk_bytes":16777216,"disk_messages":1000000,)"
      R"("messages":4096,"overflow":"auto"},"ping":"","port":8305,"protocol":"tcp","psk":"","reg":1,"reg_on":"connect",)"
      R"("serialID":"2","uplink":"json","url":"192.0.2.10"})");
  EXPECT_TRUE(d.config->skipped.empty());
}

TEST(Device, WithoutPluginsEachChannelHasOneError) {
  Installed installed;
  for (const char* type : {"http", "aliyun", "txyun", "quecthing"}) installed.channels.erase(type);
  const auto d = device(kSample, installed);
  EXPECT_EQ(d.said,
            "d.json:3:19: error: /conf/1/protocol: no plugin offers channel type \"http\": installed are mqtt, tcp\n"
            "d.json:7:19: error: /conf/4/protocol: no plugin offers channel type \"aliyun\": installed are mqtt, tcp\n"
            "d.json:9:19: error: /conf/5/protocol: no plugin offers channel type \"txyun\": installed are mqtt, tcp\n"
            "d.json:11:19: error: /conf/6/protocol: no plugin offers channel type \"quecthing\": installed are mqtt, "
            "tcp\n");
  ASSERT_TRUE(d.config);
  EXPECT_THAT(skipped(*d.config), ElementsAre(1, 4, 5, 6));
  EXPECT_EQ(d.config->channels.size(), 2U);
}

TEST(Device, NothingInstalledIsSaid) {
  Installed installed;
  installed.channels.clear();
  EXPECT_EQ(device(R"({"conf": {"1": {"protocol": "tcp"}}})", installed).said,
            "d.json:1:29: error: /conf/1/protocol: no plugin offers channel type \"tcp\": none is installed\n");
}

TEST(Device, AnEmptyDocumentHasTheDefaults) {
  const auto d = device("{}");
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(d.said, "");
  EXPECT_EQ(
      d.config->scalars_json,
      R"({"convert":0,"events":[],"message":{},"modbus":{"groups":[],"poll":[]},"plate":0,"reply":"full","work_mode":"command"})")
      << "what is not for dialects must not give the ports new sessions when it changes";
  const DeviceConfig& c = *d.config;
  EXPECT_EQ(c.work_mode, "command");
  EXPECT_EQ(c.password + c.version, "");
  EXPECT_TRUE(c.auto_connect);
  EXPECT_FALSE(c.quiet) << "the log is on until nolog says 0";
  EXPECT_FALSE(device(R"({"nolog": ""})").config->quiet) << "blank: as if it were left out";
  EXPECT_EQ(c.confirm_s, 120U);
  EXPECT_TRUE(c.ports.empty());
  EXPECT_TRUE(c.channels.empty());
  EXPECT_EQ(c.pins, PinsConfig{});
  EXPECT_EQ(c.apn, ApnConfig{});
}

TEST(Device, APortHasDefaults) {
  const auto d = device(R"({"uconf": {"1": {}}, "direction_pin": {"1": {"GPIOn": 4}}})");
  ASSERT_TRUE(d.config) << d.said;
  const PortConfig& port = d.config->ports.at(0);
  EXPECT_EQ(port.baud, 115200U);
  EXPECT_EQ(port.databits, 8U);
  EXPECT_EQ(port.parity, 0U);
  EXPECT_EQ(port.stopbits, 1U);
  EXPECT_EQ(port.flow, 0U);
  EXPECT_EQ(port.at_open.mask + port.at_close.mask, 0U) << "DTR and RTS stay as they are";
  EXPECT_EQ(port.gap_ms, 0U);
  EXPECT_FALSE(port.echo);
  EXPECT_EQ(port.mode, "command");
  EXPECT_EQ(port.direction_level, 1U);
  EXPECT_EQ(port.packet.idle_chars + port.packet.length, 0U);
  EXPECT_EQ(port.packet.delimiter, "");
  EXPECT_EQ(port.packet.max, 4096U);
  EXPECT_THAT(port.json, AllOf(HasSubstr(R"("crc":"zlib")"), HasSubstr(R"("frame_idle_ms":0)")));
}

TEST(Device, AChannelHasDefaults) {
  const auto d = device(R"({"uconf": {"1": {}}, "conf": {"1": {"protocol": "mqtt", "isolate": true}}})");
  ASSERT_TRUE(d.config) << d.said;
  const ChannelConfig& channel = d.config->channels.at(0);
  EXPECT_EQ(channel.port, "");
  EXPECT_FALSE(channel.registration);
  EXPECT_EQ(channel.outbox.messages, 4096U);
  EXPECT_EQ(channel.outbox.bytes, 4U << 20U);
  EXPECT_EQ(channel.outbox.disk_bytes, 16U << 20U);
  EXPECT_EQ(channel.outbox.disk_messages, 1'000'000U);
  EXPECT_EQ(channel.outbox.overflow, Overflow::automatic);
  EXPECT_EQ(channel.outbox.storage, Storage::off);
  ASSERT_TRUE(channel.isolate);
  EXPECT_EQ(channel.isolate->memory_mb, 64U);
  EXPECT_EQ(channel.isolate->stall_s, 0U);
  EXPECT_THAT(channel.json, HasSubstr(R"("uplink":"json")"));
}

TEST(Device, ModbusHasDefaults) {
  const auto d =
      device(R"({"modbus": {"groups": [{}], "poll": [{"slave": 1, "function": 3, "address": 0, "period_ms": 1000}]}})");
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_THAT(d.config->scalars_json, AllOf(HasSubstr(R"({"device_model":"","device_type":"","slave_address":[]})"),
                                            HasSubstr(R"("count":1)"), HasSubstr(R"("on_change":false)")));
}

TEST(Device, BrokenJsonIsNoDocument) {
  const auto d = device("{\"conf\": {},}");
  EXPECT_FALSE(d.config);
  EXPECT_EQ(d.said, "d.json:1:12: error: a comma before }: remove it\n");
}

TEST(Device, AWrongKeyOfTheWholeDeviceIsNoDocument) {
  const auto d = device(R"({"plate": 2, "auto_connect": "maybe",
 "apn": ["a"], "reg": [7], "conf": {"1": {"protocol": "tcp", "url": "", "port": 99999}}})");
  EXPECT_FALSE(d.config);
  EXPECT_EQ(
      d.said,
      "d.json:1:11: error: /plate: 2 is not allowed: give a whole number from 0 to 1\n"
      "d.json:1:30: error: /auto_connect: \"maybe\" is not allowed: give true or false\n"
      "d.json:2:9: error: /apn: a list of 1 entry is not allowed: give a list of 3 entries\n"
      "d.json:2:23: error: /reg: a list is not allowed: give a whole number from 0 to 1, or a text of at most 1024 "
      "characters\n"
      "d.json:2:69: error: /conf/1/url: empty: give a text of 1 to 253 characters\n"
      "d.json:2:81: error: /conf/1/port: 99999 is not allowed: give a whole number from 1 to 65535\n");
}

TEST(Device, AnUnknownKeyIsAnErrorButTheDeviceComesUp) {
  const auto d = device(R"({"pasword": "hunter2", "uconf": {"1": {"baudrat": 9600}}})");
  EXPECT_EQ(d.said,
            "d.json:1:2: error: /pasword: unknown key: did you mean \"password\"?\n"
            "d.json:1:40: error: /uconf/1/baudrat: unknown key: did you mean \"baudrate\"?\n");
  EXPECT_TRUE(has_errors(d.findings));
  ASSERT_TRUE(d.config);
  EXPECT_EQ(d.config->scalars_json.find("hunter2"), std::string::npos);
}

TEST(Device, AChannelWithWrongSettingsIsSkippedAlone) {
  const auto d = device(R"({"conf": {
  "1": {"protocol": "tcp", "url": "a", "port": "70000", "ulr": "b"},
  "2": {"protocol": "tcp", "url": "a", "port": "7000"},
  "3": {"url": "a"},
  "4": 5,
  "5": {"protocol": "tcp", "url": "a", "port": 1, "outbox": {"messages": 0, "overflow": "drop"}}}})");
  EXPECT_EQ(d.said,
            "d.json:2:48: error: /conf/1/port: 70000 is not allowed: give a whole number from 1 to 65535\n"
            "d.json:2:57: error: /conf/1/ulr: unknown key: did you mean \"url\"?\n"
            "d.json:4:8: error: /conf/3/protocol: missing: give a text of 1 to 64 characters\n"
            "d.json:5:8: error: /conf/4: 5 is not allowed: give an object { ... }\n"
            "d.json:6:74: error: /conf/5/outbox/messages: 0 is not allowed: give a whole number from 1 to 1000000\n"
            "d.json:6:89: error: /conf/5/outbox/overflow: \"drop\" is not allowed: give one of \"auto\", \"block\", "
            "\"drop-oldest\", \"drop-newest\"\n");
  ASSERT_TRUE(d.config);
  EXPECT_THAT(skipped(*d.config), ElementsAre(1, 3, 4, 5));
  ASSERT_EQ(d.config->channels.size(), 1U);
  EXPECT_EQ(d.config->channels[0].id, 2U);
}

TEST(Device, ChannelIdsAreOneToNinetyEight) {
  const auto d = device(R"({"conf": {"98": {"protocol": "mqtt"}, "99": {"protocol": "mqtt"},
  "0": {"protocol": "mqtt"}, "01": {"protocol": "mqtt"}, "main": {"protocol": "mqtt"}, "": {"protocol": "mqtt"}}})");
  EXPECT_EQ(
      d.said,
      "d.json:1:39: error: /conf/99: \"99\" is no channel id: frames for the DTU itself begin with it; give a number "
      "from 1 to 98\n"
      "d.json:2:3: error: /conf/0: \"0\" is no channel id; give a number from 1 to 98\n"
      "d.json:2:30: error: /conf/01: \"01\" is no channel id; give a number from 1 to 98\n"
      "d.json:2:58: error: /conf/main: \"main\" is no channel id; give a number from 1 to 98\n"
      "d.json:2:88: error: /conf/: \"\" is no channel id; give a number from 1 to 98\n");
  ASSERT_TRUE(d.config);
  EXPECT_EQ(d.config->channels.size(), 1U);
}

TEST(Device, TopicIdNinetyNineIsRefused) {
  const auto d =
      device(R"({"conf": {"1": {"protocol": "mqtt", "publish": {"0": "a", "99": "b"}, "subscribe": {"99": "c"}}}})");
  EXPECT_EQ(d.said,
            "d.json:1:59: error: /conf/1/publish/99: 99 is no topic id: frames for the DTU itself begin with it\n"
            "d.json:1:85: error: /conf/1/subscribe/99: 99 is no topic id: frames for the DTU itself begin with it\n");
  EXPECT_THAT(skipped(*d.config), ElementsAre(1));
}

TEST(Device, TheProtocolMayBeInCapitals) {
  const auto d = device(R"({"conf": {"1": {"protocol": "MQTT"}}})");
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(d.config->channels.at(0).type, "mqtt");
  EXPECT_THAT(d.config->channels[0].json, HasSubstr(R"("protocol":"mqtt")"));
}

TEST(Device, ChannelsInheritFromTheDocument) {
  const auto d = device(R"({"reg": "hi {imei}", "offline_storage": 1, "conf": {
    "1": {"protocol": "mqtt"},
    "2": {"protocol": "mqtt", "reg": 0, "offline_storage": "ALWAYS", "uplink": "raw",
          "outbox": {"messages": "10", "bytes": "2048", "overflow": "drop-newest"}}}})");
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(d.said, "");
  EXPECT_EQ(d.config->channels[0].outbox.storage, Storage::on);
  EXPECT_THAT(d.config->channels[0].json,
              AllOf(HasSubstr(R"("reg":"hi {imei}")"), HasSubstr(R"("offline_storage":"on")")));
  EXPECT_EQ(d.config->channels[1].outbox.storage, Storage::always);
  EXPECT_EQ(d.config->channels[1].outbox.overflow, Overflow::drop_newest);
  EXPECT_EQ(d.config->channels[1].outbox.messages, 10U);
  EXPECT_EQ(d.config->channels[1].outbox.bytes, 2048U);
  EXPECT_THAT(d.config->channels[1].json, AllOf(HasSubstr(R"("reg":0)"), HasSubstr(R"("offline_storage":"always")")));
}

TEST(Device, PortsInAllTheirForms) {
  const auto d = device(R"({"uconf": {
    "10": {"baudrate": 9600, "databits": "7", "parity": "EVENT", "stopbits": 2, "flowctl": "1", "mode": "raw",
           "crc": "mpeg2", "frame_idle_ms": "50",
           "packet": {"idle_chars": "4", "length": 128, "delimiter": "0x0D0a", "max": 512}},
    "2": {"parity": "Odd", "packet": {"delimiter": "\r\n"}},
    "usb": {"parity": 1, "mode": "THROUGH"},
    "x1": {"parity": "mark", "stopbits": 1.5, "databits": 5}, "x2": {"parity": "Space", "stopbits": "2"}}})");
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(d.said, "");
  const auto& ports = d.config->ports;
  ASSERT_EQ(ports.size(), 5U);
  EXPECT_EQ(ports[0].id, "2");
  EXPECT_EQ(ports[0].parity, 2U);
  EXPECT_EQ(ports[0].packet.delimiter, "\r\n");
  EXPECT_EQ(ports[1].id, "10");
  EXPECT_EQ(ports[1].baud, 9600U);
  EXPECT_EQ(ports[1].databits, 7U);
  EXPECT_EQ(ports[1].parity, 1U);
  EXPECT_EQ(ports[1].stopbits, 2U);
  EXPECT_EQ(ports[1].flow, 1U);
  EXPECT_EQ(ports[1].mode, "raw");
  EXPECT_EQ(ports[1].packet.idle_chars, 4U);
  EXPECT_EQ(ports[1].packet.length, 128U);
  EXPECT_EQ(ports[1].packet.delimiter, "\r\n");
  EXPECT_EQ(ports[1].packet.max, 512U);
  EXPECT_THAT(ports[1].json, HasSubstr(R"("parity":1)"));
  EXPECT_THAT(ports[1].json, AllOf(HasSubstr(R"("crc":"mpeg2")"), HasSubstr(R"("frame_idle_ms":50)")));
  EXPECT_EQ(ports[2].id, "usb");
  EXPECT_EQ(ports[2].mode, "through");
  EXPECT_EQ(ports[3].parity, 3U);
  EXPECT_EQ(ports[3].stopbits, 3U);
  EXPECT_EQ(ports[3].bits_per_char(), 9U);
  EXPECT_EQ(ports[4].parity, 4U);
  EXPECT_EQ(ports[4].stopbits, 2U);
}

TEST(Device, ALineHasSignalsAPauseAndAnEcho) {
  const auto d = device(R"({"uconf": {
    "1": {"dtr": "off", "rts": "on", "dtr_close": "off", "gap_ms": "50", "echo": true, "frame_idle_ms": 7},
    "2": {"flowctl": "xonxoff"}, "3": {"flowctl": "rtscts"}, "4": {"flowctl": "2"}, "5": {"flowctl": "none"}}})");
  ASSERT_TRUE(d.config) << d.said;
  const auto& ports = d.config->ports;
  EXPECT_EQ(ports[0].at_open, (PortConfig::Signals{DTU_SIGNAL_DTR | DTU_SIGNAL_RTS, DTU_SIGNAL_RTS}));
  EXPECT_EQ(ports[0].at_close, (PortConfig::Signals{DTU_SIGNAL_DTR, 0}));
  EXPECT_EQ(ports[0].gap_ms, 50U);
  EXPECT_TRUE(ports[0].echo);
  EXPECT_EQ(ports[0].silence_ms, 7U);
  EXPECT_EQ(ports[1].flow, DTU_FLOW_XONXOFF);
  EXPECT_THAT(ports[1].json, HasSubstr(R"("flowctl":2)")) << "dialects see numbers";
  EXPECT_EQ(ports[2].flow, DTU_FLOW_RTSCTS);
  EXPECT_EQ(ports[3].flow, DTU_FLOW_XONXOFF);
  EXPECT_EQ(ports[4].flow, DTU_FLOW_NONE);
  EXPECT_THAT(device(R"({"uconf": {"1": {"flowctl": 1, "rts": "off"}}})").said,
              HasSubstr("/uconf/1/rts: RTS belongs to the flow control"));
}

TEST(Device, WrongPortSettingsAreNamed) {
  const auto d =
      device(R"({"uconf": {"1": {"baudrate": 49, "databits": 9, "parity": "none of them", "stopbits": 3, "flowctl": 3,
    "crc": "crc16", "frame_idle_ms": -1, "packet": {"max": 0, "delim": "x"}}, "a b": {}}})");
  EXPECT_FALSE(d.config);
  EXPECT_EQ(
      d.said,
      "d.json:1:30: error: /uconf/1/baudrate: 49 is not allowed: give a whole number from 50 to 4000000\n"
      "d.json:1:46: error: /uconf/1/databits: 9 is not allowed: give a whole number from 5 to 8\n"
      "d.json:1:59: error: /uconf/1/parity: \"none of them\" is not allowed: give one of 0, 1, 2, 3, 4, \"none\", "
      "\"even\", \"odd\", \"mark\", \"space\"\n"
      "d.json:1:87: error: /uconf/1/stopbits: 3 is not allowed: give one of 1, 2, 1.5\n"
      "d.json:1:101: error: /uconf/1/flowctl: 3 is not allowed: give one of 0, 1, 2, \"none\", \"rtscts\", "
      "\"xonxoff\"\n"
      "d.json:2:12: error: /uconf/1/crc: \"crc16\" is not allowed: give one of \"zlib\", \"mpeg2\"\n"
      "d.json:2:38: error: /uconf/1/frame_idle_ms: -1 is not allowed: give a whole number from 0 to 60000\n"
      "d.json:2:60: error: /uconf/1/packet/max: 0 is not allowed: give a whole number from 1 to 65536\n"
      "d.json:2:63: error: /uconf/1/packet/delim: unknown key: did you mean \"delimiter\"?\n"
      "d.json:2:86: error: /uconf/a b: is not allowed as a key: give a text (1 to 32 letters, digits, _ . "
      "-)\n");
}

TEST(Device, ABadDelimiterIsNamed) {
  EXPECT_EQ(
      device(R"({"uconf": {"1": {"packet": {"delimiter": "0x0"}}}})").said,
      "d.json:1:42: error: /uconf/1/packet/delimiter: \"0x0\" is not allowed: give a text, or pairs of hexadecimal "
      "digits after 0x\n");
}

TEST(Device, ADirectionPinBelongsToItsPort) {
  const auto d = device(R"({"uconf": {"1": {}, "2": {}}, "direction_pin": {"2": {"GPIOn": "28", "direction": "0"}}})");
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(d.config->ports[0].direction_gpio, -1);
  EXPECT_EQ(d.config->ports[1].direction_gpio, 28);
  EXPECT_EQ(d.config->ports[1].direction_level, 0U);
}

TEST(Device, RegistrationIsInheritedAndOverridden) {
  const auto reg = [](const char* document, const char* own) {
    const auto d = device(std::string(R"({"reg": )") + document +
                          R"(, "conf": {"1": {"protocol": "tcp", "url": "h", "port": 1)" + own + "}}}");
    return d.config && d.config->channels.size() == 1 ? d.config->channels[0].registration.value_or("none") : d.said;
  };
  EXPECT_EQ(reg("0", ""), "none");
  EXPECT_EQ(reg("\"0\"", ""), "none");
  EXPECT_EQ(reg("\"\"", ""), "none");
  EXPECT_EQ(reg("1", ""), "");
  EXPECT_EQ(reg("\"1\"", ""), "");
  EXPECT_EQ(reg("\"id {imei}\"", ""), "id {imei}");
  EXPECT_EQ(reg("1", R"(, "reg": 0)"), "none");
  EXPECT_EQ(reg("0", R"(, "reg": "hello")"), "hello");
}

TEST(Device, EveryKeyOfTheSeedsIsKnown) {
  const auto d = device(R"({"ota": ["uid", "EC600", "pk"], "pins": ["pio1", "2", ""], "message": {"a": 1},
    "direction_pin": {"2": {"GPIOn": "28", "direction": "1"}}, "version": "v2", "acquire_url": "https://c.example/p",
    "reply": "compact", "service_acquire": "1", "confirm_s": "30", "convert": "1", "nolog": "1",
    "modbus": {"groups": [{"slave_address": ["0x0A", 5]}],
               "poll": [{"group": 0, "function": 3, "address": 0, "count": 2, "period_ms": 1000}], "timeout_ms": 500}})");
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(d.said, "");
  EXPECT_EQ(d.config->confirm_s, 30U);
  EXPECT_EQ(d.config->version, "v2");
  EXPECT_THAT(d.config->scalars_json, HasSubstr(R"("timeout_ms":500)"));
}

TEST(Device, PinsAndApnAreRead) {
  const auto d = device(R"({"pins": ["pio12", 2, ""], "apn": ["iot.example", "me", "hush-1"]})");
  ASSERT_TRUE(d.config) << d.said;
  EXPECT_EQ(d.config->pins, (PinsConfig{12, 2, -1}));
  EXPECT_EQ(d.config->apn, (ApnConfig{"iot.example", "me", "hush-1"}));
  EXPECT_THAT(d.config->scalars_json, testing::Not(HasSubstr("hush-1")));
  const auto none = device("{}");
  EXPECT_EQ(none.config->pins, (PinsConfig{-1, -1, -1}));
  EXPECT_EQ(none.config->apn, (ApnConfig{"", "", ""}));
}

TEST(Device, WrongValuesOfOtherKeys) {
  const auto d = device(R"({"pins": ["pio129", "1", "2"], "acquire_url": "ftp://x", "confirm_s": 0, "ota": 5,
 "modbus": {"groups": [{"slave_address": ["0xff"]}], "poll": [{"function": 9, "address": 0, "period_ms": 1}]}})");
  EXPECT_FALSE(d.config);
  EXPECT_THAT(d.said, HasSubstr("/pins/0: \"pio129\" is not allowed"));
  EXPECT_THAT(d.said, HasSubstr("(1 to 128, as \"2\" or \"pio2\"; \"\" for none)"));
  EXPECT_THAT(d.said, HasSubstr("/acquire_url: \"ftp://x\" is not allowed"));
  EXPECT_THAT(d.said, HasSubstr("/confirm_s: 0 is not allowed: give a whole number from 1 to 86400"));
  EXPECT_THAT(d.said, HasSubstr("/ota: 5 is not allowed: give a whole number from 0 to 1, or a list of 3 entries"));
  EXPECT_THAT(d.said, HasSubstr("/modbus/groups/0/slave_address/0: \"0xff\" is not allowed"));
  EXPECT_THAT(d.said, HasSubstr("/modbus/poll/0/function: 9 is not allowed"));
  EXPECT_THAT(d.said, HasSubstr("/modbus/poll/0/group: missing"));
}

// 0 is the broadcast address: no slave answers it.
TEST(Device, ASlaveHasAnAddressFrom1To247) {
  const auto group = [](const std::string& address) {
    return device(R"({"modbus": {"groups": [{"slave_address": [")" + address + "\"]}]}}").said;
  };
  for (const char* good : {"0x1", "0x01", "0X0a", "0x10", "0xf", "0xeF", "0xf7"}) EXPECT_EQ(group(good), "") << good;
  for (const char* bad : {"0x0", "0x00", "0xf8", "0x100", "0x"})
    EXPECT_THAT(group(bad), HasSubstr("/modbus/groups/0/slave_address/0: \"" + std::string(bad) +
                                      "\" is not allowed: give a whole number from 1 to 247, or a text (hexadecimal, "
                                      "\"0x01\" to \"0xf7\")"));
}

TEST(Device, TheDocumentStaysAsItWas) {
  const std::string text = R"({"uconf":{"1":{"parity":"EVENT","baudrate":"9600"}},"plate":"1","later":{"x":1}})";
  const auto d = device(text);
  ASSERT_TRUE(d.config);
  EXPECT_EQ(masked(*d.config), text);  // D11: order, forms and unknown keys too
}

TEST(Device, ABadSchemaOfAPluginCostsOnlyItsChannels) {
  Installed installed;
  installed.channels["bad"] = "{";
  installed.channels["worse"] = R"({"properties": {"a": {"pattern": "("}}})";
  const auto d = device(R"({"conf": {"1": {"protocol": "bad"}, "2": {"protocol": "bad"},
    "3": {"protocol": "worse", "a": "x"}, "4": {"protocol": "mqtt"}}})",
                        installed);
  ASSERT_TRUE(d.config);
  EXPECT_THAT(skipped(*d.config), ElementsAre(1, 2, 3));
  EXPECT_THAT(d.said,
              HasSubstr("/conf/2: the schema of channel type \"bad\" cannot be used, tell its vendor: it is not "
                        "JSON"));
  EXPECT_THAT(d.said, HasSubstr("/conf/3: the schema for this cannot be used"));
}

TEST(Device, FindingsAreBounded) {
  std::string text = "{";
  for (int i = 0; i < 900; ++i) text += "\"k" + std::to_string(i) + "\": 1, ";
  const auto d = device(text + "\"plate\": 1}");
  EXPECT_LE(d.findings.size(), 66U);
  EXPECT_FALSE(d.config);  // not everything was looked at
}

TEST(Device, TooManyPortsAreNoDocument) {
  std::string text = R"({"uconf": {"0": {})";
  for (int i = 1; i <= 64; ++i) text += ", \"" + std::to_string(i) + "\": {}";
  EXPECT_EQ(device(text + "}}").said,
            "d.json:1:11: error: /uconf: an object is not allowed: give an object { ... } of at most 64 keys\n");
}

// Poco looks for every new key of an ordered object among all it has: 49,000 keys took minutes.
TEST(Device, AWideDocumentIsReadInTime) {
  std::string text = R"({"message": {"z": 0)";
  for (int object = 0; object < 19; ++object) {
    text += ", \"o" + std::to_string(object) + R"(": {"a": 0)";
    for (int key = 0; key < 990; ++key) text += ", \"a rather long key " + std::to_string(key) + "\": 0";
    text += "}";
  }
  EXPECT_TRUE(device(text + "}}").config);
}

TEST(Device, AKeyCannotSpeakToTheTerminal) {
  const auto d = device("{\"\\u001b[2J\": 1}");
  EXPECT_EQ(d.said.find('\x1b'), std::string::npos);
  EXPECT_THAT(d.said, HasSubstr("error: /?[2J: unknown key"));
}

TEST(Finding, WithoutATextThereIsNoPlace) {
  EXPECT_EQ(to_text({Finding::Severity::warning, "", "", 0, 0, "hm"}), "warning: hm");
  EXPECT_EQ(to_text({Finding::Severity::error, "", "/a", 3, 4, "hm"}), "3:4: error: /a: hm");
  EXPECT_FALSE(has_errors({{Finding::Severity::warning, "", "", 0, 0, "hm"}}));
}

}  // namespace
}  // namespace dtud::config
