#include "wifi/station.hpp"

#include <dtu/sdk/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include "board/tree.hpp"
#include "wifi/wpa_text.hpp"

namespace hal_linux {
namespace {

constexpr uint64_t kScan_ms = 20'000, kConnect_ms = 40'000;
constexpr size_t kMostScanning = 16;
constexpr const char *kProgram = "wpa_supplicant", *kState = "wpa_state";

struct StateWord {
  std::string_view theirs;
  const char* ours;
};
// SCANNING is looked for between two connections, over and over: it is no state of its own.
constexpr std::array kStates{StateWord{"COMPLETED", "connected"},        StateWord{"AUTHENTICATING", "connecting"},
                             StateWord{"ASSOCIATING", "connecting"},     StateWord{"ASSOCIATED", "connecting"},
                             StateWord{"4WAY_HANDSHAKE", "connecting"},  StateWord{"GROUP_HANDSHAKE", "connecting"},
                             StateWord{"INTERFACE_DISABLED", "disabled"}};

bool starts_with(std::string_view text, std::string_view begin) { return text.substr(0, begin.size()) == begin; }
bool is_number(const std::string& text) {
  return !text.empty() && text.size() <= 6 && text.find_first_not_of("0123456789") == std::string::npos;
}

// What went wrong, in the words of a user; "": nothing did.
std::string trouble_in(std::string_view event) {
  if (starts_with(event, "CTRL-EVENT-NETWORK-NOT-FOUND")) return "the network is not in reach";
  if (starts_with(event, "CTRL-EVENT-ASSOC-REJECT")) return "the access point rejects this station";
  if (starts_with(event, "CTRL-EVENT-AUTH-REJECT")) return "the access point rejects the authentication";
  const bool disabled = starts_with(event, "CTRL-EVENT-SSID-TEMP-DISABLED");
  if (disabled && event.find("reason=WRONG_KEY") != std::string_view::npos) return "the password is wrong";
  return disabled ? "the connection failed again and again" : "";
}

}  // namespace

Station::Station(dtu::Host host, const std::string& control_path, std::function<void()> changed)
    : host_(host),
      changed_(std::move(changed)),
      control_(host, control_path,
               {[this] { refresh(); }, [this](std::string_view event) { heard(event); },
                [this](const std::string& why) { lost(why); }}),
      state_("\"state\":\"unavailable\"") {}

void Station::start() {
  scan_timer_ = std::make_unique<dtu::Timer>(host_, [this] { fail_scan("no results within 20 s"); });
  connect_timer_ = std::make_unique<dtu::Timer>(host_, [this] {
    if (connecting_) give_up(connecting_->why.empty() ? "not connected within 40 s" : connecting_->why);
  });
  control_.start();
}

void Station::stop() {
  control_.stop();
  fail_scan(control_.trouble());
  if (connecting_ && connecting_->call != 0) host_.reply_error(connecting_->call, DTU_E_CLOSED, control_.trouble());
  connecting_.reset();
  scan_timer_.reset();
  connect_timer_.reset();
}

void Station::lost(const std::string& why) {
  ours_ = -1;  // numbers are those of one run of wpa_supplicant
  fail_scan(why);
  if (connecting_ && connecting_->call != 0)
    host_.reply_error(connecting_->call, DTU_E_IO, "wifi.connect: " + why, DTU_ERR_RETRYABLE);
  connecting_.reset();
  set_state(unavailable(why));
}

void Station::set_state(std::string state) {
  if (state == state_) return;
  state_ = std::move(state);
  changed_();
}

void Station::refresh() {
  control_.request("STATUS", [this](const std::string& reply, const std::string& trouble) {
    if (!trouble.empty()) return;
    const auto all = key_values(reply);
    if (all.count(kState) == 0) return set_state(unavailable(why_no_answer(kProgram, "STATUS", reply)));
    const auto value = [&](std::string_view key) {
      const auto at = all.find(key);
      return at != all.end() ? at->second : std::string();
    };
    std::string state = "disconnected";
    for (const StateWord& w : kStates)
      if (value(kState) == w.theirs) state = w.ours;
    std::string json = "\"state\":\"" + state + "\"";
    if (state == "connected" || state == "connecting") {
      if (const std::string ssid = printf_decoded(value("ssid")); !ssid.empty()) json += "," + ssid_member(ssid);
      if (is_mac(value("bssid"))) json += ",\"bssid\":\"" + value("bssid") + "\"";
      if (is_number(value("freq"))) json += ",\"frequency\":" + value("freq");
      if (const std::string ip = value("ip_address"); !ip.empty()) json += ",\"address\":" + dtu::quoted(shown(ip, 46));
    }
    set_state(std::move(json));
  });
}

void Station::heard(std::string_view event) {
  if (starts_with(event, "CTRL-EVENT-SCAN-RESULTS") && !scanning_.empty()) scanned();
  if (starts_with(event, "CTRL-EVENT-SCAN-FAILED")) fail_scan("the driver cannot look for networks now");
  if (starts_with(event, "CTRL-EVENT-TERMINATING")) return;  // the next sign of life finds it gone
  if (connecting_ && connecting_->selected) heard_while_connecting(event);
  constexpr std::array<std::string_view, 5> kNews{"CTRL-EVENT-CONNECTED", "CTRL-EVENT-DISCONNECTED",
                                                  "CTRL-EVENT-SSID-TEMP-DISABLED", "Associated with",
                                                  "CTRL-EVENT-STATE"};
  if (std::any_of(kNews.begin(), kNews.end(), [&](std::string_view news) { return starts_with(event, news); }))
    refresh();
}

// Scanning.

void Station::scan(uint64_t call) {
  control_.expect_open();
  if (scanning_.size() >= kMostScanning)
    throw dtu::Failure::retryable(DTU_E_IO, "wifi.scan: " + std::to_string(kMostScanning) + " already wait for it");
  scanning_.push_back(call);
  if (scanning_.size() > 1) return;
  scan_timer_->arm_ms(kScan_ms);
  control_.request("SCAN", [this](const std::string& reply, const std::string& trouble) {
    if (!trouble.empty()) return fail_scan(trouble);
    // Busy: it is looking already, and tells of it when it has.
    if (reply != "OK" && reply != "FAIL-BUSY") fail_scan("wpa_supplicant refuses: " + shown(reply, 40));
  });
}

void Station::scanned() {
  control_.request("SCAN_RESULTS", [this](const std::string& reply, const std::string& trouble) {
    if (!trouble.empty()) return fail_scan(trouble);
    const auto found = scan_results(reply);
    if (!found) return fail_scan(why_no_answer(kProgram, "SCAN_RESULTS", reply));
    std::string json = "{\"networks\":[";
    for (const ScannedNetwork& n : *found) json += (json.back() == '[' ? "" : ",") + to_json(n);
    json += "]}";
    scan_timer_->disarm();
    for (const uint64_t call : std::exchange(scanning_, {})) host_.reply(call, json);
  });
}

void Station::fail_scan(const std::string& why) {
  if (scan_timer_) scan_timer_->disarm();
  for (const uint64_t call : std::exchange(scanning_, {}))
    host_.reply_error(call, DTU_E_IO, "wifi.scan: " + why, DTU_ERR_RETRYABLE);
}

// Connecting.

void Station::connect(uint64_t call, const std::string& ssid, const std::string& password) {
  control_.expect_open();
  if (connecting_) throw dtu::Failure::retryable(DTU_E_IO, "wifi.connect: a connection is being made already");
  connecting_.emplace(Connecting());
  connecting_->call = call;
  connecting_->ssid = ssid;
  connect_timer_->arm_ms(kConnect_ms);
  control_.request("STATUS", [this, ssid, password](const std::string& reply, const std::string& trouble) {
    if (!trouble.empty() || !connecting_) return;  // lost() has answered
    const auto all = key_values(reply);
    // Not knowing which network is used now, a failure could not lead back to it.
    if (all.count(kState) == 0) return give_up(why_no_answer(kProgram, "STATUS", reply));
    if (const auto id = all.find("id"); id != all.end() && is_number(id->second)) connecting_->before = id->second;
    add_network(ssid, password);
  });
}

void Station::add_network(const std::string& ssid, const std::string& password) {
  control_.request("ADD_NETWORK", [this, ssid, password](const std::string& reply, const std::string& trouble) {
    if (!trouble.empty() || !connecting_) return;
    if (!is_number(reply)) return give_up("wpa_supplicant adds no network: " + shown(reply, 40));
    connecting_->network = std::stoi(reply);
    if (connecting_->call == 0) return give_up("cancelled");
    configure(ssid, password);
  });
}

// The name goes as hexadecimal digits: no byte of it means anything on the way.
void Station::configure(const std::string& ssid, const std::string& password) {
  const std::string set = "SET_NETWORK " + std::to_string(connecting_->network) + " ";
  std::vector<ControlSocket::Step> steps{{set + "ssid " + to_hex(ssid), "the name", false},
                                         {set + "scan_ssid 1", "looking for a hidden network", true}};
  const bool key = password.size() == 2 * kMostSsid;  // 64 digits
  if (!password.empty())
    steps.push_back({set + "psk " + (key ? password : "\"" + password + "\""), "the password", false});
  control_.run(std::move(steps), [this, password](const std::string& trouble) {
    if (!connecting_) return;
    if (!trouble.empty()) return give_up(trouble);
    choose_keys(password);
  });
}

// WPA3 where wpa_supplicant can, WPA2 where it cannot.
void Station::choose_keys(const std::string& password) {
  const std::string set = "SET_NETWORK " + std::to_string(connecting_->network) + " ";
  const auto selected = [this](const std::string& trouble) {
    if (!connecting_) return;
    if (!trouble.empty()) return give_up(trouble);
    select();
  };
  if (password.empty()) return control_.run({{set + "key_mgmt NONE", "an open network", false}}, selected);
  control_.run({{set + "key_mgmt WPA-PSK SAE", "WPA3", false}, {set + "ieee80211w 1", "protected management", true}},
               [this, set, selected](const std::string& trouble) {
                 if (trouble.empty() || !connecting_) return selected(trouble);
                 control_.run({{set + "key_mgmt WPA-PSK", "WPA2", false}}, selected);
               });
}

void Station::select() {
  if (connecting_->call == 0) return give_up("cancelled");
  connecting_->selected = true;
  control_.run({{"SELECT_NETWORK " + std::to_string(connecting_->network), "the network", false}},
               [this](const std::string& trouble) {
                 if (connecting_ && !trouble.empty()) give_up(trouble);
               });
}

void Station::heard_while_connecting(std::string_view event) {
  const std::string id = "id=" + std::to_string(connecting_->network);
  const size_t at = event.find(id);
  const size_t end = at + id.size();
  const bool its = at != std::string_view::npos && (end == event.size() || event[end] < '0' || event[end] > '9');
  if (starts_with(event, "CTRL-EVENT-CONNECTED") && its) return connected();
  if (std::string why = trouble_in(event); !why.empty()) connecting_->why = std::move(why);
  if (starts_with(event, "CTRL-EVENT-SSID-TEMP-DISABLED") && its) give_up(connecting_->why);
}

void Station::connected() {
  connect_timer_->disarm();
  connecting_->selected = false;
  std::vector<ControlSocket::Step> steps;
  if (ours_ >= 0) steps.push_back({"REMOVE_NETWORK " + std::to_string(ours_), "", true});
  ours_ = connecting_->network;
  control_.run(std::move(steps), [this](const std::string&) {
    control_.request("SAVE_CONFIG", [this](const std::string& reply, const std::string& trouble) {
      if (!trouble.empty() || !connecting_) return;
      const Connecting done = std::move(*connecting_);
      connecting_.reset();
      refresh();
      if (done.call == 0) return;
      host_.reply(done.call, "{\"state\":\"connected\"," + ssid_member(done.ssid) +
                                 ",\"saved\":" + (reply == "OK" ? "true" : "false") + "}");
    });
  });
}

// why: a copy, for it may be a part of what ends here.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void Station::give_up(std::string why) {
  connect_timer_->disarm();
  const Connecting failed = std::move(*connecting_);
  connecting_.reset();
  if (failed.call != 0) host_.reply_error(failed.call, DTU_E_IO, "wifi.connect: " + why, DTU_ERR_RETRYABLE);
  if (failed.network < 0) return;
  std::vector<ControlSocket::Step> back{{"REMOVE_NETWORK " + std::to_string(failed.network), "", true}};
  if (failed.selected) {  // SELECT_NETWORK disabled the others
    if (!failed.before.empty()) back.push_back({"SELECT_NETWORK " + failed.before, "", true});
    back.push_back({"ENABLE_NETWORK all", "", true});
  }
  control_.run(std::move(back), [this](const std::string&) { refresh(); });
}

void Station::disconnect(uint64_t call) {
  control_.expect_open();
  control_.run({{"DISCONNECT", "the end of the connection", false}}, [this, call](const std::string& trouble) {
    if (!trouble.empty()) {
      host_.reply_error(call, DTU_E_IO, "wifi.disconnect: " + trouble, DTU_ERR_RETRYABLE);
      return;
    }
    refresh();
    host_.reply(call, R"({"state":"disconnected"})");
  });
}

void Station::cancel(uint64_t call) {
  scanning_.erase(std::remove(scanning_.begin(), scanning_.end(), call), scanning_.end());
  if (!connecting_ || connecting_->call != call) return;
  connecting_->call = 0;
  if (connecting_->selected) give_up("cancelled");
}

}  // namespace hal_linux
