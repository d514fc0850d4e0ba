#include <dtu/kit/net/settings.hpp>

#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <cctype>
#include <dtu/sdk/address.hpp>
#include <dtu/sdk/host_name.hpp>
#include <dtu/sdk/text.hpp>

namespace net {

using Poco::JSON::Object;

constexpr size_t kLongestPing = 514;  // 0x and 256 bytes

void refuse(const std::string& key, const std::string& value, const std::string& allowed) {
  std::string path = "/" + key;
  std::replace(path.begin(), path.end(), '.', '/');
  throw dtu::Failure(DTU_E_INVALID, key + ": " + value + " is not allowed; " + allowed).at(path);
}

Object::Ptr parse_object(std::string_view json) {
  try {
    Poco::JSON::Parser parser;
    parser.setDepth(32);
    return parser.parse(std::string(json)).extract<Object::Ptr>();
  } catch (const Poco::Exception& e) {
    throw dtu::Failure(DTU_E_INVALID, "the configuration is not a JSON object: " + e.displayText());
  }
}

std::string read_text(const Object& o, const std::string& key, const std::string& standard) {
  if (!o.has(key)) return standard;
  const auto value = o.get(key);
  if (!value.isString()) refuse(key, value.toString(), "a string is required");
  return value.toString();
}

uint32_t read_number(const Object& o, const std::string& key, uint32_t standard, int64_t least, int64_t most) {
  if (!o.has(key)) return standard;
  const auto value = o.get(key);
  const std::string allowed = "a number from " + std::to_string(least) + " to " + std::to_string(most) + " is required";
  if (!value.isInteger() || value.isBoolean()) refuse(key, value.toString(), allowed);
  int64_t n = -1;
  try {
    n = value.convert<int64_t>();
  } catch (const Poco::Exception&) {
    refuse(key, value.toString(), allowed);
  }
  if (n < least || n > most) refuse(key, value.toString(), allowed);
  return static_cast<uint32_t>(n);
}

void read_peer(const Object& o, PeerSettings* peer) {
  PeerSettings& p = *peer;
  p.host = read_text(o, "url", p.host);
  if (p.host.size() > 2 && p.host.front() == '[' && p.host.back() == ']') p.host = p.host.substr(1, p.host.size() - 2);
  p.port = static_cast<uint16_t>(read_number(o, "port", p.port, 0, 65535));
  p.ping = read_text(o, "ping", p.ping);
  p.heartbeat_s = read_number(o, "heartbeat", p.heartbeat_s, 0, 86400);
  p.keep_alive_s = read_number(o, "keepAlive", p.keep_alive_s, 0, 86400);
  if (const auto again = o.getObject("reconnect")) {
    p.reconnect_min_ms = read_number(*again, "min_ms", p.reconnect_min_ms, 10, 3600000);
    p.reconnect_max_ms = read_number(*again, "max_ms", p.reconnect_max_ms, 10, 3600000);
  }
  if (p.reconnect_max_ms < p.reconnect_min_ms)
    refuse("reconnect.max_ms", std::to_string(p.reconnect_max_ms),
           "not less than min_ms (" + std::to_string(p.reconnect_min_ms) + ") is required");
  if (p.ping.size() > kLongestPing)
    refuse("ping", "a string of " + std::to_string(p.ping.size()) + " bytes",
           "at most " + std::to_string(kLongestPing));
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
