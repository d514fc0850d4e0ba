#include <dtu/kit/net/settings.hpp>

#include <algorithm>
#include <cctype>
#include <dtu/sdk/address.hpp>
#include <dtu/sdk/host_name.hpp>
#include <dtu/sdk/text.hpp>

namespace net {

namespace {

uint32_t number(const dtu::Json& value, uint32_t otherwise) { return static_cast<uint32_t>(value.integer(otherwise)); }

}  // namespace

void refuse(const std::string& key, const std::string& value, const std::string& allowed) {
  std::string path = "/" + key;
  std::replace(path.begin(), path.end(), '.', '/');
  throw dtu::Failure(DTU_E_INVALID, key + ": " + value + " is not allowed; " + allowed).at(path);
}

void read_peer(const dtu::Json& config, PeerSettings* peer) {
  PeerSettings& p = *peer;
  p.host = config["url"].text(p.host);
  if (p.host.size() > 2 && p.host.front() == '[' && p.host.back() == ']') p.host = p.host.substr(1, p.host.size() - 2);
  p.port = static_cast<uint16_t>(number(config["port"], p.port));
  p.ping = config["ping"].text(p.ping);
  p.heartbeat_s = number(config["heartbeat"], p.heartbeat_s);
  p.keep_alive_s = number(config["keepAlive"], p.keep_alive_s);
  const dtu::Json again = config["reconnect"];
  p.reconnect_min_ms = number(again["min_ms"], p.reconnect_min_ms);
  p.reconnect_max_ms = number(again["max_ms"], p.reconnect_max_ms);
  if (p.reconnect_max_ms < p.reconnect_min_ms)
    refuse("reconnect.max_ms", std::to_string(p.reconnect_max_ms),
           "not less than min_ms (" + std::to_string(p.reconnect_min_ms) + ") is required");
}

void check_peer(const PeerSettings& peer) {
  const std::string shown = "\"" + dtu::shown_url(peer.host) + "\"";
  if (peer.host.empty()) refuse("url", shown, "the server's host name or address is required");
  const auto foreign = [](char c) { return c == '/' || c == '@' || std::isgraph(static_cast<unsigned char>(c)) == 0; };
  const bool with_port =
      std::count(peer.host.begin(), peer.host.end(), ':') == 1 || peer.host.find("]:") < peer.host.size();
  if (with_port || std::any_of(peer.host.begin(), peer.host.end(), foreign))
    refuse("url", shown, "only a host name or address is allowed; the port goes into \"port\"");
  if (const std::string wrong = dtu::host_problem(peer.host); !wrong.empty()) refuse("url", shown, "it " + wrong);
  if (peer.port == 0) refuse("port", "0", "a number from 1 to 65535 is required");
}

void find_unused(const PeerSettings& peer, const dtu::Findings& found) {
  if (!peer.ping.empty() && peer.heartbeat_s == 0)
    found.warning("/heartbeat", "is 0, so ping is never sent: give the seconds of silence after which it is sent");
}

}  // namespace net
