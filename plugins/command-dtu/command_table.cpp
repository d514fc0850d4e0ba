// What each function code does. A new command is one row and, at most, one small function.
#include <charconv>
#include <cmath>

#include "commands.hpp"
#include "json_view.hpp"
#include "text_codec.hpp"

namespace command_dtu {
namespace {

constexpr size_t gpio_max = 128;  // pins read for one answer

std::string quoted(std::string_view text) {
  std::string json;
  append_json_text(json, text);
  return json;
}

// The reply as text, a string without its quotes.
std::string text_of(const Reply& reply) {
  const auto value = parse_json(reply.json);
  return value && value->type != JsonType::null ? plain_text(*value) : "";
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// "pio4", "4" or 4 as the number in a point's name.
std::optional<std::string> pin_number(const JsonValue& value) {
  std::string text = plain_text(value);
  if (text.rfind("pio", 0) == 0) text.erase(0, 3);
  const bool digits = !text.empty() && text.size() <= 4 && text.find_first_not_of("0123456789") == std::string::npos;
  const bool typed = value.type == JsonType::number || value.type == JsonType::string;
  return digits && typed ? std::optional(text) : std::nullopt;
}

// The value of a point as text: IMEI, phone number, ICCID, millivolts.
void answer_text_of(Call& call, const char* point) {
  call.read(point, [&call, point](const Reply& reply) {
    const std::string text = text_of(reply);
    if (text.empty()) return call.fail(DTU_E_IO, std::string(point) + " is not known yet: try again later");
    call.answer(quoted(text));
  });
}

void answer_json_of(Call& call, const char* point) {
  call.read(point, [&call](const Reply& reply) { call.answer(reply.json); });
}

// A kernel command whose success has nothing to say but `data`.
void carry_out(Call& call, const char* command, std::string_view args, std::string_view data = "\"\"") {
  call.invoke(command, args, [&call, data](const Reply&) { call.answer(data); });
}

void version(Call& call) {
  // "version" of the device file is what upgrades compare (seed 001, 6.1.5); without one, the firmware's own.
  const auto answer = [&call](std::string text) {
    if (!text.empty() && (text[0] | 0x20) == 'v') text.erase(0, 1);
    text.erase(0, text.find_first_not_of(' '));
    if (text.empty()) return call.fail(DTU_E_IO, "the version is not known");
    call.answer(quoted("v " + text));
  };
  call.try_invoke("config.get", "{}", [&call, answer](const Reply& config) {
    const auto set = config.ok() ? member(config.json, "version") : std::nullopt;
    const bool usable = set && (set->type == JsonType::number || set->type == JsonType::string);
    if (usable && !plain_text(*set).empty()) return answer(plain_text(*set));
    call.read("device.version", [answer](const Reply& reply) { answer(text_of(reply)); });
  });
}

void signal(Call& call) {
  call.read("radio.csq", [&call](const Reply& reply) {
    const std::string text = text_of(reply);
    const auto level = number_of(text);
    if (!level || *level < 0 || *level > 31 || *level != std::floor(*level))
      return call.fail(DTU_E_IO, "the signal strength is not known yet (the modem says \"" + text + "\")");
    call.answer(quoted("CSQ" + std::to_string(static_cast<int>(*level))));
  });
}

void adc(Call& call) {
  const auto wanted = member(call.args(), "adcn");
  const auto number = wanted ? pin_number(*wanted) : std::optional<std::string>("0");
  if (!number) return call.fail(DTU_E_INVALID, "adcn must be the number of an ADC input, such as 0");
  const std::string point = "adc." + *number;
  bool millivolts = false;
  call.each_point(point, [&](const dtu_point_info& info) {
    if (dtu::view(info.name) == point) millivolts = dtu::view(info.unit) == "mV";
  });
  call.read(point, [&call, point, millivolts](const Reply& reply) {
    const std::string text = text_of(reply);
    const auto value = number_of(text);
    if (!value) return call.fail(DTU_E_IO, point + " gave \"" + text + "\", which is no voltage");
    if (!millivolts) return call.answer(quoted(text));
    char volts[32];
    const auto [end, error] = std::to_chars(volts, volts + sizeof volts, *value / 1000);
    if (error != std::errc{}) return call.fail(DTU_E_IO, point + " is out of range");
    call.answer(quoted(std::string_view(volts, static_cast<size_t>(end - volts))));
  });
}

// Reads the pins one after the other; one that fails is null in the answer.
struct GpioSweep {
  std::vector<std::string> points;
  size_t next = 0;
  std::string json = "{";
};
void sweep(Call& call, const std::shared_ptr<GpioSweep>& s) {
  if (s->next == s->points.size()) return call.answer(s->json + "}");
  const std::string point = s->points[s->next++];
  call.try_read(point, [&call, s, point](const Reply& reply) {
    if (s->json.size() > 1) s->json += ',';
    append_json_text(s->json, point.substr(point.find('.') + 1));
    s->json.append(":").append(reply.ok() && !reply.json.empty() ? reply.json : "null");
    sweep(call, s);
  });
}

void gpio(Call& call) {
  if (const auto wanted = member(call.args(), "pins"); wanted && wanted->type != JsonType::null) {
    const auto number = pin_number(*wanted);
    if (!number) return call.fail(DTU_E_INVALID, "pins must be the number of one GPIO, such as 4; none asks for all");
    return call.read("gpio." + *number, [&call](const Reply& reply) { call.answer(reply.json); });
  }
  auto s = std::make_shared<GpioSweep>();
  call.each_point("gpio.", [&](const dtu_point_info& info) {
    if (s->points.size() < gpio_max) s->points.emplace_back(dtu::view(info.name));
  });
  if (s->points.empty()) return call.fail(DTU_E_UNSUPPORTED, "unsupported by this board: it offers no GPIO");
  sweep(call, s);
}

// Several points as one object, those the board lacks left out; none at all is a failure.
struct Part {
  const char* key;
  const char* point;
};
struct Gathering {
  Gathering(const Part* first, const Part* last) : next(first), end(last) {}
  const Part* next;
  const Part* end;
  std::string json = "{";
  dtu_status status = DTU_OK;
  std::string error;
};
void gather(Call& call, const std::shared_ptr<Gathering>& g) {
  if (g->next == g->end) return g->json.size() > 1 ? call.answer(g->json + "}") : call.fail(g->status, g->error);
  const Part& part = *g->next++;
  call.try_read(part.point, [&call, g, &part](const Reply& reply) {
    if (reply.ok() && !reply.json.empty() && reply.json != "null") {
      g->json.append(g->json.size() > 1 ? ",\"" : "\"").append(part.key).append("\":").append(reply.json);
    } else if (g->error.empty()) {
      g->status = reply.ok() ? DTU_E_IO : reply.status;
      g->error = reply.ok() ? std::string(part.point) + " is not known yet: try again later" : reply.error;
    }
    gather(call, g);
  });
}
template <size_t n>
void gather(Call& call, const Part (&parts)[n]) {
  gather(call, std::make_shared<Gathering>(parts, parts + n));
}

constexpr Part climate_parts[] = {{"temperature", "sensor.temperature"}, {"humidity", "sensor.humidity"}};
constexpr Part network_parts[] = {
    {"voice_state", "network.voice_state"}, {"data_state", "network.data_state"}, {"cells", "network.cells"}};

void connections(Call& call) {
  call.invoke("channels.state", "{}", [&call](const Reply& reply) {
    std::string json = "{";
    each_member(reply.json, [&json](std::string_view id, const JsonValue& channel) {
      if (json.size() > 1) json += ',';
      append_json_text(json, id);
      const auto state = channel.type == JsonType::object ? member(channel.text, "dtu_state") : std::nullopt;
      json.append(":").append(state ? state->text : "null");
      return true;
    });
    call.answer(json + "}");
  });
}

// {"number","sms_msg"}, also inside "message", the text also as "data".
void sms(Call& call) {
  const auto inner = member(call.args(), "message");
  const std::string_view fields = inner && inner->type == JsonType::object ? inner->text : call.args();
  const auto number = member(fields, "number");
  auto text = member(fields, "sms_msg");
  if (!text) text = member(fields, "data");
  if (!number || !text || text->type != JsonType::string)
    return call.fail(DTU_E_INVALID, R"(send {"number": "...", "sms_msg": "..."})");
  const std::string to = plain_text(*number);
  if (to.empty() || to.size() > 32 || to.find_first_not_of("+*#0123456789") != std::string::npos)
    return call.fail(DTU_E_INVALID, "number must be a phone number of at most 32 digits");
  if (unquote(text->text).size() > 1024) return call.fail(DTU_E_INVALID, "sms_msg has more than 1024 bytes");
  carry_out(call, "sms.send", "{\"number\":" + quoted(to) + ",\"text\":" + std::string(text->text) + "}");
}

void password(Call& call) {
  auto wanted = member(call.args(), "new_password");
  if (!wanted) wanted = member(call.args(), "password");
  const bool typed = wanted && (wanted->type == JsonType::string || wanted->type == JsonType::number);
  const std::string text = typed ? plain_text(*wanted) : "";
  if (text.empty()) return call.fail(DTU_E_INVALID, R"(send {"new_password": "..."}, not empty)");
  carry_out(call, "password.set", "{\"new_password\":" + quoted(text) + "}");
}

constexpr uint32_t free_of_password = 0;
constexpr uint32_t with_password = DTU_COMMAND_PASSWORD;
constexpr uint32_t also_stopped = DTU_COMMAND_PASSWORD | DTU_COMMAND_WHEN_STOPPED;
constexpr const char* any_args = R"({"type":"object"})";  // servers send "data" of any kind with every query
constexpr const char* adc_args =
    R"({"type":"object","properties":{"adcn":{"type":["integer","string"],"title":"ADC input","default":0}}})";
constexpr const char* gpio_args =
    R"({"type":"object","properties":{"pins":{"type":["integer","string","null"],"title":"GPIO; none: all"}}})";
constexpr const char* sms_args =
    R"({"type":"object","properties":{"number":{"type":["string","integer"]},"sms_msg":{"type":"string"},)"
    R"("message":{"type":"object"},"data":{"type":"string"}}})";
constexpr const char* password_args = R"({"type":"object","properties":{"new_password":{"type":["string","integer"]},)"
                                      R"("password":{"type":["string","integer"]}}})";

}  // namespace

const std::vector<CommandRow>& command_rows() {
  static const std::vector<CommandRow> rows{
      {"device.imei", "IMEI", {0}, free_of_password, [](Call& c) { answer_text_of(c, "device.imei"); }, any_args},
      {"sim.number", "Phone number", {1}, free_of_password, [](Call& c) { answer_text_of(c, "sim.number"); }, any_args},
      {"device.version", "Version", {2}, free_of_password, version, any_args},
      {"radio.csq", "Signal strength", {3}, free_of_password, signal, any_args},
      {"config.query",
       "Current configuration",
       {4},
       with_password,
       [](Call& c) { c.invoke("config.get", "{}", [&c](const Reply& r) { c.answer(r.json); }); },
       any_args},
      {"diagnosis.query",
       "What went wrong lately",
       {5},
       free_of_password,
       [](Call& c) { c.answer(c.diagnosis().json()); },
       any_args},
      {"sim.iccid", "ICCID", {6}, with_password, [](Call& c) { answer_text_of(c, "sim.iccid"); }, any_args},
      {"adc.query", "ADC voltage", {7}, with_password, adc, adc_args},
      {"gpio.query", "GPIO levels", {8}, with_password, gpio, gpio_args},
      {"battery.query", "Battery", {9}, with_password, [](Call& c) { answer_text_of(c, "battery.mv"); }, any_args},
      {"climate.query",
       "Temperature and humidity",
       {10, 0x10},
       with_password,
       [](Call& c) { gather(c, climate_parts); },
       any_args},
      {"connections.query", "States of the channels", {11, 0x11}, with_password, connections, any_args},
      {"network.query",
       "Network state",
       {12, 0x12},
       with_password,
       [](Call& c) { gather(c, network_parts); },
       any_args},
      {"location.query",
       "Base-station location",
       {13, 0x13},
       with_password,
       [](Call& c) { answer_json_of(c, "location.cell"); },
       any_args},
      {"sms.submit", "Send an SMS", {50, 0x50}, with_password, sms, sms_args},
      {"password.change", "Change the password", {51, 0x51}, with_password, password, password_args},
      {"speech.say",
       "Text to speech",
       {64},
       with_password,
       [](Call& c) { carry_out(c, "tts.say", c.args()); },
       any_args},
      {"clock.sync",
       "Set the clock from the network",
       {65},
       with_password,
       [](Call& c) { carry_out(c, "time.sync", c.args()); },
       any_args},
      {"protocol.halt",
       "Refuse commands until resumed",
       {0xFD},
       with_password,
       [](Call& c) { carry_out(c, "protocol.stop", "{}"); },
       any_args},
      {"protocol.resume",
       "Take commands again",
       {0xFE},
       also_stopped,
       [](Call& c) { carry_out(c, "protocol.start", "{}"); },
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
