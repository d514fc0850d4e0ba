// http:// and https:// addresses.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace http {

struct Url {
  bool tls = false;
  std::string host;  // a name or an address, IPv6 without its brackets
  uint16_t port = 0;
  std::string target = "/";  // path and query

  [[nodiscard]] std::string authority() const;  // as the header Host has it: the port only when it is not the usual one
  [[nodiscard]] std::string shown() const;      // for people: without the query, which may hold a key
  [[nodiscard]] bool same_server(const Url& other) const {
    return tls == other.tls && host == other.host && port == other.port;
  }
};

// Throws dtu::Failure (DTU_E_INVALID) that says what is wrong. At most 2048 bytes; no user name or password in it.
[[nodiscard]] Url parse_url(std::string_view text);
// Where `location`, as an answer of `from` gave it, leads. Throws as parse_url does.
[[nodiscard]] Url follow(const Url& from, std::string_view location);

}  // namespace http
