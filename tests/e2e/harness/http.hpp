// HTTP/1.1 over a Unix socket, one connection a request.
#pragma once
#include <string>

#include "descriptor.hpp"

namespace e2e {

struct HttpAnswer {
  int status = 0;  // 0: no answer
  std::string body;
};
HttpAnswer http(const std::string& socket, const std::string& method, const std::string& path,
                const std::string& body = "");
// These bytes and no more, and the answer to them.
HttpAnswer http_bytes(const std::string& socket, const std::string& bytes);
// A connection on which these bytes were sent, and more may follow.
Descriptor http_begin(const std::string& socket, const std::string& bytes);

// An answer that goes on: GET /v1/tap, GET /v1/log?follow=1.
class HttpStream {
 public:
  HttpStream(const std::string& socket, const std::string& path);
  // Reads on until the text is in what came; false at the deadline.
  bool read_until(const std::string& text);
  [[nodiscard]] const std::string& received() const { return received_; }

 private:
  Descriptor fd_;
  std::string received_;
};

}  // namespace e2e
