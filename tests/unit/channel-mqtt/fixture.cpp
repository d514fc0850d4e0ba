#include "fixture.hpp"

namespace mqtt_test {

std::string MqttTest::conf(int port, const std::string& more) {
  // A member given twice is the first one.
  return "{" + (more.empty() ? "" : more + ", ") + R"("url": "127.0.0.1", "port": )" + std::to_string(port) +
         R"(, "clientID": "dtu-under-test", "publish": {"0": "up"}, "reconnect": {"min_ms": 20, "max_ms": 200}})";
}

Instance MqttTest::make(const std::string& config) { return host.create(*DTU_ENTRY.components[0], config); }

Instance MqttTest::up(const std::string& config) {
  Instance i = make(config);
  EXPECT_TRUE(i) << i.error();
  if (i) {
    EXPECT_EQ(i.start(), DTU_PENDING) << i.error();
    EXPECT_TRUE(wait_state(i, DTU_STATE_UP)) << trouble();
  }
  return i;
}

size_t MqttTest::send_all(Instance& i, const std::vector<Message>& messages) {
  size_t sent = 0;
  while (sent < messages.size()) {
    const size_t told = host.writables().size();
    const size_t n = std::min<size_t>(64, messages.size() - sent);
    const auto result =
        i.send({messages.begin() + static_cast<ptrdiff_t>(sent), messages.begin() + static_cast<ptrdiff_t>(sent + n)});
    sent += result.taken;
    if (result.status == DTU_AGAIN) {
      if (!wait([&] { return host.writables().size() > told || host.state(i) != DTU_STATE_UP; })) break;
    } else if (result.status != DTU_OK) {
      break;
    }
  }
  return sent;
}

size_t MqttTest::completed(dtu_status status) {
  size_t n = 0;
  for (const auto& c : host.completions()) n += c.status == status ? 1 : 0;
  return n;
}

std::string MqttTest::trouble() {
  std::string out;
  for (const auto& r : host.reports()) out += "report " + std::to_string(r.state) + " " + r.text + "\n";
  for (const auto& l : host.logs()) out += "log " + l.text + "\n";
  return out;
}

}  // namespace mqtt_test
