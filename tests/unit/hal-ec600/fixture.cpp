#include "fixture.hpp"

#include "schema.json.hpp"

namespace hal_ec600::test {

ScriptedModem* the_modem = nullptr;

namespace {

class HalOnScriptedModem : public Ec600Hal {
 public:
  HalOnScriptedModem(dtu::Host host, std::string_view config)
      : Ec600Hal(host, config, [host](AtPort::Owner& owner) {
          auto modem = std::make_unique<ScriptedModem>(host, owner);
          the_modem = modem.get();
          return modem;
        }) {}
};

DTU_COMPONENT(scripted, HalOnScriptedModem, DTU_KIND_HAL, "ec600-scripted", "EC600 modem", schema_json, 0,
              dtu::points_iface<HalOnScriptedModem>, dtu::commands_iface<HalOnScriptedModem>,
              dtu::events_iface<HalOnScriptedModem>);

}  // namespace

const dtu_component* const hal_on_scripted_modem = &scripted;

}  // namespace hal_ec600::test
