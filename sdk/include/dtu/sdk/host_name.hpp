// Host names in a configuration: whether one can be a name or an address at all. Nothing is looked up.
#pragma once
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace dtu {

// What is wrong with a host name or IP address, with what is allowed; "" when nothing is. IPv6 without its brackets.
inline std::string host_problem(std::string_view host) {
  constexpr size_t kLongestName = 253, kLongestLabel = 63;
  constexpr const char* kAllowed = ": a name has letters, digits, - and _ between its dots";
  if (host.empty()) return "is empty: give a host name or an IP address";
  if (host.find(':') != std::string_view::npos) {
    in6_addr unused{};
    const std::string address(host.substr(0, host.find('%')));
    return inet_pton(AF_INET6, address.c_str(), &unused) == 1 ? "" : "is no IPv6 address: give one as 2001:db8::1";
  }
  if (host.find_first_not_of("0123456789.") == std::string_view::npos) {
    in_addr unused{};
    return inet_aton(std::string(host).c_str(), &unused) != 0
               ? ""
               : "is no IPv4 address: give four numbers from 0 to 255, as 192.0.2.1";
  }
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);  // the root
  if (host.size() > kLongestName)
    return "has " + std::to_string(host.size()) + " characters: at most " + std::to_string(kLongestName) +
           " are allowed";
  for (size_t begin = 0; begin <= host.size();) {
    const std::string_view label = host.substr(begin, std::min(host.find('.', begin), host.size()) - begin);
    begin += label.size() + 1;
    if (label.empty()) return std::string("has nothing between two dots, or before one") + kAllowed;
    if (label.size() > kLongestLabel)
      return "has " + std::to_string(label.size()) + " characters between two dots: at most " +
             std::to_string(kLongestLabel) + " are allowed";
    if (label.front() == '-') return std::string("has a part that begins with -") + kAllowed;
    const bool good = std::all_of(label.begin(), label.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (!good) return std::string("has a character that no host name has") + kAllowed;
  }
  return {};
}

struct HostPort {
  std::string host;     // IPv6 without its brackets
  uint16_t port = 0;    // 0: it names none
  std::string problem;  // what is wrong with it, with what is allowed; "" when nothing is
};

// "host", "host:1883", "[2001:db8::1]:1883", as a URL has it.
inline HostPort read_host_port(std::string_view text) {
  HostPort out;
  size_t end = std::min(text.find(':'), text.size());
  if (!text.empty() && text.front() == '[') {
    end = text.find(']');
    if (end == std::string_view::npos) return out.problem = "the ] after the IPv6 address is missing", out;
    out.host = text.substr(1, end++ - 1);
  } else {
    out.host = text.substr(0, end);
  }
  if (out.host.empty()) return out.problem = "a host name or an IP address is required", out;
  if (const std::string wrong = host_problem(out.host); !wrong.empty()) return out.problem = "the host " + wrong, out;
  const std::string_view port = text.substr(end);
  if (port.empty() || port == ":") return out;
  const char* last = port.data() + port.size();
  const auto [at, error] = std::from_chars(port.data() + 1, last, out.port);
  if (port.front() != ':' || error != std::errc{} || at != last || out.port == 0)
    out.problem = "the port must be a number from 1 to 65535";
  return out;
}

}  // namespace dtu
