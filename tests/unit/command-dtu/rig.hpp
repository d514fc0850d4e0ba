// The plugin with a link of its own, and a kernel that checks passwords and carries out its commands.
#pragma once
#include <dtu/commands.h>
#include <dtu/dialect.h>
#include <gmock/gmock.h>
#include <dtu/sdk/text.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "frames.hpp"
#include "host/test_host.hpp"
#include "json_view.hpp"

namespace command_dtu::test {

struct ChannelSetup {
  uint32_t id;
  std::string type;
  bool topics;
  std::string config = "{}";
  uint64_t more_caps = 0;
};

struct LinkSetup {
  std::string dialect = "command";
  std::string port = "1";
  std::string port_config = "{}";
  std::string device_config = "{}";
  uint32_t baud = 115200;
  std::vector<ChannelSetup> channels = {
      {1, "tcp", false},
      {2, "mqtt", true, R"({"subscribe":{"0":"/down","1":"/down1"},"publish":{"0":"/up","1":"/up1"}})"}};
};

inline const std::string good_password = "012345";

class Rig {
 public:
  explicit Rig(const LinkSetup& setup = {}) : plugin_(host.create(*dtu_plugin_v0.components[0])) {
    host.use_fake_clock();
    EXPECT_TRUE(plugin_) << plugin_.error();
    EXPECT_EQ(plugin_.start(), DTU_OK);
    dialect_ = plugin_.iface<dtu_dialect>(DTU_DIALECT_IFACE);
    commands_ = plugin_.iface<dtu_commands>(DTU_COMMANDS_IFACE);
    commands_->list(
        plugin_.self(), [](void* ctx, const dtu_command_info* i) { static_cast<Rig*>(ctx)->listed(*i); }, this,
        nullptr);
    open(setup);
  }
  ~Rig() { close(); }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  void open(const LinkSetup& setup, bool forget = true) {
    std::vector<dtu_bound_channel> bound;
    for (const ChannelSetup& c : setup.channels)
      bound.push_back({sizeof(dtu_bound_channel), c.id, dtu::str(c.type), (c.topics ? DTU_CAP_TOPICS : 0) | c.more_caps,
                       dtu::str(c.config)});
    std::vector<const dtu_bound_channel*> pointers;
    for (const dtu_bound_channel& b : bound) pointers.push_back(&b);
    dtu_link_info info{};
    info.struct_size = sizeof info;
    info.link = 77;
    info.dialect = dtu::str(setup.dialect);
    info.port = dtu::str(setup.port);
    info.baud = setup.port.empty() ? 0 : setup.baud;
    info.bits_per_char = 10;
    info.port_config = dtu::str(setup.port_config);
    info.device_config = dtu::str(setup.device_config);
    info.channels = pointers.data();
    info.channel_count = pointers.size();
    dtu_error error{};
    ASSERT_EQ(dialect_->open(plugin_.self(), &info, &session_, &error), DTU_OK) << error.message;
    settle();  // it asks for an upgrade that may be under way
    if (forget) clear();
  }
  void close() {
    if (session_ != nullptr) dialect_->close(plugin_.self(), std::exchange(session_, nullptr));
  }

  void port(const std::string& bytes) {
    dtu::test::Message message;
    message.payload = bytes;
    const dtu::test::OwnedMsg owned(std::move(message));
    dialect_->from_port(plugin_.self(), session_, owned.get());
    settle();
  }
  void channel(uint32_t id, const std::string& payload, const std::string& route = "", uint64_t peer = 0,
               uint32_t flags = 0) {
    dtu::test::Message message;
    message.payload = payload;
    message.route = route;
    message.source = peer;
    message.flags = flags;
    const dtu::test::OwnedMsg owned(std::move(message));
    dialect_->from_channel(plugin_.self(), session_, id, owned.get());
    settle();
  }
  // error_code: of the DTU protocol, as a channel gives it along; -1: no error at all.
  void state(uint32_t id, int32_t state, int error_code = -1) {
    const dtu_error error = dtu::make_error(DTU_E_IO, "lost", 0, static_cast<uint32_t>(std::max(error_code, 0)));
    dialect_->channel_state(plugin_.self(), session_, id, state, error_code < 0 ? nullptr : &error);
    settle();
  }

  // Lets questions and answers go round until nothing moves.
  void settle() {
    for (int quiet = 0; quiet < 3; ++quiet) {
      host.advance(std::chrono::milliseconds(0));
      for (; replies_seen_ < host.replies().size(); ++replies_seen_, quiet = -1) {
        const dtu::test::Reply reply = host.replies()[replies_seen_];
        const auto call = calls_.find(reply.call);
        ASSERT_NE(call, calls_.end());
        const uint64_t request = call->second;
        calls_.erase(call);
        host.answer(request, {reply.status, reply.json, reply.error, reply.flags, reply.protocol_code});
      }
    }
  }

  [[nodiscard]] std::vector<std::string> to_port() { return sent(0); }
  [[nodiscard]] std::vector<std::string> to_channel(uint32_t id) { return sent(id); }
  // The JSON of the one answer on the line.
  [[nodiscard]] std::string local_answer() {
    const auto lines = to_port();
    if (lines.size() != 1) return "there are " + std::to_string(lines.size()) + " messages";
    const size_t comma = lines[0].find(',', lines[0].find(',') + 1);
    const std::string json = lines[0].substr(comma + 1);
    EXPECT_EQ(lines[0], checked(json));
    return json;
  }
  // Asks on the line and gives one member of the answer, as JSON.
  std::string ask(const std::string& json, std::string_view what = "data") {
    host.clear();
    replies_seen_ = 0;
    port(local(json));
    const std::string answer = local_answer();
    const auto value = member(answer, what);
    return value ? std::string(value->text) : "no " + std::string(what) + " in " + answer;
  }
  std::string ask_code(const std::string& code, const std::string& data = "{}") {
    return ask("{\"cmd_code\":" + code + ",\"password\":\"" + good_password + "\",\"data\":" + data + "}");
  }
  [[nodiscard]] uint64_t dropped(std::string_view reason) {
    uint64_t bytes = 0;
    for (const auto& d : host.drops())
      if (d.reason == reason) bytes += d.bytes;
    return bytes;
  }
  void clear() {
    host.clear();
    replies_seen_ = 0;
  }
  [[nodiscard]] const std::map<uint32_t, uint32_t>& flags_by_code() const { return flags_; }
  [[nodiscard]] dtu::test::Instance& plugin() { return plugin_; }
  [[nodiscard]] const dtu_commands& commands() const { return *commands_; }

  dtu::test::TestHost host;

 private:
  std::vector<std::string> sent(uint32_t id) {
    std::vector<std::string> payloads;
    for (const auto& w : host.link_writes())
      if (w.channel == id) payloads.push_back(w.payload);
    return payloads;
  }
  void listed(const dtu_command_info& info) {
    const std::string name(dtu::view(info.name));
    for (uint64_t i = 0; i < info.code_count; ++i) {
      ASSERT_EQ(flags_.count(info.codes[i]), 0U) << "code " << info.codes[i] << " is there twice";
      flags_[info.codes[i]] = info.flags;
      host.on_code(info.codes[i],
                   [this, name, flags = info.flags](const dtu::test::Request& r) { return carry_out(name, flags, r); });
    }
  }
  std::optional<dtu::test::Answer> carry_out(const std::string& name, uint32_t flags, const dtu::test::Request& r) {
    if ((flags & DTU_COMMAND_PASSWORD) != 0 && !r.password) return {{DTU_E_DENIED, "", "send the password"}};
    if ((flags & DTU_COMMAND_PASSWORD) != 0 && r.password != good_password)
      return {{DTU_E_WRONG_PASSWORD, "", "wrong password"}};
    const uint64_t call = ++last_call_;
    calls_[call] = r.id;
    dtu_error error{};
    const dtu_caller caller{sizeof caller, r.caller, r.channel, r.peer, dtu::str("somebody")};
    const dtu_invocation asked{sizeof asked, 0, call, dtu::str(name), dtu::str(r.args), &caller};
    const dtu_status status = commands_->invoke(plugin_.self(), &asked, &error);
    if (status == DTU_OK) return std::nullopt;
    calls_.erase(call);
    return {{status, "", error.message, error.flags, error.protocol_code}};
  }

  dtu::test::Instance plugin_;
  const dtu_dialect* dialect_ = nullptr;
  const dtu_commands* commands_ = nullptr;
  void* session_ = nullptr;
  std::map<uint32_t, uint32_t> flags_;
  std::map<uint64_t, uint64_t> calls_;  // the plugin's call to the request it answers
  uint64_t last_call_ = 0;
  size_t replies_seen_ = 0;
};

}  // namespace command_dtu::test
