#include "settings.hpp"

namespace channel_udp {

Settings read_settings(std::string_view json) {
  Settings s;
  net::read_peer(dtu::Json(json), &s);
  net::check_peer(s);
  return s;
}

}  // namespace channel_udp
