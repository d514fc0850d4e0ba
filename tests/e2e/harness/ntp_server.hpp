// An NTP server on the loopback, whose clock is ahead of that of this machine. It runs on a thread of its own.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "descriptor.hpp"

namespace e2e {

class NtpServer {
 public:
  explicit NtpServer(std::chrono::nanoseconds ahead)
      : ahead_(ahead), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&at), size) == 0 &&
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0)
      port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  NtpServer(const NtpServer&) = delete;
  NtpServer& operator=(const NtpServer&) = delete;
  ~NtpServer() {
    done_ = true;
    thread_.join();
  }
  [[nodiscard]] uint16_t port() const { return port_; }

 private:
  void serve() {
    while (!done_) {
      pollfd ready{socket_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 50) != 1) continue;
      std::array<char, 48> packet{};
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      auto* to = reinterpret_cast<sockaddr*>(&from);
      if (::recvfrom(socket_.get(), packet.data(), packet.size(), 0, to, &size) < 48) continue;
      for (size_t i = 0; i < 8; ++i) packet.at(24 + i) = packet.at(40 + i);  // the originate timestamp
      packet[0] = 0x24;                                                      // version 4, server
      packet[1] = 1;
      const auto now = std::chrono::system_clock::now().time_since_epoch() + ahead_;
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now);
      const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(now - seconds).count();
      const uint64_t time = static_cast<uint64_t>(seconds.count() + 2'208'988'800) << 32U |
                            (static_cast<uint64_t>(rest) << 32U) / 1'000'000'000;
      for (const size_t at : {16U, 32U, 40U})
        for (size_t i = 0; i < 8; ++i) packet.at(at + i) = static_cast<char>(time >> (56 - 8 * i));
      ::sendto(socket_.get(), packet.data(), packet.size(), 0, to, size);
    }
  }

  const std::chrono::nanoseconds ahead_;
  Descriptor socket_;
  uint16_t port_ = 0;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace e2e
