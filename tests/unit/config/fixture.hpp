// What is "installed" in these tests, and short ways to read a document.
#pragma once
#include <dtu/abi.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/documents.hpp"

namespace dtud::config {

// A component that takes any configuration.
inline constexpr char kAnything[] = R"({"type": "object"})";

// A component as plugins are: strict, with a secret of its own.
inline constexpr char kTcp[] = R"({
  "type": "object", "additionalProperties": false, "required": ["url", "port"],
  "properties": {
    "url": {"type": "string", "minLength": 1, "maxLength": 253},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "ping": {"type": "string", "default": ""},
    "heartbeat": {"type": "integer", "minimum": 0, "maximum": 86400, "default": 0},
    "keepAlive": {"type": "integer", "minimum": 0, "maximum": 86400, "default": 300},
    "mode": {"enum": ["client", "server"], "default": "client"},
    "psk": {"type": "string", "writeOnly": true, "default": ""}
  }
})";

// Keys of the device document that the command component "dtu" owns.
inline std::multimap<std::string, KeyOwner> dtu_keys() {
  const auto of = [](const char* schema) {
    return KeyOwner{DTU_KIND_COMMAND, "dtu", schema, "/p/command-dtu.so", false, true};
  };
  constexpr const char* kFlag = R"({"type": "integer", "minimum": 0, "maximum": 1, "default": 0})";
  return {{"plate", of(kFlag)},
          {"convert", of(kFlag)},
          {"reply", of(R"({"enum": ["full", "compact"], "default": "full"})")},
          {"events", of(R"({"type": "array", "items": {"type": "string"}, "default": []})")}};
}

struct Installed {
  std::map<std::string, std::string> channels = {{"http", kAnything},   {"tcp", kTcp},        {"mqtt", kAnything},
                                                 {"aliyun", kAnything}, {"txyun", kAnything}, {"quecthing", kAnything}};
  std::map<std::string, std::string> hals = {
      {"linux", R"({"type": "object", "additionalProperties": false, "properties": {
          "ports": {"type": "object", "default": {}, "additionalProperties": {"type": "object", "required": ["device"],
                    "properties": {"device": {"type": "string"}}}},
          "poll_ms": {"type": "integer", "minimum": 10, "default": 1000}}})"}};
  std::map<std::string, std::string> commands = {{"dtu", kAnything}};
  std::multimap<std::string, KeyOwner> keys = dtu_keys();
  std::vector<std::string> dialects = {"command", "through", "modbus"};
  std::optional<std::vector<std::string>> ports;  // of the HALs

  [[nodiscard]] const std::map<std::string, std::string>& of(uint32_t kind) const {
    if (kind == DTU_KIND_CHANNEL) return channels;
    return kind == DTU_KIND_HAL ? hals : commands;
  }

  [[nodiscard]] Schemas schemas() const {
    Schemas out;
    out.find = [this](uint32_t kind, std::string_view type) -> const char* {
      const auto found = of(kind).find(std::string(type));
      return found == of(kind).end() ? nullptr : found->second.c_str();
    };
    out.types = [this](uint32_t kind) {
      std::vector<std::string> names;
      for (const auto& [name, schema] : of(kind)) names.push_back(name);
      return names;
    };
    out.dialects = [this] { return dialects; };
    out.ports = [this] { return ports; };
    out.key_owners = [this](const std::string& key) {
      std::vector<KeyOwner> owners;
      for (auto [at, end] = keys.equal_range(key); at != end; ++at) owners.push_back(at->second);
      return owners;
    };
    out.keys = [this] {
      std::vector<std::string> names;
      for (const auto& [name, owner] : keys) names.push_back(name);
      return names;
    };
    out.keys_in_use = [this](const std::vector<std::string>& types) {
      std::vector<std::string> names;
      for (const auto& [name, owner] : keys) {
        const bool channel = owner.kind == DTU_KIND_CHANNEL;
        if (channel ? std::find(types.begin(), types.end(), owner.type) != types.end() : owner.used)
          names.push_back(name);
      }
      return names;
    };
    return out;
  }
};

// A document read, and everything said about it, one finding a line.
struct Device {
  std::optional<DeviceConfig> config;
  Findings findings;
  std::string said;
};

inline std::string all(const Findings& findings) {
  std::string out;
  for (const auto& f : findings) out += to_text(f) + "\n";
  return out;
}

inline std::vector<uint32_t> skipped(const DeviceConfig& config) {
  std::vector<uint32_t> ids;
  for (const auto& channel : config.skipped) ids.push_back(channel.id);
  return ids;
}

inline Device device(const std::string& text, const Installed& installed = {}) {
  Device out;
  out.config = read_device(text, "d.json", installed.schemas(), out.findings);
  out.said = all(out.findings);
  return out;
}

// The complete example of the vendor's user guide.
inline constexpr char kSample[] = R"json({"plate":1,"password":"123",
 "conf":{
  "1":{"protocol":"http","method":"get","url":"http://httpbin.org/get","reg_data":"","timeout":"","serialID":1},
  "2":{"protocol":"tcp","ping":"","heartbeat":30,"url":"192.0.2.10","port":"8305","keepAlive":300,"serialID":2},
  "3":{"protocol":"mqtt","clientID":"test_mqtt","keepAlive":"","url":"broker.example","port":"1883","cleanSession":"0",
       "subscribe":{"0":"/t/down"},"publish":{"0":"/t/up"},"qos":"0","retain":"1","serialID":"1"},
  "4":{"protocol":"aliyun","type":"mos","keepAlive":"","clientID":"c","Devicename":"light01","ProductKey":"PK","DeviceSecret":"DS",
       "ProductSecret":"","cleanSession":"0","qos":"1","subscribe":{"0":"/PK/light01/user/get"},"publish":{"0":"/PK/light01/user/update"},"serialID":"1"},
  "5":{"protocol":"txyun","type":"mos","keepAlive":"","clientID":"c","Devicename":"d","ProductKey":"PK","DeviceSecret":"DS","ProductSecret":"",
       "cleanSession":"0","qos":"1","subscribe":{"0":"PK/d/control"},"publish":{"0":"PK/d/event"},"serialID":"1"},
  "6":{"protocol":"quecthing","keepAlive":"","ProductKey":"pXXXX","ProductSecret":"PS","qos":"1","SessionFlag":false,"sendMode":"phy","serialID":"1"}},
 "reg":1,"convert":0,"version":100,"nolog":0,"message":{},
 "uconf":{"1":{"baudrate":"115200","databits":"8","parity":"0","stopbits":"1","flowctl":"0"},
          "2":{"baudrate":"115200","databits":"8","parity":"0","stopbits":"1","flowctl":"0"}},
 "fota":1,"pins":["1","2","3"],"direction_pin":{},"apn":["","",""],"service_acquire":0,
 "work_mode":"command","auto_connect":1,"offline_storage":false,
 "modbus":{"groups":[{"device_type":"temp_humid_sensor","device_model":"TH10S-B","slave_address":["0x01"]},
                     {"device_type":"light_sensor","device_model":"YGC-BG-M","slave_address":["0x02","0x03"]}]}})json";

}  // namespace dtud::config
