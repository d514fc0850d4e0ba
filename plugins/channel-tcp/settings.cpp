#include "settings.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <cctype>
#include <dtu/sdk.hpp>

#include "socket.hpp"

namespace channel_tcp {
namespace {

using Poco::JSON::Object;

[[noreturn]] void refuse(const std::string& key, const std::string& value, const std::string& allowed) {
  throw dtu::Failure(DTU_E_INVALID, key + ": " + value + " is not allowed; " + allowed);
}

std::string text(const Object& o, const std::string& key, const std::string& standard) {
  if (!o.has(key)) return standard;
  const auto value = o.get(key);
  if (!value.isString()) refuse(key, value.toString(), "a text is wanted");
  return value.toString();
}

uint32_t number(const Object& o, const std::string& key, uint32_t standard, int64_t least, int64_t most) {
  if (!o.has(key)) return standard;
  const auto value = o.get(key);
  const std::string allowed = "a number from " + std::to_string(least) + " to " + std::to_string(most) + " is wanted";
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

bool second(const Object& o, const std::string& key, const char* first_word, const char* second_word) {
  const std::string word = text(o, key, first_word);
  if (word != first_word && word != second_word)
    refuse(key, "\"" + word + "\"", std::string("\"") + first_word + "\" or \"" + second_word + "\" is wanted");
  return word == second_word;
}

void check_host(Settings& s) {
  const std::string shown = "\"" + s.host + "\"";
  if (s.host.size() > 2 && s.host.front() == '[' && s.host.back() == ']') s.host = s.host.substr(1, s.host.size() - 2);
  if (s.server) {
    if (s.host.empty()) s.host = "127.0.0.1";
    if (!numeric_address(s.host, s.port))
      refuse("url", shown, "a server listens on an IP address of this machine, 0.0.0.0 or ::");
    return;
  }
  if (s.host.empty()) refuse("url", shown, "the server's host name or address is wanted");
  for (const char c : s.host) {
    if (c == '/' || std::isgraph(static_cast<unsigned char>(c)) == 0)
      refuse("url", shown, "a host name or address alone is wanted; the port goes into \"port\"");
  }
  if (s.port == 0) refuse("port", "0", "a number from 1 to 65535 is wanted");
}

Object::Ptr parse(std::string_view json) {
  try {
    Poco::JSON::Parser parser;
    parser.setDepth(32);
    return parser.parse(std::string(json)).extract<Object::Ptr>();
  } catch (const Poco::Exception& e) {
    throw dtu::Failure(DTU_E_INVALID, "the configuration is not a JSON object: " + e.displayText());
  }
}

}  // namespace

Settings read_settings(std::string_view json) {
  const Object::Ptr o = parse(json);
  const Settings standard;
  Settings s;
  s.server = second(*o, "mode", "client", "server");
  s.host = text(*o, "url", "");
  s.port = static_cast<uint16_t>(number(*o, "port", 0, 0, 65535));
  s.ping = text(*o, "ping", "");
  s.heartbeat_s = number(*o, "heartbeat", standard.heartbeat_s, 0, 86400);
  s.keep_alive_s = number(*o, "keepAlive", standard.keep_alive_s, 0, 86400);
  s.max_clients = number(*o, "max_clients", standard.max_clients, 1, 64);
  s.hold_when_empty = second(*o, "when_empty", "discard", "hold");
  s.slow_client_s = number(*o, "slow_client_s", standard.slow_client_s, 1, 3600);
  if (const auto again = o->getObject("reconnect")) {
    s.reconnect_min_ms = number(*again, "min_ms", standard.reconnect_min_ms, 10, 3600000);
    s.reconnect_max_ms = number(*again, "max_ms", standard.reconnect_max_ms, 10, 3600000);
  }
  if (s.reconnect_max_ms < s.reconnect_min_ms)
    refuse("reconnect.max_ms", std::to_string(s.reconnect_max_ms),
           "not less than min_ms (" + std::to_string(s.reconnect_min_ms) + ") is wanted");
  if (s.ping.size() > 256) refuse("ping", "a text of " + std::to_string(s.ping.size()) + " bytes", "at most 256");
  check_host(s);
  return s;
}

}  // namespace channel_tcp
