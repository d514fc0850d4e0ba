#include "settings.hpp"

#include <dtu/kit/net/socket.hpp>
#include <dtu/kit/tls/files.hpp>
#include <dtu/sdk/address.hpp>
#include <dtu/sdk/host_name.hpp>
#include <string>

namespace channel_tcp {
namespace {

using net::refuse;

void check_server(Settings& s) {
  const std::string shown = "\"" + dtu::shown_url(s.host) + "\"";
  if (s.host.empty()) s.host = "127.0.0.1";
  if (!net::numeric_address(s.host, s.port))
    refuse("url", shown, "a server listens on an IP address of this machine, 0.0.0.0 or ::");
  if (s.rfc2217 && s.port_id.empty())
    refuse("rfc2217", "true without serialID", "serialID names the port that its clients set");
  if (s.tls.on && s.tls.cert.empty())
    refuse("tls", "a server without tls.cert", "its certificate (cert) and private key (key) are required");
}

std::vector<net::Network> read_networks(const dtu::Json& config, const std::string& key) {
  std::vector<net::Network> networks;
  config[key].each([&](std::string_view, const dtu::Json& entry) {
    const net::ReadNetwork read = net::read_network(entry.text());
    if (!read.problem.empty())
      refuse(key + "." + std::to_string(networks.size()), dtu::quoted(entry.text()), read.problem);
    networks.push_back(read.network);
  });
  return networks;
}

std::vector<ServerName> read_backup(const dtu::Json& config) {
  std::vector<ServerName> servers;
  config["backup"].each([&](std::string_view, const dtu::Json& entry) {
    const dtu::HostPort read = dtu::read_host_port(entry.text());
    const std::string problem = read.problem.empty() && read.port == 0 ? "the port is missing" : read.problem;
    if (!problem.empty())
      refuse("backup." + std::to_string(servers.size()), dtu::quoted(dtu::shown_url(entry.text())),
             problem + "; a server is written as example.org:8305 or [fd00::1]:8305");
    servers.push_back({read.host, read.port});
  });
  return servers;
}

}  // namespace

Settings read_settings(std::string_view json) {
  const dtu::Json config(json);
  Settings s;
  s.server = config["mode"].text() == "server";
  s.max_clients = static_cast<uint32_t>(config["max_clients"].integer(s.max_clients));
  s.backup = read_backup(config);
  s.backup_after = static_cast<uint32_t>(config["backup_after"].integer(s.backup_after));
  s.return_s = static_cast<uint32_t>(config["return_s"].integer(s.return_s));
  s.kick_old = config["when_full"].text() == "kick-old";
  s.answers_to_asker = config["answers"].text() == "asker";
  s.allowed = read_networks(config, "allowed");
  s.read_only = read_networks(config, "read_only");
  s.rfc2217 = config["rfc2217"].flag();
  if (s.rfc2217) s.port_id = config["serialID"].text();
  s.hold_when_empty = config["when_empty"].text() == "hold";
  s.slow_client_s = static_cast<uint32_t>(config["slow_client_s"].integer(s.slow_client_s));
  s.register_once = config["reg_on"].text() == "start";  // of the host
  s.tls = tls::read_settings(config);
  net::read_peer(config, &s);
  if (s.server)
    check_server(s);
  else
    net::check_peer(s);
  return s;
}

void check_settings(std::string_view json, const dtu::Findings& found) {
  const Settings s = read_settings(json);
  net::find_unused(s, found);
  for (const auto& [key, networks] : {std::pair{"/allowed", &s.allowed}, std::pair{"/read_only", &s.read_only}})
    if (!s.server && !networks->empty()) found.warning(key, "has an effect with mode server only");
  if (s.tls.on) tls::check_files(s.tls, "/tls", found);
  if (s.server && !s.tls.verify)
    found.warning("/tls/verify", "has an effect with mode client only; a server demands certificates when ca is set");
  if (!s.server && s.rfc2217) found.warning("/rfc2217", "has an effect with mode server only");
  if (s.server && !s.backup.empty()) found.warning("/backup", "has an effect with mode client only");
  if (s.return_s != 0 && s.backup.empty()) found.warning("/return_s", "has an effect with backup only");
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
