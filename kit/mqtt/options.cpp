#include <dtu/sdk/address.hpp>
#include <dtu/sdk/host_name.hpp>
#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <array>
#include <dtu/kit/mqtt/options.hpp>

namespace mqtt {
namespace {

struct Scheme {
  std::string_view name;
  bool tls;
};
constexpr std::array<Scheme, 4> kSchemes{{{"mqtt", false}, {"tcp", false}, {"mqtts", true}, {"ssl", true}}};

[[noreturn]] void bad(std::string_view url, std::string_view why) {
  throw dtu::Failure(DTU_E_INVALID, "url \"" + dtu::shown_url(url) + "\": " + std::string(why));
}

}  // namespace

Address parse_address(std::string_view url) {
  Address address;
  std::string_view rest = url;
  if (const size_t at = rest.find("://"); at != std::string_view::npos) {
    const std::string_view name = rest.substr(0, at);
    const auto* scheme =
        std::find_if(kSchemes.begin(), kSchemes.end(), [&](const Scheme& known) { return known.name == name; });
    if (scheme == kSchemes.end()) bad(url, "the scheme must be mqtt or mqtts");
    address.tls = scheme->tls;
    rest.remove_prefix(at + 3);
  }
  if (rest.find('@') != std::string_view::npos)
    bad(url, "a user name and a password do not belong in it: give them in username and password");
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);

  if (rest.find_first_of("/?#") != std::string_view::npos)
    bad(url, "a broker is a host and a port: leave out what follows them; topics go into subscribe and publish");
  const bool bare_v6 = !rest.empty() && rest.front() != '[' && std::count(rest.begin(), rest.end(), ':') > 1;
  const dtu::HostPort read = dtu::read_host_port(bare_v6 ? "[" + std::string(rest) + "]" : std::string(rest));
  if (!read.problem.empty()) bad(url, read.problem);
  address.host = read.host;
  address.port = read.port;
  return address;
}

std::string broker_name(const Options& options) {
  const bool v6 = options.host.find(':') != std::string::npos;
  return (options.tls.on ? "mqtts://" : "mqtt://") + (v6 ? "[" + options.host + "]" : options.host) + ":" +
         std::to_string(options.port);
}

}  // namespace mqtt
