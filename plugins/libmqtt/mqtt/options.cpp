#include <dtu/sdk/address.hpp>
#include <dtu/sdk/host_name.hpp>
#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <mqtt/options.hpp>

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

uint16_t parse_port(std::string_view url, std::string_view digits) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value == 0 || value > 65535)
    bad(url, "the port must be a number from 1 to 65535");
  return static_cast<uint16_t>(value);
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

  std::string_view port;
  if (!rest.empty() && rest.front() == '[') {
    const size_t close = rest.find(']');
    if (close == std::string_view::npos) bad(url, "the bracket of the IPv6 address is not closed");
    address.host = rest.substr(1, close - 1);
    port = rest.substr(close + 1);
    if (!port.empty() && port.front() != ':') bad(url, "after ] only :port may follow");
  } else if (std::count(rest.begin(), rest.end(), ':') > 1) {
    address.host = rest;  // a bare IPv6 address
  } else {
    const size_t colon = std::min(rest.find(':'), rest.size());
    address.host = rest.substr(0, colon);
    port = rest.substr(colon);
  }
  if (!port.empty()) address.port = parse_port(url, port.substr(1));
  if (address.host.empty()) bad(url, "the host is missing");
  if (const std::string wrong = dtu::host_problem(address.host); !wrong.empty()) bad(url, "the host " + wrong);
  return address;
}

std::string broker_name(const Options& options) {
  const bool v6 = options.host.find(':') != std::string::npos;
  return (options.tls.on ? "mqtts://" : "mqtt://") + (v6 ? "[" + options.host + "]" : options.host) + ":" +
         std::to_string(options.port);
}

}  // namespace mqtt
