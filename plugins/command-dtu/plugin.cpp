// The component: two dialects over one parser, the commands of the function codes, and the keys of the device document
// that the sessions read (link_settings.hpp).
#include <dtu/sdk.hpp>
#include <dtu/sdk/keys.hpp>

#include "commands.hpp"
#include "convert.json.hpp"
#include "events.json.hpp"
#include "plate.json.hpp"
#include "reply.json.hpp"
#include "schema.json.hpp"
#include "session.hpp"

namespace command_dtu {
namespace {

class DtuCommand final : public dtu::Component, public dtu::DialectIface, public dtu::CommandsIface {
 public:
  static constexpr const char* dialect_names[] = {"command", "through", nullptr};
  static constexpr dtu_key_info keys[] = {dtu::key("plate", "Device id in answers", plate_json),
                                          dtu::key("convert", "Payloads as hex text in JSON", convert_json),
                                          dtu::key("reply", "Form of answers", reply_json),
                                          dtu::key("events", "Events that go to the channels", events_json)};

  DtuCommand(dtu::Host host, std::string_view /*config*/)
      : dtu::Component(host), asker_(host), commands_(host, asker_, diagnosis_) {}

  static void check(std::string_view /*config*/, dtu::Findings& /*found*/) {}  // it has no settings

  std::unique_ptr<dtu::DialectIface::Session> open_session(const dtu_link_info& link) override {
    return std::make_unique<command_dtu::Session>(host_, asker_, diagnosis_, ids_, events_, link);
  }
  void list_commands(const CommandsIface::Each& each) override { Commands::list(each); }
  dtu_status invoke(uint64_t call, std::string_view name, std::string_view args,
                    const dtu_caller& /*caller*/) override {
    return commands_.invoke(call, name, args);
  }
  void cancel(uint64_t call) override { commands_.cancel(call); }
  std::string health() override {
    return "{\"running\":" + std::to_string(commands_.running()) + ",\"waiting\":" + std::to_string(asker_.pending()) +
           ",\"diagnosis\":" + diagnosis_.json() + "}";
  }

 private:
  Asker asker_;
  Diagnosis diagnosis_;
  MessageIds ids_;
  EventFeed events_{host_};
  Commands commands_;
};

DTU_COMPONENT(dtu_component_, DtuCommand, DTU_KIND_COMMAND, "dtu", "DTU command protocol", schema_json, 0,
              dtu::dialect_iface<DtuCommand>, dtu::commands_iface<DtuCommand>, dtu::keys_iface<DtuCommand>);

}  // namespace
}  // namespace command_dtu

DTU_PLUGIN("org.dtukit.command-dtu", "0.1.0", "dtukit", "Apache-2.0",
           "command:dtu key:plate key:convert key:reply key:events", &command_dtu::dtu_component_);
