// What is asked, and what came of it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <dtu/kit/http/url.hpp>
#include <dtu/kit/tls/settings.hpp>

namespace http {

using Tls = tls::Settings;  // `on` does not count: the scheme of the address says it

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";  // in capitals
  Url url;
  Headers headers;  // sent to the server of `url` only, not to where it redirects
  std::string content_type, body;
  uint32_t timeout_ms = 10'000;  // for the whole of it: look-up, connection, redirects, answer
  size_t answer_max = 65536;     // bytes of the answer's body
  uint32_t settle_ms = 0;        // a new connection is watched for so long before the request goes out over it
};

enum class Trouble : uint8_t {
  none,
  failed,     // no connection, no time left, no HTTP
  closed,     // the server closed the connection after it was sent something, before the first byte of an answer
  redirect,   // a redirect that leads nowhere, or to too many others
  too_large,  // the body is longer than answer_max
  stopped     // the client was told to stop
};

struct Answer {
  int status = 0;  // 0: none came. Set beside a trouble when the answer's head came and its body did not
  std::string body;
  std::string retry_after;  // the header
  Trouble trouble = Trouble::none;
  std::string text;  // what the trouble was
  uint32_t connections = 0, redirects = 0;
};

// Thrown on the client's thread; ends a request.
class Broken : public std::runtime_error {
 public:
  Broken(Trouble trouble, const std::string& text) : std::runtime_error(text), trouble_(trouble) {}
  [[nodiscard]] Trouble trouble() const noexcept { return trouble_; }

 private:
  Trouble trouble_;
};

}  // namespace http
