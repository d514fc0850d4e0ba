// A command component of type template-name with two commands: template-name.greet answers at once, template-name.wait
// later. Anybody may call them: dtuctl, a broker, a serial frame. Put your functions in their place.
//
// All functions run on the lane of the instance, one at a time: nothing here needs a lock, and nothing may block.
#include <dtu/sdk.hpp>
#include <dtu/sdk/json.hpp>

#include <map>

#include "schema.json.hpp"

namespace {

constexpr char kGreetArgs[] = R"({"type": "object", "additionalProperties": false, "properties": {
  "name": {"title": "Whom", "type": "string", "minLength": 1, "maxLength": 100}}, "required": ["name"]})";
constexpr char kWaitArgs[] = R"({"type": "object", "additionalProperties": false, "properties": {
  "ms": {"title": "Milliseconds", "type": "integer", "minimum": 0, "maximum": 5000, "default": 1000}}})";

constexpr size_t kWaitingMax = 16;

class TemplateName : public dtu::Component, public dtu::CommandsIface {
 public:
  // The configuration satisfies schema.json, with its defaults filled in. Only logging and look-ups are allowed here.
  TemplateName(dtu::Host host, std::string_view config) : Component(host), greeting_(greeting_of(config)) {}

  // What dtud --check and a new configuration are told, without an instance. What the constructor throws is found here.
  static void check(std::string_view config, dtu::Findings& /*found*/) { (void)greeting_of(config); }

  dtu_status start() override {
    host_.report(DTU_STATE_UP);
    return DTU_OK;
  }

  dtu_status stop(uint32_t /*deadline_ms*/) override {
    waiting_.clear();  // the host answers for calls that are still open
    return DTU_OK;
  }

  void list_commands(const Each& each) override {
    each(command("template-name.greet", "Greets", kGreetArgs));
    each(command("template-name.wait", "Answers after a while", kWaitArgs));
  }

  // The arguments satisfy the schema. Exactly one reply for each call that did not fail.
  dtu_status invoke(uint64_t call, std::string_view name, std::string_view args, const dtu_caller& caller) override {
    const dtu::Json arguments(args.empty() ? "{}" : args);
    if (name == "template-name.greet") {
      const std::string text = greeting_ + ", " + arguments["name"].text() + "!";
      return host_.reply(
          call, "{\"text\":" + dtu::quoted(text) + ",\"asked_by\":" + dtu::quoted(dtu::view(caller.name)) + "}");
    }
    if (name == "template-name.wait") return wait(call, static_cast<uint64_t>(arguments["ms"].integer(1000)));
    throw dtu::Failure(DTU_E_NOT_FOUND, "there is no command " + std::string(name));
  }

  // Nobody waits for this answer any more.
  void cancel(uint64_t call) override { waiting_.erase(call); }

 private:
  static std::string greeting_of(std::string_view config) { return dtu::Json(config)["greeting"].text(); }
  static dtu_command_info command(std::string_view name, std::string_view title, std::string_view args) {
    dtu_command_info info{};  // no codes: it is called by its name
    info.struct_size = sizeof info;
    info.name = dtu::str(name);
    info.title = dtu::str(title);
    info.args_schema = dtu::str(args);
    return info;
  }

  dtu_status wait(uint64_t call, uint64_t ms) {
    if (waiting_.size() >= kWaitingMax) throw dtu::Failure(DTU_AGAIN, "too many wait already", DTU_ERR_RETRYABLE);
    const auto [at, added] = waiting_.try_emplace(call, host_, [this, call, ms] {
      host_.reply(call, "{\"waited_ms\":" + std::to_string(ms) + "}");
      waiting_.erase(call);  // this timer too: nothing may follow
    });
    if (added) at->second.arm_ms(ms);
    return DTU_OK;
  }

  std::string greeting_;
  std::map<uint64_t, dtu::Timer> waiting_;
};

DTU_COMPONENT(template_name, TemplateName, DTU_KIND_COMMAND, "template-name", "Greets and waits", schema_json, 0,
              dtu::commands_iface<TemplateName>);

}  // namespace

DTU_PLUGIN("org.example.command-template-name", "0.1.0", "Template Vendor", "Proprietary", "command:template-name",
           &template_name);
