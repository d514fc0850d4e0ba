// The channel in a host, and a server that notes what it is asked.
#pragma once
#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "host/test_host.hpp"
#include "kit-http/server.hpp"

extern "C" const dtu_plugin DTU_ENTRY;

namespace channel_http::test {

using dtu::test::Instance;
using dtu::test::Message;
using http_test::answer;
using http_test::Asked;
using http_test::Peer;
using http_test::Server;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class ChannelTest : public ::testing::Test {
 protected:
  // {"url": ..., more}, with short waits between tries.
  static std::string conf(const std::string& url, const std::string& more = "");
  Instance make(const std::string& config) { return host.create(*DTU_ENTRY.components[0], config); }
  Instance up(const std::string& config);  // started, which makes it UP
  // Offers all of them as the kernel does: again from where it was full, when writable() came.
  void send_all(Instance& i, const std::vector<Message>& messages);
  bool wait(const std::function<bool()>& done) { return host.run_until(done, 30s); }
  bool completed(size_t n) {
    return wait([&] { return host.completions().size() >= n; });
  }
  // The kernel's part after a failure: the same message with the same token, once there is room.
  bool again(Instance& i, Message message, uint64_t token);
  static int64_t health(Instance& i, const std::string& key);
  std::string trouble();  // reports and logs, to show when a test fails

  dtu::test::TestHost host;
};

// Notes every request; what it answers is made of the one being asked.
struct Notes {
  Server::Script script(std::function<std::string(const Asked&, size_t count)> reply);
  [[nodiscard]] std::vector<Asked> all();
  [[nodiscard]] size_t count() { return all().size(); }

 private:
  std::mutex mutex_;
  std::vector<Asked> seen_;
};

}  // namespace channel_http::test
