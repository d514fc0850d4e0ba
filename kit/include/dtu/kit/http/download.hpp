// A body that is too large for memory: GET into a sink, from where an earlier try ended. Blocks; for a program of its
// own.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <dtu/kit/http/addresses.hpp>
#include <dtu/kit/http/patience.hpp>
#include <dtu/kit/http/tls.hpp>

namespace http {

struct Wanted {
  Url url;
  uint64_t from = 0;      // bytes that are there already
  std::string validator;  // what the server said they are a part of: ETag or Last-Modified; "" = it said nothing
  uint64_t most = 0;      // bytes of the whole; more are not taken
};

struct Begun {
  uint64_t from = 0;              // 0: the whole comes, what was there is worth nothing
  std::optional<uint64_t> total;  // bytes of the whole, if the server says
  std::string validator;
};

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;
  virtual void begin(const Begun& begun) = 0;  // once, before the first piece
  virtual void take(std::string_view piece) = 0;
};

enum class Outcome : uint8_t {
  complete,    // as far as the server says
  again,       // the connection was lost, or the server is busy: go on later
  from_start,  // what is there does not go together with what the server has
  refused      // trying again will not help
};

struct Downloaded {
  Outcome outcome = Outcome::again;
  std::string text;            // why, for people
  uint64_t retry_after_s = 0;  // the server's wish; 0: none
};

// One try over connections of its own; what the sink throws comes out as it is, and so does Broken when stopped.
// `context` is used for https. Redirects as the client follows them: five, never from https to http, no other scheme.
[[nodiscard]] Downloaded download(const Wanted& wanted, SSL_CTX* context, const Lookup& lookup,
                                  const Patience& patience, Sink& sink);

}  // namespace http
