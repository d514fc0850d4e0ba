// Addresses in messages for people.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>

namespace dtu {

// A URL as a message may show it: user name, password and query, which may hold a key, are left out.
//   mqtt://plant:secret@broker:1883 -> mqtt://***@broker:1883, https://host/path?token=1 -> https://host/path?***
// Also of a text that is no proper URL. At most 200 bytes.
inline std::string shown_url(std::string_view text) {
  constexpr size_t kLongest = 200;
  const size_t scheme = text.find("://");
  const size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  std::string out(text.substr(0, begin));
  std::string_view rest = text.substr(begin);
  const size_t authority = std::min(rest.find_first_of("/?#"), rest.size());
  size_t at = rest.substr(0, authority).rfind('@');
  // A slash in a password ends what looks like the host too early: "user:pass" instead of "host:1883".
  const size_t colon = rest.substr(0, authority).find(':');
  if (at == std::string_view::npos && colon < authority &&
      rest.substr(colon + 1, authority - colon - 1).find_first_not_of("0123456789:]") != std::string_view::npos) {
    at = rest.rfind('@');
    // No @ at all: what stands where a port would may be a password, unless this is an IPv6 address.
    const std::string_view host = rest.substr(0, authority);
    const bool numeric = host.find_first_not_of("0123456789abcdefABCDEF:.") == host.npos;
    const bool ipv6 = host.front() == '[' || (numeric && host.find(':', colon + 1) != host.npos);
    if (at == std::string_view::npos && !ipv6) at = authority;
  }
  if (at != std::string_view::npos) {
    out += "***";
    rest.remove_prefix(at);
  }
  const size_t query = rest.find_first_of("?#");
  out += rest.substr(0, query);
  if (query < rest.size() - 1) (out += rest[query]) += "***";
  size_t length = std::min(out.size(), kLongest);
  while (length < out.size() && length > 0 && (static_cast<unsigned char>(out[length]) & 0xC0U) == 0x80U) --length;
  out.resize(length);
  return out;
}

}  // namespace dtu
