#include "settings.hpp"

#include <array>
#include <dtu/kit/net/socket.hpp>
#include <dtu/kit/tls/files.hpp>
#include <dtu/sdk/address.hpp>
#include <dtu/sdk/host_name.hpp>
#include <string>

namespace channel_tcp {
namespace {

using net::refuse;

// Where a fault goes: the reader of settings throws the first one, a check tells of each and goes on.
class Faults {
 public:
  Faults() = default;
  explicit Faults(const dtu::Findings& found) : found_(&found) {}
  template <typename Step>
  void in(Step step) const {
    if (found_ == nullptr) return step();
    try {
      step();
    } catch (const dtu::Failure& fault) {
      found_->error(fault.path(), fault.what());
    }
  }

 private:
  const dtu::Findings* found_ = nullptr;
};

// What has an effect in one of the modes only, and its default as the schema writes it.
struct KeyOfOneMode {
  const char* key;
  const char* standard;
};
constexpr std::array kServerKeys{KeyOfOneMode{"max_clients", "8"},    KeyOfOneMode{"when_full", "\"refuse\""},
                                 KeyOfOneMode{"allowed", "[]"},       KeyOfOneMode{"read_only", "[]"},
                                 KeyOfOneMode{"answers", "\"all\""},  KeyOfOneMode{"rfc2217", "false"},
                                 KeyOfOneMode{"slow_client_s", "10"}, KeyOfOneMode{"when_empty", "\"discard\""}};
constexpr std::array kClientKeys{KeyOfOneMode{"backup", "[]"}, KeyOfOneMode{"backup_after", "3"},
                                 KeyOfOneMode{"return_s", "0"}};

bool is_set(const dtu::Json& config, const KeyOfOneMode& key) {
  const dtu::Json value = config[key.key];
  return value.exists() && value.raw() != key.standard;
}

void check_server(Settings& s, const Faults& faults) {
  const std::string shown = "\"" + dtu::shown_url(s.host) + "\"";
  if (s.host.empty()) s.host = "127.0.0.1";
  faults.in([&] {
    if (!net::numeric_address(s.host, s.port))
      refuse("url", shown, "a server listens on an IP address of this machine, 0.0.0.0 or ::");
  });
  faults.in([&] {
    if (s.rfc2217 && s.port_id.empty())
      refuse("rfc2217", "true without serialID", "serialID names the port that its clients set");
  });
  faults.in([&] {
    if (s.tls.on && s.tls.cert.empty())
      refuse("tls", "a server without tls.cert", "its certificate (cert) and private key (key) are required");
  });
}

std::vector<net::Network> read_networks(const dtu::Json& config, const std::string& key, const Faults& faults) {
  std::vector<net::Network> networks;
  size_t number = 0;
  config[key].each([&](std::string_view, const dtu::Json& entry) {
    const std::string name = key + "." + std::to_string(number++);
    faults.in([&] {
      const net::ReadNetwork read = net::read_network(entry.text());
      if (!read.problem.empty()) refuse(name, dtu::quoted(entry.text()), read.problem);
      networks.push_back(read.network);
    });
  });
  return networks;
}

std::vector<ServerName> read_backup(const dtu::Json& config, const Faults& faults) {
  std::vector<ServerName> servers;
  size_t number = 0;
  config["backup"].each([&](std::string_view, const dtu::Json& entry) {
    const std::string name = "backup." + std::to_string(number++);
    faults.in([&] {
      const dtu::HostPort read = dtu::read_host_port(entry.text());
      const std::string problem = read.problem.empty() && read.port == 0 ? "the port is missing" : read.problem;
      if (!problem.empty())
        refuse(name, dtu::quoted(dtu::shown_url(entry.text())),
               problem + "; a server is written as example.org:8305 or [fd00::1]:8305");
      servers.push_back({read.host, read.port});
    });
  });
  return servers;
}

Settings read(const dtu::Json& config, const Faults& faults) {
  Settings s;
  s.server = config["mode"].text() == "server";
  s.max_clients = static_cast<uint32_t>(config["max_clients"].integer(s.max_clients));
  s.backup = read_backup(config, faults);
  s.backup_after = static_cast<uint32_t>(config["backup_after"].integer(s.backup_after));
  s.return_s = static_cast<uint32_t>(config["return_s"].integer(s.return_s));
  s.kick_old = config["when_full"].text() == "kick-old";
  s.answers_to_asker = config["answers"].text() == "asker";
  s.allowed = read_networks(config, "allowed", faults);
  s.read_only = read_networks(config, "read_only", faults);
  s.rfc2217 = config["rfc2217"].flag();
  if (s.rfc2217) s.port_id = config["serialID"].text();
  s.hold_when_empty = config["when_empty"].text() == "hold";
  s.slow_client_s = static_cast<uint32_t>(config["slow_client_s"].integer(s.slow_client_s));
  s.register_once = config["reg_on"].text() == "start";  // of the host
  s.tls = tls::read_settings(config);
  faults.in([&] { net::read_peer(config, &s); });
  if (s.server)
    check_server(s, faults);
  else
    faults.in([&] { net::check_peer(s); });
  return s;
}

}  // namespace

Settings read_settings(std::string_view json) { return read(dtu::Json(json), Faults()); }

void check_settings(std::string_view json, const dtu::Findings& found) {
  const dtu::Json config(json);
  const Settings s = read(config, Faults(found));
  net::find_unused(s, found);
  if (s.tls.on) tls::check_files(s.tls, "/tls", found);
  const auto without_effect = [&](const auto& keys, const char* mode) {
    for (const KeyOfOneMode& key : keys)
      if (is_set(config, key))
        found.warning(std::string("/") + key.key, std::string("has an effect with mode ") + mode + " only");
  };
  if (s.server)
    without_effect(kClientKeys, "client");
  else
    without_effect(kServerKeys, "server");
  if (s.server && !s.tls.verify)
    found.warning("/tls/verify", "has an effect with mode client only; a server demands certificates when ca is set");
  const bool backup = is_set(config, kClientKeys[0]);
  for (const KeyOfOneMode& key : {kClientKeys[1], kClientKeys[2]})
    if (!s.server && !backup && is_set(config, key))
      found.warning(std::string("/") + key.key, "has an effect with backup only");
  const auto address = net::numeric_address(s.host, s.port);
  if (!s.server || s.port == 0 || !address) return;
  // A listener on :: takes IPv4 too; one on 0.0.0.0 leaves IPv6 alone.
  const std::string port = std::to_string(s.port);
  const std::string host = address->text().substr(0, address->text().rfind(':'));
  const std::string which = host == "[::]"      ? "*"
                            : host == "0.0.0.0" ? "ipv4:*"
                            : host[0] == '['    ? host
                                                : "ipv4:" + host;
  found.claim("/port", "tcp-listen:" + port + ":" + which);
}

}  // namespace channel_tcp
