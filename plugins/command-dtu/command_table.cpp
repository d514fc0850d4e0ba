// What each function code does. A new command is one row and, at most, one small function.
#include "commands.hpp"
#include "queries.hpp"
#include "setters.hpp"

namespace command_dtu {
namespace {

constexpr uint32_t free_of_password = 0;
constexpr uint32_t with_password = DTU_COMMAND_PASSWORD;
constexpr uint32_t changing = DTU_COMMAND_PASSWORD | DTU_COMMAND_CHANGES;
constexpr uint32_t also_stopped = changing | DTU_COMMAND_WHEN_STOPPED;

// Schemas say what there is, and by examples of which types; how a wrong value is refused is said by the functions, in
// the words of the protocol.
constexpr const char* any_args = R"({"type":"object"})";  // servers send "data" of any kind with every query
constexpr const char* adc_args = R"({"type":"object","properties":{"adcn":{"title":"ADC input","default":0}}})";
constexpr const char* gpio_args =
    R"({"type":"object","properties":{"pins":{"title":"GPIO; none: all","examples":[4,"pio4"]}}})";
constexpr const char* sms_args = R"({"type":"object","properties":{"number":{"title":"To","examples":["10086",10086]},)"
                                 R"("sms_msg":{"title":"Text","examples":["text"]},)"
                                 R"("message":{"title":"Both, as older servers send them","examples":[{}]},)"
                                 R"("data":{"title":"Text, as older servers send it","examples":["text"]}}})";
constexpr const char* password_args =
    R"({"type":"object","properties":{"new_password":{"title":"New password","examples":["text"]},)"
    R"("password":{"title":"The same, older","examples":["text"]}}})";
constexpr const char* plate_args = R"({"type":"object","properties":{"plate":{"title":"0 or 1","examples":[1]}}})";
constexpr const char* reg_args =
    R"({"type":"object","properties":{"reg":{"title":"0, 1 or a text","examples":[1,"text"]}}})";
constexpr const char* version_args =
    R"({"type":"object","properties":{"version":{"title":"A whole number","examples":["100",100]}}})";
constexpr const char* fota_args = R"({"type":"object","properties":{"fota":{"title":"0 or 1","examples":[1]}}})";
constexpr const char* nolog_args =
    R"({"type":"object","properties":{"nolog":{"title":"0: off, 1: on","examples":[1]}}})";
constexpr const char* acquire_args =
    R"({"type":"object","properties":{"service_acquire":{"title":"0 or 1","examples":[1]}}})";
constexpr const char* uconf_args = R"({"type":"object","properties":{"uconf":{"title":"All ports","examples":[{}]}}})";
constexpr const char* conf_args = R"({"type":"object","properties":{"conf":{"title":"All channels","examples":[{}]}}})";
constexpr const char* apn_args =
    R"({"type":"object","properties":{"apn":{"title":"Name, user, password","examples":[["cmnet","",""]]}}})";
constexpr const char* pins_args =
    R"({"type":"object","properties":{"pins":{"title":"LED, ready, reset","examples":[["1","2","3"]]}}})";
constexpr const char* ota_args =
    R"({"type":"object","properties":{"ota":{"title":"0, 1 or an order","examples":[1,{}]}}})";
constexpr const char* all_args =
    R"({"type":"object","properties":{"dtu_config":{"title":"The device document","examples":[{}]}}})";

void unspecified(Call& call, const char* what) {
  call.fail(DTU_E_UNSUPPORTED, std::string("unsupported: ") + what + " cannot be set on this firmware");
}

}  // namespace

const std::vector<CommandRow>& command_rows() {
  static const std::vector<CommandRow> rows{
      {"device.imei",
       "IMEI",
       {0},
       free_of_password,
       [](Call& c) { queries::answer_text_of(c, "device.imei"); },
       any_args},
      {"sim.number",
       "Phone number",
       {1},
       free_of_password,
       [](Call& c) { queries::answer_text_of(c, "sim.number"); },
       any_args},
      {"device.version", "Version", {2}, free_of_password, queries::version, any_args},
      {"radio.csq", "Signal strength", {3}, free_of_password, queries::signal, any_args},
      {"config.query",
       "Current configuration",
       {4},
       with_password,
       [](Call& c) { c.invoke("config.get", "{}", [&c](const Reply& r) { c.answer(r.json); }); },
       any_args},
      {"diagnosis.query", "What went wrong lately", {5}, free_of_password, queries::diagnosis, any_args},
      {"sim.iccid", "ICCID", {6}, with_password, [](Call& c) { queries::answer_text_of(c, "sim.iccid"); }, any_args},
      {"adc.query", "ADC voltage", {7}, with_password, queries::adc, adc_args},
      {"gpio.query", "GPIO levels", {8}, with_password, queries::gpio, gpio_args},
      {"battery.query",
       "Battery",
       {9},
       with_password,
       [](Call& c) { queries::answer_text_of(c, "battery.mv"); },
       any_args},
      {"climate.query", "Temperature and humidity", {10, 0x10}, with_password, queries::climate, any_args},
      {"connections.query", "States of the channels", {11, 0x11}, with_password, queries::connections, any_args},
      {"network.query", "Network state", {12, 0x12}, with_password, queries::network, any_args},
      {"location.query",
       "Base-station location",
       {13, 0x13},
       with_password,
       [](Call& c) { queries::answer_json_of(c, "location.cell"); },
       any_args},
      {"sms.submit", "Send an SMS", {50, 0x50}, changing, queries::sms, sms_args},
      {"password.change", "Change the password", {51, 0x51}, changing, setters::password, password_args},
      {"plate.set",
       "Device id in answers",
       {52, 0x52},
       changing,
       [](Call& c) { setters::flag(c, "plate", ""); },
       plate_args},
      {"registration.set", "Registration message", {53, 0x53}, changing, setters::registration, reg_args},
      {"version.set", "Version of the parameters", {54, 0x54}, changing, setters::version, version_args},
      {"fota.set",
       "Upgrade by itself",
       {55, 0x55},
       changing,
       [](Call& c) { setters::flag(c, "fota", "fota"); },
       fota_args},
      {"log.set", "Log", {56, 0x56}, changing, [](Call& c) { setters::flag(c, "nolog", "log"); }, nolog_args},
      {"acquire.set",
       "Fetch parameters from a server",
       {57, 0x57},
       changing,
       [](Call& c) { setters::flag(c, "service_acquire", "service acquire"); },
       acquire_args},
      {"ports.set",
       "Serial parameters of all ports",
       {58, 0x58},
       changing,
       [](Call& c) { setters::map(c, "uconf", "uconf"); },
       uconf_args},
      {"channels.set",
       "Parameters of all channels",
       {59, 0x59},
       changing,
       [](Call& c) { setters::map(c, "conf", "conf"); },
       conf_args},
      {"apn.set", "Access point", {60, 0x60}, changing, setters::apn, apn_args},
      {"pins.set", "Pins of LED, ready line and reset button", {61, 0x61}, changing, setters::pins, pins_args},
      {"ota.set", "Upgrades: the state, an order, the switch", {62, 0x62}, changing, setters::ota, ota_args},
      {"config.set", "All parameters", {63, 0x63}, changing, setters::everything, all_args},
      {"speech.say",
       "Text to speech",
       {64},
       with_password,
       [](Call& c) { queries::carry_out(c, "tts.say", c.args()); },
       any_args},
      {"clock.sync",
       "Set the clock from the network",
       {65},
       changing,
       [](Call& c) { queries::carry_out(c, "time.sync", c.args()); },
       any_args},
      {"warning.set",
       "Warning rules",
       {0x64},
       with_password,
       [](Call& c) { unspecified(c, "warning rules (0x64)"); },
       any_args},
      {"task.set", "Task rules", {0x65}, with_password, [](Call& c) { unspecified(c, "task rules (0x65)"); }, any_args},
      {"protocol.halt",
       "Refuse commands until resumed",
       {0xFD},
       changing,
       [](Call& c) { queries::carry_out(c, "protocol.stop", "{}"); },
       any_args},
      {"protocol.resume",
       "Take commands again",
       {0xFE},
       also_stopped,
       [](Call& c) { queries::carry_out(c, "protocol.start", "{}"); },
       any_args},
      {"device.restart",
       "Restart",
       {0xFF},
       also_stopped,
       [](Call& c) { c.answer_then("\"reset dtu\"", "system.restart"); },
       any_args},
  };
  return rows;
}

}  // namespace command_dtu
