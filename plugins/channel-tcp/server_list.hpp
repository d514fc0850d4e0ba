// Which of its servers a client tries: the one of url and port, and those of backup, in turn. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace channel_tcp {

struct ServerName {
  std::string host;  // name or address, without brackets
  uint16_t port = 0;
  [[nodiscard]] std::string text() const;  // "example.org:8305", "[fd00::1]:8305"
};

class ServerList {
 public:
  // After `rounds` failed rounds in a row on one server it is the next one's turn.
  ServerList(std::vector<ServerName> servers, uint32_t rounds) : servers_(std::move(servers)), rounds_(rounds) {}

  [[nodiscard]] const ServerName& current() const { return servers_[current_]; }
  [[nodiscard]] size_t number() const { return current_; }  // 0: the first; N: the Nth of backup
  [[nodiscard]] bool alone() const { return servers_.size() == 1; }

  enum class Next {
    same,   // the same server again
    other,  // another one, which was not tried since the first one's turn
    first,  // all were tried: the first one again
  };
  Next failed();
  void worked() { failed_ = 0; }
  // Try the first one once, though the current one works; failed() leads to the others.
  void back_to_first();

 private:
  std::vector<ServerName> servers_;
  uint32_t rounds_;
  uint32_t failed_ = 0;
  size_t current_ = 0;
};

}  // namespace channel_tcp
