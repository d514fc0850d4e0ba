// What an answer means for the message that asked.
#pragma once
#include <http/message.hpp>

#include <cstdint>
#include <string>

namespace channel_http {

struct Verdict {
  // closed: the server closed the connection instead of an answer.
  enum class Kind : uint8_t { delivered, rejected, again, closed };
  Kind kind = Kind::delivered;
  uint32_t code =
      0;  // status code of the DTU protocol: 4001 request failed, 4002 HTTP 500, 4009 redirect, 5000 HTTP 404
  std::string text;  // why, when not delivered
};

// An answer whose head said 2xx means delivered, whatever became of its body. Other 4xx than 408, 425 and 429 can never
// be delivered. All else may work later.
[[nodiscard]] Verdict judge(const http::Answer& answer, const http::Url& url);

}  // namespace channel_http
