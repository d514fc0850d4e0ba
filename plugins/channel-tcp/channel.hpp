// The component: reads its configuration and is a client or a server.
#pragma once
#include <dtu/sdk.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "endpoint.hpp"

namespace channel_tcp {

class TcpChannel : public dtu::Component, public dtu::ChannelIface {
 public:
  TcpChannel(dtu::Host host, std::string_view config) : TcpChannel(host, config, World()) {}
  TcpChannel(dtu::Host host, std::string_view config, World world);
  static void check(std::string_view config, dtu::Findings& found) { check_settings(config, found); }

  dtu_status start() override;
  dtu_status stop(uint32_t deadline_ms) override;
  void writable(uint64_t source) override;
  std::string health() override;
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override;
  dtu_status flush(uint32_t deadline_ms) override;

 private:
  Context context_;
  std::unique_ptr<Endpoint> endpoint_;
};

}  // namespace channel_tcp
