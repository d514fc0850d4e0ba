#include "server_list.hpp"

namespace channel_tcp {

std::string ServerName::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

ServerList::Next ServerList::failed() {
  if (alone() || ++failed_ < rounds_) return Next::same;
  failed_ = 0;
  current_ = (current_ + 1) % servers_.size();
  return current_ == 0 ? Next::first : Next::other;
}

void ServerList::back_to_first() {
  current_ = 0;
  failed_ = rounds_ - 1;
}

}  // namespace channel_tcp
