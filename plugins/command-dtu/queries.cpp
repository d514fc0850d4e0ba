#include "queries.hpp"

#include <charconv>
#include <cmath>

#include "parameters.hpp"
#include "status_codes.hpp"
#include "text_codec.hpp"

namespace command_dtu::queries {
namespace {

constexpr size_t gpio_max = 128;                   // pins read for one answer
constexpr size_t number_max = 32, sms_max = 1024;  // seed 001, 6.1.1

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

// Several points as one object. Those the board lacks are left out, or null; none at all is a failure.
struct Part {
  const char* key;
  const char* point;
};
struct Gathering {
  Gathering(const Part* first, const Part* last, bool with_null)
      : next(first), end(last), null_for_missing(with_null) {}
  const Part* next;
  const Part* end;
  const bool null_for_missing;
  bool any = false;
  std::string json = "{";
  dtu_status status = DTU_OK;
  std::string error;
};
void gather(Call& call, const std::shared_ptr<Gathering>& g) {
  if (g->next == g->end) return g->any ? call.answer(g->json + "}") : call.fail(g->status, g->error);
  const Part& part = *g->next++;
  call.try_read(part.point, [&call, g, &part](const Reply& reply) {
    const bool known = reply.ok() && !reply.json.empty() && reply.json != "null";
    g->any = g->any || known;
    if (known || g->null_for_missing)
      g->json.append(g->json.size() > 1 ? ",\"" : "\"")
          .append(part.key)
          .append("\":")
          .append(known ? reply.json : "null");
    if (!known && g->error.empty()) {
      g->status = reply.ok() ? DTU_E_IO : reply.status;
      g->error = reply.ok() ? std::string(part.point) + " is not known yet: try again later" : reply.error;
    }
    gather(call, g);
  });
}
template <size_t n>
void gather(Call& call, const Part (&parts)[n], bool null_for_missing) {
  gather(call, std::make_shared<Gathering>(parts, parts + n, null_for_missing));
}

constexpr Part climate_parts[] = {{"temperature", "sensor.temperature"}, {"humidity", "sensor.humidity"}};
constexpr Part network_parts[] = {
    {"voice_state", "network.voice_state"}, {"data_state", "network.data_state"}, {"cells", "network.cells"}};

}  // namespace

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
void carry_out(Call& call, const char* command, std::string_view args) {
  call.invoke(command, args, [&call](const Reply&) { call.answer("\"\""); });
}

void version(Call& call) {
  // "version" of the device file is what upgrades compare (seed 001, 6.1.5); without one, the firmware's own; without
  // that, 0 (D31).
  const auto answer = [&call](std::string text) {
    if (!text.empty() && (text[0] | 0x20) == 'v') text.erase(0, 1);
    text.erase(0, text.find_first_not_of(' '));
    call.answer(quoted("v " + (text.empty() ? "0" : text)));
  };
  call.look_up("config.get", [&call, answer](const Reply& config) {
    const auto set = config.ok() ? member(config.json, "version") : std::nullopt;
    const bool usable = set && (set->type == JsonType::number || set->type == JsonType::string);
    if (usable && !plain_text(*set).empty()) return answer(plain_text(*set));
    call.try_read("device.version", [&call, answer](const Reply& reply) {
      if (reply.ok() || reply.status == DTU_E_UNSUPPORTED) return answer(reply.ok() ? text_of(reply) : "");
      call.fail(reply.status, reply.error, reply.protocol_code);
    });
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
  const auto wanted = parameter(call.args(), "adcn");
  const auto number = wanted ? as_pin(*wanted) : std::optional<std::string>("0");
  if (!number) refuse_type("adcn", *wanted, "the number of an ADC input, such as 0");
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

void gpio(Call& call) {
  if (const auto wanted = parameter(call.args(), "pins")) {
    const auto number = as_pin(*wanted);
    if (!number) refuse_type("pins", *wanted, "the number of one GPIO, such as 4; none asks for all");
    return call.read("gpio." + *number, [&call](const Reply& reply) { call.answer(reply.json); });
  }
  auto s = std::make_shared<GpioSweep>();
  call.each_point("gpio.", [&](const dtu_point_info& info) {
    if (s->points.size() < gpio_max) s->points.emplace_back(dtu::view(info.name));
  });
  if (s->points.empty()) return call.fail(DTU_E_UNSUPPORTED, "unsupported by this board: it offers no GPIO");
  sweep(call, s);
}

void connections(Call& call) {
  const auto wanted = parameter(call.args(), "channel");
  if (wanted) {
    if (!is_text_or_number(*wanted)) refuse_type("channel", *wanted, "the id of one channel; none asks for all");
    return call.invoke("channels.state", "{}", [&call, id = plain_text(*wanted)](const Reply& reply) {
      const auto channel = member(reply.json, id);
      if (!channel) return call.fail(DTU_E_INVALID, "there is no channel " + id);
      const auto state = channel->type == JsonType::object ? member(channel->text, "dtu_state") : std::nullopt;
      call.answer(state && state->type != JsonType::null ? quoted(plain_text(*state)) : "null");
    });
  }
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

// Channels that cannot run have no state that could be listed when it changes: they come first, for as long as they are
// so.
void diagnosis(Call& call) {
  call.try_invoke("channels.state", "{}", [&call](const Reply& reply) {
    std::string standing;
    if (reply.ok())
      each_member(reply.json, [&standing](std::string_view id, const JsonValue& channel) {
        const auto error = channel.type == JsonType::object ? member(channel.text, "error") : std::nullopt;
        const auto type = error ? member(channel.text, "type") : std::nullopt;
        if (!type || type->type != JsonType::string) return true;
        standing.append(standing.empty() ? "" : ",").append(R"({"func_code":"","error_code":")");
        standing.append(std::to_string(connect_error_of(unquote(type->text), 0))).append(R"(","channel":)");
        standing.append(id).append(",\"error\":").append(error->text).append("}");
        return true;
      });
    std::string list = call.diagnosis().json();
    if (!standing.empty()) list.insert(1, standing + (list.size() > 2 ? "," : ""));
    call.answer(list);
  });
}

void climate(Call& call) { gather(call, climate_parts, true); }
void network(Call& call) { gather(call, network_parts, false); }

void sms(Call& call) {
  constexpr std::string_view usage = R"({"number": "...", "sms_msg": "..."})";
  const auto inner = parameter(call.args(), "message");
  const std::string_view fields = inner && inner->type == JsonType::object ? inner->text : call.args();
  const JsonValue number = need(fields, "number", usage);
  auto text = parameter(fields, "sms_msg");
  if (!text) text = parameter(fields, "data");
  if (!text) text = need(fields, "sms_msg", usage);
  const std::string to = is_text_or_number(number) ? plain_text(number) : "";
  if (to.empty() || to.size() > number_max || to.find_first_not_of("+*#0123456789") != std::string::npos)
    refuse_type("number", number, "a phone number of at most 32 digits");
  if (text->type != JsonType::string) refuse_type("sms_msg", *text, "a text");
  if (const size_t size = unquote(text->text).size(); size > sms_max) refuse_length("sms_msg", size, sms_max);
  carry_out(call, "sms.send", "{\"number\":" + quoted(to) + ",\"text\":" + std::string(text->text) + "}");
}

}  // namespace command_dtu::queries
