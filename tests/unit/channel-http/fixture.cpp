#include "fixture.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

namespace channel_http::test {

std::string ChannelTest::conf(const std::string& url, const std::string& more) {
  return R"({"url": ")" + url + R"(", "reconnect": {"min_ms": 20, "max_ms": 80})" + (more.empty() ? "" : ", " + more) +
         "}";
}

Instance ChannelTest::up(const std::string& config) {
  Instance i = make(config);
  EXPECT_TRUE(i) << i.error();
  if (i) {
    EXPECT_EQ(i.start(), DTU_OK) << i.error();
    EXPECT_EQ(host.state(i), DTU_STATE_UP);
  }
  return i;
}

void ChannelTest::send_all(Instance& i, const std::vector<Message>& messages) {
  for (size_t sent = 0; sent < messages.size();) {
    const size_t told = host.writables().size();
    const auto result = i.send({messages.begin() + static_cast<ptrdiff_t>(sent), messages.end()});
    sent += result.taken;
    if (result.status != DTU_AGAIN) {
      ASSERT_EQ(result.status, DTU_OK) << result.error;
    } else {
      ASSERT_TRUE(wait([&] { return host.writables().size() > told; })) << trouble();
    }
  }
}

bool ChannelTest::again(Instance& i, Message message, uint64_t token) {
  message.token = token;
  return wait([&] { return i.send({message}).taken == 1; });
}

int64_t ChannelTest::health(Instance& i, const std::string& key) {
  return Poco::JSON::Parser().parse(i.health()).extract<Poco::JSON::Object::Ptr>()->getValue<int64_t>(key);
}

std::string ChannelTest::trouble() {
  std::string out;
  for (const auto& r : host.reports()) out += "report " + std::to_string(r.state) + " " + r.text + "\n";
  for (const auto& l : host.logs()) out += "log " + l.text + "\n";
  return out;
}

Server::Script Notes::script(std::function<std::string(const Asked&, size_t count)> reply) {
  return Server::replies([this, reply = std::move(reply)](const Asked& asked) {
    size_t count = 0;
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back(asked);
      count = seen_.size();
    }
    return reply(asked, count);
  });
}

std::vector<Asked> Notes::all() {
  const std::lock_guard lock(mutex_);
  return seen_;
}

}  // namespace channel_http::test
