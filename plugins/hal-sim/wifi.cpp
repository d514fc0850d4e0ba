#include "wifi.hpp"

#include <dtu/sdk/json.hpp>

#include <array>

#include "board_points.hpp"

namespace hal_sim {
namespace {

constexpr const char* kConnect = R"({"type": "object", "properties": {
    "ssid": {"type": "string", "maxLength": 32, "title": "Name of the network"},
    "ssid_hex": {"type": "string", "pattern": "^([0-9a-fA-F]{2}){0,32}$", "title": "Its bytes, where it is no text"},
    "password": {"type": "string", "maxLength": 64, "writeOnly": true,
                 "title": "8 to 63 characters, or 64 hexadecimal digits; empty: an open network"}}})";
constexpr const char* kAccessPoint = R"({"type": "object", "properties": {
    "enabled": {"type": "boolean", "default": true, "title": "On or off"},
    "channel": {"type": "integer", "minimum": 0, "maximum": 196, "default": 0, "title": "Channel; 0: as it is"},
    "ssid": {"type": "string", "maxLength": 32, "title": "Name of the network"},
    "ssid_hex": {"type": "string", "pattern": "^([0-9a-fA-F]{2}){0,32}$", "title": "Its bytes, where it is no text"},
    "password": {"type": "string", "maxLength": 64, "writeOnly": true,
                 "title": "8 to 63 characters, or 64 hexadecimal digits; empty: an open network"}}})";

struct Network {
  const char *ssid, *bssid, *security, *rest;
};
constexpr std::array kNetworks{
    Network{"simulated", "02:00:00:00:00:11", "wpa2", R"("frequency":2437,"channel":6,"signal_dbm":-52)"},
    Network{"simulated open", "02:00:00:00:00:12", "open", R"("frequency":2412,"channel":1,"signal_dbm":-70)"}};

struct Command {
  const char *name, *title, *schema;
  uint32_t flags;
};
constexpr uint32_t kAsks = DTU_COMMAND_PASSWORD | DTU_COMMAND_SHARED, kChanges = kAsks | DTU_COMMAND_CHANGES;
constexpr std::array kCommands{Command{"wifi.scan", "Look for WiFi networks (simulated)", "", kAsks},
                               Command{"wifi.connect", "Connect to a WiFi network (simulated)", kConnect, kChanges},
                               Command{"wifi.disconnect", "Leave the WiFi network (simulated)", "", kChanges},
                               Command{"wifi.access_point", "Set the access point (simulated)", kAccessPoint, kChanges},
                               Command{"wifi.clients", "Stations at the access point (simulated)", "", kAsks}};

std::string scan() {
  std::string json;
  for (const Network& n : kNetworks)
    json += std::string(json.empty() ? "" : ",") + R"({"ssid":")" + n.ssid + R"(","bssid":")" + n.bssid + "\"," +
            n.rest + R"(,"security":")" + n.security + "\"}";
  return "{\"networks\":[" + json + "]}";
}

}  // namespace

void SimWifi::list(const std::function<void(const dtu_command_info&)>& each) const {
  if (points_.is_absent("wifi.state")) return;
  for (const Command& c : kCommands)
    each({sizeof(dtu_command_info), c.flags, dtu::str(c.name), dtu::str(c.title), dtu::str(c.schema), nullptr, 0});
}

bool SimWifi::invoke(uint64_t call, std::string_view name, std::string_view args) {
  if (name.substr(0, 5) != "wifi." || points_.is_absent("wifi.state")) return false;
  const dtu::Json given(args.empty() ? "{}" : args);
  if (name == "wifi.scan") return host_.reply(call, scan()), true;
  if (name == "wifi.connect") return host_.reply(call, connect(given)), true;
  if (name == "wifi.access_point") return host_.reply(call, access_point(given)), true;
  if (name == "wifi.clients") return host_.reply(call, clients()), true;
  if (name != "wifi.disconnect") return false;
  station_ = R"("state":"disconnected")";
  changed();
  return host_.reply(call, "{" + station_ + "}"), true;
}

std::string SimWifi::connect(const dtu::Json& args) {
  constexpr size_t kLeast = 8;
  const std::string ssid = args["ssid"].text(), password = args["password"].text();
  if (ssid.empty() && args["ssid_hex"].text().empty())
    throw dtu::Failure(DTU_E_INVALID, "/ssid: the name of the network is missing");
  const Network* found = nullptr;
  for (const Network& n : kNetworks)
    if (ssid == n.ssid) found = &n;
  if (found == nullptr) throw dtu::Failure::retryable(DTU_E_IO, "wifi.connect: the network is not in reach");
  if (std::string_view(found->security) != "open" && (password.size() < kLeast || password == "wrong password"))
    throw dtu::Failure::retryable(DTU_E_IO, "wifi.connect: the password is wrong");
  station_ = R"("state":"connected","ssid":")" + ssid + R"(","bssid":")" + found->bssid + "\"";
  changed();
  return "{" + station_ + R"(,"saved":false})";
}

std::string SimWifi::access_point(const dtu::Json& args) {
  serves_ = args["enabled"].flag(true);
  const std::string ssid = args["ssid"].text("simulated"), hex = args["ssid_hex"].text();
  const int64_t channel = args["channel"].integer();
  access_point_ = serves_ ? "\"state\":\"enabled\"," +
                                (hex.empty() ? "\"ssid\":" + dtu::quoted(ssid) : "\"ssid_hex\":" + dtu::quoted(hex)) +
                                ",\"channel\":" + std::to_string(channel == 0 ? 1 : channel) + ",\"clients\":1"
                          : "\"state\":\"disabled\"";
  changed();
  return {};
}

std::string SimWifi::clients() const {
  return serves_ ? R"({"clients":[{"mac":"02:00:00:00:00:01","address":"192.168.4.2","signal_dbm":-40}]})"
                 : R"({"clients":[]})";
}

void SimWifi::changed() {
  const std::string now = "{" + station_ + ",\"access_point\":{" + access_point_ + "}}";
  points_.set("wifi.state", now);
  if (events_.publish(wifi_changed_event.name, now) == DTU_AGAIN)
    host_.warn("too many changes of the simulated WiFi at once: this one was not told");
}

}  // namespace hal_sim
