#include "settings.hpp"

#include <dtu/kit/net/socket.hpp>
#include <dtu/sdk/address.hpp>
#include <string>

namespace channel_tcp {
namespace {

using net::read_number;
using net::refuse;
using Poco::JSON::Object;

bool second(const Object& o, const std::string& key, const char* first_word, const char* second_word) {
  const std::string word = net::read_text(o, key, first_word);
  if (word != first_word && word != second_word)
    refuse(key, "\"" + word + "\"", std::string("\"") + first_word + "\" or \"" + second_word + "\" is wanted");
  return word == second_word;
}

void check_server(Settings& s) {
  const std::string shown = "\"" + dtu::shown_url(s.host) + "\"";
  if (s.host.empty()) s.host = "127.0.0.1";
  if (!net::numeric_address(s.host, s.port))
    refuse("url", shown, "a server listens on an IP address of this machine, 0.0.0.0 or ::");
}

}  // namespace

Settings read_settings(std::string_view json) {
  const Object::Ptr o = net::parse_object(json);
  const Settings standard;
  Settings s;
  s.server = second(*o, "mode", "client", "server");
  s.max_clients = read_number(*o, "max_clients", standard.max_clients, 1, 64);
  s.hold_when_empty = second(*o, "when_empty", "discard", "hold");
  s.slow_client_s = read_number(*o, "slow_client_s", standard.slow_client_s, 1, 3600);
  s.register_once = net::read_text(*o, "reg_on", "connect") == "start";  // of the host: it has checked it
  net::read_peer(*o, &s);
  if (s.server)
    check_server(s);
  else
    net::check_peer(s);
  return s;
}

void check_settings(std::string_view json, const dtu::Findings& found) {
  const Settings s = read_settings(json);
  net::find_unused(s, found);
  if (!s.server || s.port == 0) return;
  // A listener on :: takes IPv4 too; one on 0.0.0.0 leaves IPv6 alone.
  const auto address = net::numeric_address(s.host, s.port);
  const std::string port = std::to_string(s.port);
  const std::string host = address->text().substr(0, address->text().rfind(':'));
  const std::string which = host == "[::]"      ? "*"
                            : host == "0.0.0.0" ? "ipv4:*"
                            : host[0] == '['    ? host
                                                : "ipv4:" + host;
  found.claim("/port", "tcp-listen:" + port + ":" + which);
}

}  // namespace channel_tcp
