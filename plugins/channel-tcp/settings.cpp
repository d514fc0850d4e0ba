#include "settings.hpp"

#include <net/socket.hpp>
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
  const std::string shown = "\"" + s.host + "\"";
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
  net::read_peer(*o, &s);
  if (s.server)
    check_server(s);
  else
    net::check_peer(s);
  return s;
}

}  // namespace channel_tcp
