#include "wifi/access_point.hpp"

#include <dtu/sdk/json.hpp>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <utility>
#include <vector>

#include "wifi/wpa_text.hpp"

namespace hal_linux {
namespace {

constexpr size_t kMostClients = 64;

bool starts_with(std::string_view text, std::string_view begin) { return text.substr(0, begin.size()) == begin; }
bool is_number(const std::string& text) {
  const size_t sign = !text.empty() && text[0] == '-' ? 1 : 0;
  return text.size() > sign && text.size() <= 10 && text.find_first_not_of("0123456789", sign) == std::string::npos;
}

std::string small(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

AccessPoint::AccessPoint(dtu::Host host, const std::string& control_path, std::string interface, const Tree& tree,
                         std::function<void()> changed)
    : host_(host),
      interface_(std::move(interface)),
      tree_(tree),
      changed_(std::move(changed)),
      control_(host, control_path,
               {[this] { refresh(); }, [this](std::string_view event) { heard(event); },
                [this](const std::string& why) { lost(why); }}),
      state_("\"state\":\"unavailable\"") {}

void AccessPoint::stop() { control_.stop(); }

void AccessPoint::lost(const std::string& why) {
  setting_ = false;
  set_state(unavailable(why));
}

void AccessPoint::set_state(std::string state) {
  if (state == state_) return;
  state_ = std::move(state);
  changed_();
}

void AccessPoint::heard(std::string_view event) {
  if (starts_with(event, "AP-")) refresh();
}

void AccessPoint::refresh() {
  control_.request("STATUS", [this](const std::string& reply, const std::string& trouble) {
    if (!trouble.empty()) return;
    const auto all = key_values(reply);
    if (all.count("state") == 0) return set_state(unavailable(why_no_answer("hostapd", "STATUS", reply)));
    const auto value = [&](std::string_view key) {
      const auto at = all.find(key);
      return at != all.end() ? at->second : std::string();
    };
    std::string json = "\"state\":" + dtu::quoted(shown(small(value("state")), 24));
    if (const std::string ssid = printf_decoded(value("ssid[0]")); !ssid.empty()) json += "," + ssid_member(ssid);
    if (is_number(value("channel"))) json += ",\"channel\":" + value("channel");
    if (is_number(value("num_sta[0]"))) json += ",\"clients\":" + value("num_sta[0]");
    set_state(std::move(json));
  });
}

// hostapd takes new settings only when it begins: it is stopped for a moment.
void AccessPoint::set(uint64_t call, const AccessPointWish& wish) {
  control_.expect_open();
  if (setting_) throw dtu::Failure::retryable(DTU_E_IO, "wifi.access_point: it is being set already");
  std::vector<ControlSocket::Step> steps;
  if (!wish.ssid.empty()) {
    steps.push_back({"SET ssid2 " + to_hex(wish.ssid), "the name", false});
    steps.push_back({std::string("SET wpa ") + (wish.password.empty() ? "0" : "2"), "WPA2", false});
  }
  if (!wish.password.empty()) {
    const bool key = wish.password.size() == 2 * kMostSsid;
    steps.push_back({(key ? "SET wpa_psk " : "SET wpa_passphrase ") + wish.password, "the password", false});
    steps.push_back({"SET wpa_key_mgmt WPA-PSK", "WPA2", false});
    steps.push_back({"SET rsn_pairwise CCMP", "WPA2", false});
  }
  if (wish.channel != 0) steps.push_back({"SET channel " + std::to_string(wish.channel), "the channel", false});
  const bool is_as_wished = starts_with(state_, wish.enabled ? R"("state":"enabled")" : R"("state":"disabled")");
  if (steps.empty() && is_as_wished) {  // hostapd fails then
    host_.reply(call, "");
    return;
  }
  if (!wish.enabled || !steps.empty()) steps.push_back({"DISABLE", "stopping", wish.enabled});
  if (wish.enabled) steps.push_back({"ENABLE", "starting", false});
  setting_ = true;
  control_.run(std::move(steps), [this, call](const std::string& trouble) {
    setting_ = false;
    refresh();
    if (trouble.empty())
      host_.reply(call, "");
    else
      host_.reply_error(call, DTU_E_IO, "wifi.access_point: " + trouble, DTU_ERR_RETRYABLE);
  });
}

void AccessPoint::clients(uint64_t call) {
  control_.expect_open();
  auto listing = std::make_shared<Listing>();
  listing->call = call;
  ask_station(listing, "STA-FIRST");
}

void AccessPoint::ask_station(const std::shared_ptr<Listing>& listing, const std::string& command) {
  control_.request(command, [this, listing](const std::string& reply, const std::string& trouble) {
    if (!trouble.empty()) {
      host_.reply_error(listing->call, DTU_E_IO, "wifi.clients: " + trouble, DTU_ERR_RETRYABLE);
      return;
    }
    const std::string mac = small(reply.substr(0, reply.find('\n')));
    // No further one: an empty reply or, of an older hostapd, FAIL.
    const bool ended = reply.empty() || reply == "FAIL" || mac == listing->last || listing->count == kMostClients;
    if (!ended && !is_mac(mac)) {  // a part of the list would pass for all of it
      const char* const asked = listing->last.empty() ? "STA-FIRST" : "STA-NEXT";
      host_.reply_error(listing->call, DTU_E_IO, "wifi.clients: " + why_no_answer("hostapd", asked, reply),
                        DTU_ERR_RETRYABLE);
      return;
    }
    if (ended) {
      host_.reply(listing->call, "{\"clients\":[" + listing->json + "]}");
      return;
    }
    const auto all = key_values(reply);
    std::string json = "{\"mac\":\"" + mac + "\"";
    if (const std::string address = address_of(mac); !address.empty()) json += ",\"address\":" + dtu::quoted(address);
    for (const auto& [key, ours] : {std::pair("signal", "signal_dbm"), {"connected_time", "connected_s"}})
      if (const auto at = all.find(key); at != all.end() && is_number(at->second))
        json += ",\"" + std::string(ours) + "\":" + at->second;
    listing->json += (listing->count++ == 0 ? "" : ",") + json + "}";
    listing->last = mac;
    ask_station(listing, "STA-NEXT " + mac);
  });
}

// /proc/net/arp: IP address, type, flags, MAC, mask, device.
std::string AccessPoint::address_of(const std::string& mac) const {
  std::istringstream lines(tree_.read("/proc/net/arp").text);
  std::string address, type, flags, hardware, mask, device;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    if (in >> address >> type >> flags >> hardware >> mask >> device && small(hardware) == mac && device == interface_)
      return shown(address, 46);
  }
  return {};
}

}  // namespace hal_linux
