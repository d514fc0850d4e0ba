// docs/protocol.md is right: every example in it is run against the real dtud, and every command has one.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include "harness/broker.hpp"
#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/mqtt.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

struct Example {
  int line;
  std::string who;  // "-", "line", "1", "2/0"
  bool asks;        // -> or line> or 1>
  std::string text;
};
struct Block {
  int line;
  std::string device;  // a new device; else
  std::vector<Example> examples;
};

// "who> text" or "who< text".
std::optional<Example> example_in(const std::string& text, int line) {
  const size_t at = text.find_first_of("<>");
  if (text.compare(0, 3, "-> ") == 0 || text.compare(0, 3, "<- ") == 0)
    return Example{line, "-", text[0] == '-', text.substr(3)};
  if (at == std::string::npos || at == 0 || text.compare(at + 1, 1, " ") != 0) return std::nullopt;
  return Example{line, text.substr(0, at), text[at] == '>', text.substr(at + 2)};
}

std::vector<Block> read_blocks(const std::string& path) {
  std::vector<Block> blocks;
  std::istringstream lines(read_file(path));
  enum class In { prose, device, exchange, other } in = In::prose;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.compare(0, 3, "```") == 0) {
      const std::string kind = line.substr(3);
      in = in != In::prose         ? In::prose
           : kind == "json device" ? In::device
           : kind == "exchange"    ? In::exchange
                                   : In::other;
      if (in == In::device || in == In::exchange) blocks.push_back({number, "", {}});
    } else if (in == In::device) {
      blocks.back().device += line + "\n";
    } else if (in == In::exchange) {
      const auto example = example_in(line, number);
      if (!example) throw std::runtime_error("line " + std::to_string(number) + " is no example: " + line);
      blocks.back().examples.push_back(*example);
    }
  }
  return blocks;
}

// Blanks outside strings go: answers are compact. What is no JSON object stays as it is.
std::string compact(const std::string& text) {
  if (text.empty() || text[0] != '{') return text;
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && text[i - 1] != '\\') in_string = !in_string;
    if (in_string || text[i] != ' ') out += text[i];
  }
  return out;
}

// <number>: digits; <any>: anything.
bool matches(std::string_view pattern, std::string_view text) {
  constexpr std::string_view number = "<number>", any = "<any>";
  const size_t same = std::min(pattern.find(number), pattern.find(any));
  if (same == std::string_view::npos) return pattern == text;
  if (text.substr(0, same) != pattern.substr(0, same)) return false;
  text.remove_prefix(same);
  const bool digits = pattern.compare(same, number.size(), number) == 0;
  pattern.remove_prefix(same + (digits ? number.size() : any.size()));
  size_t most = digits ? std::min(text.find_first_not_of("0123456789"), text.size()) : text.size();
  for (; most + 1 > (digits ? 1U : 0U); --most) {
    if (matches(pattern, text.substr(most))) return true;
    if (most == 0) break;
  }
  return false;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

// The device of the document, with a server and a broker of our own in place of those it names.
class World {
 public:
  explicit World(const std::string& device) {
    const Json document = parse_json(device);
    for (const std::string id : {"1", "2"}) {
      const Json channel = at(document, "conf." + id);
      if (text(channel, "protocol") == "tcp") servers_[id];
      if (text(channel, "protocol") == "mqtt") open_broker(id, channel);
    }
    dtud_.ports({{"1", pty_.device()}}).hal(R"({"type": "sim"})").device(here(device));
    dtud_.start();
    EXPECT_TRUE(dtud_.port_is("1", "up"));
    EXPECT_TRUE(eventually([&] { return text(dtud_.status(), "password") == "initial"; }));
    for (auto& [id, server] : servers_) peers_[id] = server.accept();
    for (auto& [id, broker] : brokers_) EXPECT_TRUE(dtud_.channel_is(id, "up"));
    for (auto& [id, server] : servers_) EXPECT_TRUE(dtud_.channel_is(id, "up"));
  }

  void run(const Example& example) {
    SCOPED_TRACE("docs/protocol.md, line " + std::to_string(example.line) + ": " + example.text);
    const std::string text = here(example.text);
    if (example.asks)
      say(example.who, text);
    else
      expect(example.who, compact(text));
  }
  // Nobody was told anything that the document does not show.
  void expect_silence() {
    const auto rest = [](Line& line) {  // readable may also mean closed, by a restart
      return line.ready(0) ? line.read_for(std::chrono::milliseconds(1)) : std::string();
    };
    EXPECT_EQ(rest(pty_), "") << "on the line";
    for (auto& [id, peer] : peers_) EXPECT_EQ(rest(peer), "") << "to channel " << id;
  }
  Dtud& dtud() { return dtud_; }

 private:
  struct Cloud {
    Broker broker;
    std::unique_ptr<MqttClient> client;
    Json channel;
  };
  void open_broker(const std::string& id, const Json& channel) {
    Cloud& cloud = brokers_[id];
    cloud.channel = channel;
    cloud.client = std::make_unique<MqttClient>(cloud.broker.port());
    cloud.client->subscribe("up/#", 1);
  }
  [[nodiscard]] std::string here(std::string text) const {
    for (const auto& [id, server] : servers_)
      text = replaced(text, R"("192.0.2.10", "port": "8305")",
                      R"("127.0.0.1", "port": ")" + std::to_string(server.port()) + "\"");
    for (const auto& [id, cloud] : brokers_)
      text = replaced(text, R"("broker.example", "port": "1883")",
                      R"("127.0.0.1", "port": ")" + std::to_string(cloud.broker.port()) + "\"");
    return text;
  }
  // "2/0": channel 2, topic id 0.
  static std::pair<std::string, std::string> channel_and_topic(const std::string& who) {
    const size_t slash = who.find('/');
    return {who.substr(0, slash), slash == std::string::npos ? "" : who.substr(slash + 1)};
  }

  void say(const std::string& who, const std::string& text) {
    const auto named = channel_and_topic(who);
    const std::string &id = named.first, &topic = named.second;  // a lambda may not hold a structured binding
    if (who == "-") {
      EXPECT_TRUE(pty_.write(command(text)));
    } else if (who == "line") {
      EXPECT_TRUE(pty_.write(text));
    } else if (const auto peer = peers_.find(id); peer != peers_.end()) {
      // A piece is a read of its own: the next one is not sent before dtud has it.
      const int64_t before = received(id);
      EXPECT_TRUE(peer->second.write(text));
      EXPECT_TRUE(eventually([&] { return received(id) >= before + static_cast<int64_t>(text.size()); }));
    } else if (const auto cloud = brokers_.find(id); cloud != brokers_.end()) {
      cloud->second.client->publish(e2e::text(cloud->second.channel, "subscribe." + topic), text, 1);
    } else {
      ADD_FAILURE() << "there is no channel " << id;
    }
  }
  [[nodiscard]] int64_t received(const std::string& id) const { return number(dtud_.channel(id), "rx_bytes"); }

  void expect(const std::string& who, const std::string& pattern) {
    const auto [id, topic] = channel_and_topic(who);
    if (who == "-") {
      const std::string answer = read_frame(pty_);
      EXPECT_TRUE(matches(pattern, answer)) << "the answer is " << answer;
      settle();
    } else if (who == "line") {
      expect_stream(pty_, pattern);
    } else if (const auto peer = peers_.find(id); peer != peers_.end()) {
      expect_stream(peer->second, pattern);
    } else if (const auto cloud = brokers_.find(id); cloud != brokers_.end()) {
      const auto message = cloud->second.client->next();
      ASSERT_TRUE(message) << "nothing was published";
      EXPECT_EQ(message->topic, e2e::text(cloud->second.channel, "publish." + topic));
      EXPECT_TRUE(matches(pattern, message->payload)) << "published was " << message->payload;
    } else {
      ADD_FAILURE() << "there is no channel " << id;
    }
  }
  static void expect_stream(Line& line, const std::string& pattern) {
    std::string got;
    while (!matches(pattern, got)) {
      const std::string more = line.read(1);
      got += more;
      const bool over = more.empty() || got.size() > 4 * pattern.size() + 64;
      ASSERT_FALSE(over) << "what came is " << got;
    }
  }
  // A document that was stored is applied: what is half on its way when a link is made anew would be lost.
  void settle() {
    EXPECT_TRUE(eventually([&] { return e2e::text(dtud_.status(), "config.applied") == "true"; }));
  }

  Pty pty_;
  Dtud dtud_;
  std::map<std::string, TcpServer> servers_;
  std::map<std::string, TcpPeer> peers_;
  std::map<std::string, Cloud> brokers_;
};

int64_t code_of(const std::string& request) {
  const std::string code = text(parse_json(request), "cmd_code");
  const bool hex = code.compare(0, 2, "0x") == 0;
  char* end = nullptr;
  const int64_t number = std::strtoll(code.c_str(), &end, hex ? 16 : 10);
  return !code.empty() && *end == '\0' ? number : -1;
}

TEST(ProtocolDocument, EveryExampleIsTrueAndEveryCommandHasOne) {
  const auto blocks = read_blocks(std::string(E2E_DOCS) + "/protocol.md");
  std::unique_ptr<World> world;
  std::set<int64_t> shown;
  Json commands;
  for (const Block& block : blocks) {
    if (!block.device.empty()) {
      world.reset();
      world = std::make_unique<World>(block.device);
      if (size(commands) == 0) commands = parse_json(world->dtud().get("/v1/commands").body);
      continue;
    }
    ASSERT_TRUE(world) << "an example before the first device file, line " << block.line;
    for (const Example& example : block.examples) {
      if (example.asks) shown.insert(code_of(example.text));
      world->run(example);
      if (testing::Test::HasFatalFailure()) return;
    }
    world->expect_silence();
  }
  EXPECT_GT(size(commands), 30U);
  for (size_t i = 0; i < size(commands); ++i) {
    const Json command = at(commands, "[" + std::to_string(i) + "]");
    const Json codes = at(command, "codes");
    bool found = size(codes) == 0;  // no function code: not a command of this protocol
    for (size_t k = 0; k < size(codes); ++k)
      found = found || shown.count(number(codes, "[" + std::to_string(k) + "]")) != 0;
    EXPECT_TRUE(found) << "docs/protocol.md has no example of " << text(command, "name");
  }
}

// What the test above rests on.
TEST(ProtocolDocument, PatternsAndExamples) {
  EXPECT_TRUE(matches("a<number>b<any>c", "a12bxxcc"));
  EXPECT_TRUE(matches("a<any>", "a"));
  EXPECT_FALSE(matches("a<number>b", "ab"));
  EXPECT_FALSE(matches("a<number>b", "a1xb"));
  EXPECT_FALSE(matches("abc", "abcd"));
  EXPECT_EQ(compact(R"({"a": "b c", "d": [1, 2]})"), R"({"a":"b c","d":[1,2]})");
  EXPECT_EQ(compact("1, 2"), "1, 2");
  const auto example = example_in("2/0< a > b", 7);
  ASSERT_TRUE(example);
  EXPECT_EQ(example->who, "2/0");
  EXPECT_FALSE(example->asks);
  EXPECT_EQ(example->text, "a > b");
  EXPECT_FALSE(example_in("just words", 1));
  EXPECT_EQ(code_of(R"({"cmd_code": "0x10"})"), 16);
}

}  // namespace
}  // namespace e2e
