// A host, and what most tests of the MQTT channel do with it.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "host/test_host.hpp"
#include "mosquitto.hpp"
#include "wire.hpp"

namespace mqtt_test {

using dtu::test::Instance;
using dtu::test::Message;

class MqttTest : public ::testing::Test {
 protected:
  // conf.<id> for a broker on the loopback: `more` is added to the object and may be "".
  static std::string conf(int port, const std::string& more = "");
  Instance make(const std::string& config);
  Instance up(const std::string& config);  // started, and waited for
  bool wait(const std::function<bool()>& done, Ms deadline = Ms(10000)) { return host.run_until(done, deadline); }
  bool wait_state(const Instance& i, int32_t state) {
    return wait([&] { return host.state(i) == state; });
  }
  // Sends all of them, waiting for room as the kernel does. The number taken.
  size_t send_all(Instance& i, const std::vector<Message>& messages);
  [[nodiscard]] size_t completed(dtu_status status);
  std::string trouble();  // reports and logs, to show when a test fails

  dtu::test::TestHost host;
};

}  // namespace mqtt_test
