// Reads HTTP/1.x requests from the bytes of a connection, piece by piece. Only a request that is complete is given out:
// one with a body that ends early, or with a chunk size that cannot be read, is refused. No input is read here, and no
// memory is taken beyond what has arrived.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "control/backend.hpp"

namespace Poco::Net {
class HTTPRequest;
}

namespace dtud::control {

struct Request {
  std::string method, target, body;
  bool keep_alive = false;  // the client may send another request on this connection
  bool chunks = false;      // the client understands an answer in chunks (HTTP/1.1)
};

class RequestReader {
 public:
  struct Limits {
    size_t head = 16U << 10U;
    size_t body = 1U << 20U;
  };
  enum class State {
    incomplete,
    complete,  // request() gives it
    refused,   // refusal() says why; the rest of the connection cannot be read as requests
  };
  explicit RequestReader(Limits limits) : limits_(limits) {}

  // Bytes that arrived. Not after `refused`.
  State take(std::string_view bytes);
  // The client sends no more: an incomplete request is refused, nothing at all stays `incomplete`.
  State end();
  [[nodiscard]] bool begun() const { return part_ != Part::head || !buffer_.empty(); }
  // Once for a request whose client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool take_continue();
  // After `complete`. The bytes behind it begin the next request: call take({}).
  [[nodiscard]] Request request();
  [[nodiscard]] const Answer& refusal() const { return refusal_; }
  [[nodiscard]] size_t held() const { return buffer_.size() + request_.body.size(); }  // bytes

 private:
  enum class Part { head, counted, chunk_size, chunk_data, chunk_end, trailers, complete, refused };
  void step();
  void refuse(int status, std::string_view text);
  void read_head();
  void take_head(const std::string& text);
  void take_framing(const Poco::Net::HTTPRequest& head);
  void read_counted();
  void read_chunk_size();
  void read_chunk_data();
  void read_chunk_end();
  void read_trailers();
  [[nodiscard]] bool take_line(std::string_view& line, size_t longest, const char* what);
  [[nodiscard]] State state() const;

  const Limits limits_;
  std::string buffer_;  // arrived and not read
  size_t at_ = 0;       // of it, while it is read
  Part part_ = Part::head;
  bool waits_ = false;  // more bytes are needed for the next step
  bool continue_ = false;
  size_t left_ = 0;  // of the body, or of the chunk
  size_t trailers_ = 0;
  Request request_;
  Answer refusal_;
};

}  // namespace dtud::control
