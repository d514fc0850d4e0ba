#include "said.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>

namespace dtu_fetch {

Object::Ptr line(const char* say) {
  Object::Ptr o = new Object;
  o->set("say", std::string(say));
  return o;
}

void tell(const Object::Ptr& line) {
  std::ostringstream text;
  line->stringify(text);
  const std::string all = text.str() + "\n";
  for (size_t at = 0; at < all.size();) {
    const ssize_t n = ::write(STDOUT_FILENO, all.data() + at, all.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) std::_Exit(EXIT_FAILURE);
    at += static_cast<size_t>(n);
  }
}

void tell(const Failed& failed) {
  Object::Ptr o = line("failed");
  o->set("text", failed.text.substr(0, 1000));
  o->set("again", failed.again);
  o->set("from_start", failed.from_start);
  o->set("retry_after_s", failed.retry_after_s);
  tell(o);
}

}  // namespace dtu_fetch
