// A server under test and its clients.
#pragma once
#include <gtest/gtest.h>

#include "remote.hpp"

namespace channel_tcp::test {

// A listening server, and clients that are known to it by the ids 1, 2, ...
class TcpServer : public testing::Test {
 protected:
  void listen(const std::string& extra = "") {
    inst = std::make_unique<Instance>(host.create(component(), server_config(extra)));
    ASSERT_TRUE(*inst) << inst->error();
    ASSERT_EQ(inst->start(), DTU_PENDING);
    ASSERT_TRUE(host.run_until([&] { return host.state(*inst) != 0; }));
    port = listen_port(*inst);
    ASSERT_NE(port, 0);
  }
  // From another address of this machine: "127.0.0.2".
  Remote& join_from(const std::string& address) { return joined_by(Remote::connect(port, 0, address)); }
  Remote& join(int receive_buffer = 0) { return joined_by(Remote::connect(port, receive_buffer)); }
  Remote& joined_by(Remote remote) {
    remotes.push_back(std::make_unique<Remote>(std::move(remote)));
    const size_t n = ++joined;
    EXPECT_TRUE(host.run_until([&] { return health(*inst, "connects") == std::to_string(n); }));
    return *remotes.back();
  }
  bool received(Remote& r, const std::string& what) {
    return host.run_until([&] {
      r.read();
      return r.received == what;
    });
  }
  // The channel takes the connection and ends it.
  bool ends(Remote& r) {
    return host.run_until([&] {
      r.read();
      return r.ended();
    });
  }
  Message to(uint64_t peer, const std::string& payload) {
    Message m{payload};
    m.source = peer;
    return m;
  }

  TestHost host;
  uint16_t port = 0;
  size_t joined = 0;
  std::vector<std::unique_ptr<Remote>> remotes;
  std::unique_ptr<Instance> inst;
};

}  // namespace channel_tcp::test
