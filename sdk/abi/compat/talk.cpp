// Commands that answer later, tell of it and ask others, and a dialect that hands on everything.
#include <dtu/events.h>
#include <dtu/sdk.hpp>
#include <dtu/sdk/json.hpp>

#include <map>
#include <vector>

namespace {

constexpr char kTwoNumbers[] = R"({"type": "object", "additionalProperties": false, "required": ["a", "b"],
  "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}})";

constexpr dtu_event_info kAdded{sizeof(dtu_event_info), 0, "compat.added", "Two numbers were added",
                                R"({"type": "object", "properties": {"sum": {"type": "integer"}}})"};
constexpr const dtu_event_info* kEvents[] = {&kAdded};
constexpr dtu_events kEventsTable{sizeof(dtu_events), 1, kEvents};
constexpr dtu_iface kEventsIface{DTU_EVENTS_IFACE, &kEventsTable};

class Talk : public dtu::Component, public dtu::CommandsIface, public dtu::DialectIface {
 public:
  static constexpr const char* dialect_names[] = {"compat", nullptr};
  Talk(dtu::Host host, std::string_view /*config*/) : Component(host) {}
  dtu_status start() override {
    const auto count = [](void* self, const dtu_event*) { ++static_cast<Talk*>(self)->heard_; };
    const dtu_subscription all{sizeof all, 0, dtu::str("compat."), count, nullptr, this};
    uint64_t id = 0;
    if (events_ != nullptr && events_->subscribe(host_.instance(), &all, &id) != DTU_OK)
      host_.warn("dtu.events/1 takes no subscription");
    host_.report(DTU_STATE_UP);
    return DTU_OK;
  }
  dtu_status stop(uint32_t /*deadline_ms*/) override {
    timers_.clear();
    asked_.clear();
    return DTU_OK;
  }

  void list_commands(const Each& each) override {
    each(command("compat.add", kTwoNumbers));
    each(command("compat.ask", kTwoNumbers));
    dtu_command_info who = command("compat.who", "");
    who.flags = DTU_COMMAND_SHARED;
    each(who);
  }
  dtu_status invoke(uint64_t call, std::string_view name, std::string_view args,
                    const dtu_caller& /*caller*/) override {
    if (name == "compat.ask") return ask(call, args);
    if (name == "compat.who") return list(call);
    if (name != "compat.add") throw dtu::Failure(DTU_E_NOT_FOUND, "there is no command " + std::string(name));
    const dtu::Json numbers(args);
    const int64_t sum = numbers["a"].integer() + numbers["b"].integer();
    const auto later = timers_.try_emplace(call, host_, [this, call, sum] {
      host_.reply(call, std::to_string(sum));
      const std::string added = "{\"sum\":" + std::to_string(sum) + "}";
      if (events_ != nullptr) events_->publish(host_.instance(), dtu::str("compat.added"), dtu::str(added));
      timers_.erase(call);
    });
    later.first->second.arm_ms(1);
    return DTU_OK;
  }
  std::string health() override { return "{\"heard\":" + std::to_string(heard_) + "}"; }
  void cancel(uint64_t call) override { timers_.erase(call); }  // what was asked is answered, so asked_ must stay

  class Through : public Session {
   public:
    Through(dtu::Host host, const dtu_link_info& info)
        : host_(host), links_(host.need<dtu_link_service>(DTU_LINK_SERVICE)), link_(info.link) {
      for (uint64_t i = 0; i < info.channel_count; ++i) channels_.push_back(info.channels[i]->id);
    }
    void from_port(const dtu_msg& msg) override {
      for (const uint32_t id : channels_) links_.to_channel(host_.instance(), link_, id, &msg);
    }
    void from_channel(uint32_t /*channel*/, const dtu_msg& msg) override {
      links_.to_port(host_.instance(), link_, &msg);
    }

   private:
    dtu::Host host_;
    const dtu_link_service& links_;
    uint64_t link_;
    std::vector<uint32_t> channels_;
  };
  std::unique_ptr<Session> open_session(const dtu_link_info& link) override {
    return std::make_unique<Through>(host_, link);
  }

 private:
  struct Asked {
    Talk* talk;
    uint64_t call;
    std::string sum;
  };

  static dtu_command_info command(std::string_view name, const char* args) {
    dtu_command_info info{};
    info.struct_size = sizeof info;
    info.name = info.title = dtu::str(name);
    info.args_schema = dtu::str(args);
    return info;
  }
  // Who offers compat.who: ["command compat"].
  dtu_status list(uint64_t call) {
    if (!DTU_HAS(&asks_, dtu_invoke_service, list_commands))
      throw dtu::Failure(DTU_E_UNSUPPORTED, "this host does not list commands");
    std::string all;
    const auto each = [](void* to, dtu_str provider, const dtu_command_info* /*info*/) {
      auto& list = *static_cast<std::string*>(to);
      list += (list.empty() ? "" : ",") + dtu::quoted(dtu::view(provider));
    };
    const dtu_status status = asks_.list_commands(host_.instance(), dtu::str("compat.who"), each, &all);
    if (status != DTU_OK) throw dtu::Failure(status, "the commands are not listed");
    return host_.reply(call, "[" + all + "]");
  }
  // The sum from compat.add, then compat.messages from the board: {"sum": 3, "messages": 2000}.
  dtu_status ask(uint64_t call, std::string_view args) {
    Asked& asked = asked_[call];
    asked = {this, call, ""};
    dtu_request request{};
    request.struct_size = sizeof request;
    request.caller = DTU_CALLER_ASKER;
    request.for_call = call;
    request.command = dtu::str("compat.add");
    request.code = -1;
    request.args = dtu::str(args);
    request.done = [](void* ctx, const dtu_answer* answer) {
      Asked& a = *static_cast<Asked*>(ctx);
      a.sum = dtu::view(answer->json);
      dtu_error error{};
      const dtu_point_request point{sizeof point, 0, dtu::str("compat.messages"), {}, point_came, nullptr, &a};
      const dtu_status status = a.talk->asks_.read_point(a.talk->host_.instance(), &point, nullptr, &error);
      if (status == DTU_OK) return;
      a.talk->host_.reply_error(a.call, status, error.message);
      a.talk->asked_.erase(a.call);
    };
    request.ctx = &asked;
    dtu_error error{};
    const dtu_status status = asks_.invoke(host_.instance(), &request, nullptr, &error);
    if (status == DTU_OK) return DTU_OK;
    asked_.erase(call);
    throw dtu::Failure(status, error.message);
  }
  static void point_came(void* ctx, const dtu_answer* answer) {
    const Asked& a = *static_cast<Asked*>(ctx);
    Talk& talk = *a.talk;
    const std::string messages(answer->status == DTU_OK ? dtu::view(answer->json) : "null");
    talk.host_.reply(a.call, "{\"sum\":" + a.sum + ",\"messages\":" + messages + "}");
    talk.asked_.erase(a.call);
  }

  const dtu_invoke_service& asks_ = host_.need<dtu_invoke_service>(DTU_INVOKE_SERVICE);
  const dtu_events_service* events_ = host_.service<dtu_events_service>(DTU_EVENTS_SERVICE);  // null in older hosts
  int heard_ = 0;
  std::map<uint64_t, dtu::Timer> timers_;
  std::map<uint64_t, Asked> asked_;
};

DTU_COMPONENT(talk, Talk, DTU_KIND_COMMAND, "compat", "Sums",
              R"({"type": "object", "additionalProperties": false, "properties": {}})", 0, dtu::commands_iface<Talk>,
              dtu::dialect_iface<Talk>, kEventsIface);

}  // namespace

DTU_PLUGIN("org.dtukit.compat.talk", "1.0.0", "dtukit", "Apache-2.0", "command:compat", &talk);
