// One request and its answer over one connection.
#pragma once
#include <string>

#include <dtu/kit/http/message.hpp>
#include "http/connection.hpp"

namespace http {

struct Exchanged {
  Answer answer;         // with a trouble: its head came, its body did not
  std::string location;  // where a redirect leads; "" = none
  bool keep = false;     // the connection may serve another request
};

// Throws Broken when no head of an answer came. with_headers: with those of the request.
[[nodiscard]] Exchanged exchange(Connection& connection, const Request& request, bool with_headers,
                                 const Patience& patience);

}  // namespace http
