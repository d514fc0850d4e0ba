// What an answer means for the message that asked.
#pragma once
#include <dtu/kit/http/message.hpp>

#include <cstdint>
#include <string>

namespace channel_http {

struct Verdict {
  enum class Kind : uint8_t {
    delivered,
    rejected,  // never delivered, whatever the server does with others
    refused,   // the server answered this message with a failure: it, or the server, may be the reason
    closed,    // the server closed the connection instead of an answer
    again,     // not the message: the server is not there, is busy, or does not know who asks
  };
  Kind kind = Kind::delivered;
  // Status code of the DTU protocol: 4001 request failed, 4002 HTTP 500, 4009 redirect, 5000 HTTP 404.
  uint32_t code = 0;
  std::string text;  // why, when not delivered
};

// An answer whose head said 2xx means delivered, whatever became of its body.
[[nodiscard]] Verdict judge(const http::Answer& answer, const http::Url& url);

}  // namespace channel_http
