// The channel's part of the device document, read.
#pragma once
#include <dtu/kit/http/message.hpp>
#include <dtu/sdk/check.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace channel_http {

struct Target {
  std::string id;  // "" = the only one, of a channel without `request`
  std::string method;
  http::Url url;
  std::string fixed_body;  // "": the message is the body
  // GET, HEAD and DELETE have no body of their own: the message only sets them off.
  [[nodiscard]] bool takes_message() const { return fixed_body.empty() && (method == "POST" || method == "PUT"); }
};

struct Settings {
  std::vector<Target> targets;  // lowest id first; at least one
  std::string content_type;
  http::Headers headers;
  uint32_t timeout_ms = 10'000;
  uint32_t answer_max = 65'536;
  http::Tls tls;
  uint32_t retry_min_ms = 1'000, retry_max_ms = 60'000;
  bool max_below_min = false;  // reconnect.max_ms is less than min_ms, which is used
};

// Throws dtu::Failure (DTU_E_INVALID) naming the key, its value and what is allowed. Unknown keys are the host's.
[[nodiscard]] Settings read_settings(std::string_view json);
// The same, and the certificate files. See dtu_ops.check.
void check_settings(std::string_view json, const dtu::Findings& found);

}  // namespace channel_http
