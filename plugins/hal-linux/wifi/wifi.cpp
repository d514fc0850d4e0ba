#include "wifi/wifi.hpp"

#include <dtu/sdk/json.hpp>

#include <array>
#include <utility>

#include "wifi/wpa_text.hpp"

namespace hal_linux {
namespace {

constexpr uint64_t kGather_ms = 100, kAgain_ms = 5000;

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

constexpr uint32_t kAsks = DTU_COMMAND_PASSWORD | DTU_COMMAND_SHARED;
constexpr uint32_t kChanges = kAsks | DTU_COMMAND_CHANGES;

// The bytes of the name; "": none is given.
std::string ssid_of(const dtu::Json& args) {
  const std::string text = args["ssid"].text(), hex = args["ssid_hex"].text();
  if (!text.empty() && !hex.empty())
    throw dtu::Failure(DTU_E_INVALID, "/ssid and /ssid_hex are both given: leave one out");
  const auto bytes = from_hex(hex);
  if (!bytes || text.size() > kMostSsid || bytes->size() > kMostSsid)
    throw dtu::Failure(DTU_E_INVALID, std::string(hex.empty() ? "/ssid" : "/ssid_hex") + ": 1 to 32 bytes are allowed");
  return hex.empty() ? text : *bytes;
}

std::string password_of(const dtu::Json& args) {
  std::string password = args["password"].text();
  const std::string why = password.empty() ? "" : why_no_password(password);
  if (!why.empty()) throw dtu::Failure(DTU_E_INVALID, "/password: " + why);
  return password;
}

std::string needed_ssid(const dtu::Json& args) {
  std::string ssid = ssid_of(args);
  if (ssid.empty()) throw dtu::Failure(DTU_E_INVALID, "/ssid: the name of the network is missing");
  return ssid;
}

AccessPointWish wish_of(const dtu::Json& args) {
  AccessPointWish wish;
  wish.enabled = args["enabled"].flag(true);
  wish.ssid = ssid_of(args);
  wish.password = password_of(args);
  wish.channel = static_cast<int>(args["channel"].integer());
  if (!wish.password.empty() && wish.ssid.empty())
    throw dtu::Failure(DTU_E_INVALID, "/password without /ssid: name the network too");
  return wish;
}

struct WifiCommand {
  const char *name, *title, *schema;
  uint32_t flags;
  void (*station)(Station&, uint64_t call, const dtu::Json& args);  // null: the access point's
  void (*access_point)(AccessPoint&, uint64_t call, const dtu::Json& args);
};
constexpr std::array kCommands{
    WifiCommand{"wifi.scan", "Look for WiFi networks", "", kAsks,
                [](Station& s, uint64_t call, const dtu::Json&) { s.scan(call); }, nullptr},
    WifiCommand{"wifi.connect", "Connect to a WiFi network", kConnect, kChanges,
                [](Station& s, uint64_t call, const dtu::Json& a) { s.connect(call, needed_ssid(a), password_of(a)); },
                nullptr},
    WifiCommand{"wifi.disconnect", "Leave the WiFi network", "", kChanges,
                [](Station& s, uint64_t call, const dtu::Json&) { s.disconnect(call); }, nullptr},
    WifiCommand{"wifi.access_point", "Set the access point", kAccessPoint, kChanges, nullptr,
                [](AccessPoint& p, uint64_t call, const dtu::Json& a) { p.set(call, wish_of(a)); }},
    WifiCommand{"wifi.clients", "Stations at the access point", "", kAsks, nullptr,
                [](AccessPoint& p, uint64_t call, const dtu::Json&) { p.clients(call); }}};

}  // namespace

Wifi::Wifi(dtu::Host host, const WifiConfig& config, const Tree& tree) : host_(host) {
  const auto path = [&](const WifiInterface& i) { return tree.path(i.control) + "/" + i.interface; };
  if (config.station) station_ = std::make_unique<Station>(host, path(*config.station), [this] { changed(); });
  if (config.access_point)
    access_point_ = std::make_unique<AccessPoint>(host, path(*config.access_point), config.access_point->interface,
                                                  tree, [this] { changed(); });
}

void Wifi::start() {
  if (!any()) return;
  soon_ = std::make_unique<dtu::Timer>(host_, [this] { tell(); });
  if (station_) station_->start();
  if (access_point_) access_point_->start();
}

void Wifi::stop() {
  if (!soon_) return;
  if (station_) station_->stop();
  if (access_point_) access_point_->stop();
  soon_.reset();
}

void Wifi::list_points(const std::function<void(const dtu_point_info&)>& each) const {
  if (any()) each({sizeof(dtu_point_info), 0, dtu::str(kPoint), {}, dtu::str("State of the WiFi")});
}

void Wifi::list_commands(const std::function<void(const dtu_command_info&)>& each) const {
  for (const WifiCommand& c : kCommands)
    if (c.station != nullptr ? station_ != nullptr : access_point_ != nullptr)
      each({sizeof(dtu_command_info), c.flags, dtu::str(c.name), dtu::str(c.title), dtu::str(c.schema), nullptr, 0});
}

std::string Wifi::state() const {
  return "{" + (station_ ? station_->state() : R"("state":"none")") +
         (access_point_ ? ",\"access_point\":{" + access_point_->state() + "}" : "") + "}";
}

bool Wifi::invoke(uint64_t call, std::string_view name, std::string_view args) {
  for (const WifiCommand& c : kCommands) {
    if (name != c.name) continue;
    const dtu::Json given(args.empty() ? "{}" : args);
    if (c.station != nullptr && station_) return c.station(*station_, call, given), true;
    if (c.access_point != nullptr && access_point_) return c.access_point(*access_point_, call, given), true;
  }
  return false;
}

void Wifi::cancel(uint64_t call) {
  if (station_) station_->cancel(call);
}

void Wifi::changed() {
  if (soon_ && !std::exchange(gathering_, true)) soon_->arm_ms(kGather_ms);
}

void Wifi::tell() {
  gathering_ = false;
  std::string now = state();
  if (now == told_) return;
  if (events_.publish(wifi_changed_event.name, now) == DTU_AGAIN) {
    gathering_ = true;
    return soon_->arm_ms(kAgain_ms);
  }
  told_ = std::move(now);
}

}  // namespace hal_linux
