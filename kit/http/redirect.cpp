#include "http/redirect.hpp"

#include <algorithm>
#include <array>
#include <dtu/sdk/text.hpp>

namespace http {

bool redirects(int status) {
  constexpr std::array<int, 5> all = {301, 302, 303, 307, 308};
  return std::find(all.begin(), all.end(), status) != all.end();
}

Url redirected(const Url& from, const std::string& location) {
  Url to;
  try {
    to = follow(from, location);
  } catch (const dtu::Failure& e) {
    throw Broken(Trouble::redirect, from.shown() + " redirects to an unusable address: " + e.what());
  }
  if (from.tls && !to.tls)
    throw Broken(Trouble::redirect,
                 from.shown() + " redirects to " + to.shown() + ", which is not encrypted: not followed");
  return to;
}

}  // namespace http
