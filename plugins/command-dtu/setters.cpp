#include "setters.hpp"

#include <algorithm>

#include "answer.hpp"
#include "parameters.hpp"

namespace command_dtu::setters {
namespace {

constexpr int pin_max = 128;
constexpr size_t version_digits_max = 18;

// What the kernel has to say about what it stored goes along.
void answer_stored(Call& call, const Reply& reply, const std::string& data) {
  const auto note = member(reply.json, "note");
  call.answer(note && note->type == JsonType::string ? with_note(data, note->text) : data);
}

// set: members of the device document, JSON. data: of the answer, JSON.
void change(Call& call, const std::string& set, std::string data) {
  call.invoke("config.change", "{\"set\":" + set + "}",
              [&call, data = std::move(data)](const Reply& reply) { answer_stored(call, reply, data); });
}

void change(Call& call, std::string_view key, std::string_view value, std::string data) {
  change(call, "{" + quoted(key) + ":" + std::string(value) + "}", std::move(data));
}

// Goes on if the board installs upgrades; nothing is stored that nobody can carry out (D24).
void if_upgradable(Call& call, std::function<void()> then) {
  call.try_invoke("board.offers", "{}", [&call, then = std::move(then)](const Reply& reply) {
    const auto offered = reply.ok() ? member(reply.json, "firmware") : std::nullopt;
    if (offered && offered->text == "false")
      return call.fail(DTU_E_UNSUPPORTED, "unsupported by this board: it offers no upgrades");
    then();
  });
}

std::string usage_of(std::string_view key, std::string_view value) {
  return "{" + quoted(key) + ": " + std::string(value) + "}";
}

void answer_state(Call& call) {
  call.invoke("upgrade.state", "{}", [&call](const Reply& state) { call.answer(state.json); });
}

void accept_upgrades(Call& call, std::string_view value) {
  call.invoke("config.change", R"({"set":{"ota":)" + std::string(value) + "}}",
              [&call](const Reply&) { answer_state(call); });
}

// An order, with what each report of it shall repeat.
void order_upgrade(Call& call, std::string_view order) {
  std::string args = "{";
  const auto asked = member(call.args(), "asked");
  if (asked && asked->type == JsonType::object) args.append("\"tag\":").append(asked->text);
  each_member(order, [&args](std::string_view key, const JsonValue& value) {
    if (key != "tag") args.append(args.size() > 1 ? "," : "").append(quoted(key)).append(":").append(value.text);
    return true;
  });
  call.invoke("upgrade.start", args + "}", [&call](const Reply& state) { call.answer(state.json); });
}

void switch_upgrades(Call& call, const JsonValue& value) {
  // [uid, module type, product key] of older servers
  if (value.type == JsonType::array) return accept_upgrades(call, value.text);
  if (as_flag(value) == 0) return change(call, "ota", "0", quoted("off: upgrades are not accepted"));
  // Who the upgrade cloud knows the device as is worth more than a 1: it stays, and means the same. Servers ask for the
  // state again and again: what is stored already is not stored anew.
  call.invoke("config.get", "{}", [&call](const Reply& config) {
    const auto stored = member(config.json, "ota");
    const bool is_on = stored && (stored->type == JsonType::array || as_flag(*stored) == 1);
    is_on ? answer_state(call) : accept_upgrades(call, "1");
  });
}

}  // namespace

void flag(Call& call, const char* key, std::string_view data) {
  const JsonValue value = need(call.args(), key, usage_of(key, "0") + " or " + usage_of(key, "1"));
  const auto on = as_flag(value);
  if (!on) refuse_type(key, value, "0 or 1");
  change(call, key, std::to_string(*on), quoted(data));
}

void map(Call& call, const char* key, std::string_view data) {
  const JsonValue value = need(call.args(), key, usage_of(key, R"({"1": {...}})") + ", all of them");
  if (value.type != JsonType::object) refuse_kind(key, value, "an object: " + usage_of(key, R"({"1": {...}})"));
  change(call, key, value.text, quoted(data));
}

void registration(Call& call) {
  const JsonValue value = need(call.args(), "reg", R"({"reg": 0}, {"reg": 1} or {"reg": "a text of your own"})");
  const auto on = as_flag(value);
  if (!on && value.type != JsonType::string) refuse_type("reg", value, "0, 1 or a text");
  change(call, "reg", on ? std::to_string(*on) : std::string(value.text), quoted("send reg"));
}

void version(Call& call) {
  const JsonValue value = need(call.args(), "version", R"({"version": "100"})");
  const std::string text = is_text_or_number(value) ? plain_text(value) : "";
  if (text.empty() || text.size() > version_digits_max || text.find_first_not_of("0123456789") != std::string::npos)
    refuse_type("version", value, "a whole number such as \"100\"");
  change(call, "version", quoted(text), quoted(text));
}

void apn(Call& call) {
  constexpr std::string_view usage = R"({"apn": ["name", "user", "password"]}, each may be "")";
  const JsonValue value = need(call.args(), "apn", usage);
  std::string list;
  for (const JsonValue& entry : need_list(value, "apn", 3, usage)) {
    if (!is_text_or_number(entry)) refuse_kind("each entry of apn", entry, "a text");
    list.append(list.empty() ? "[" : ",").append(quoted(plain_text(entry)));
  }
  change(call, "apn", list + "]", quoted("set apn"));  // the host refuses what no board could carry out, as with 63
}

void pins(Call& call) {
  constexpr std::string_view usage = R"({"pins": ["1", "2", "3"]}: network LED, ready line, reset button)";
  const JsonValue value = need(call.args(), "pins", usage);
  std::string list;
  for (const JsonValue& entry : need_list(value, "pins", 3, usage)) {
    const auto pin = as_pin(entry);
    if (!pin || pin->front() == '0' || std::stoi(*pin) > pin_max)
      refuse_type("each entry of pins", entry, R"(a GPIO from 1 to 128, as "2" or "pio2")");
    list.append(list.empty() ? "[" : ",").append(quoted(*pin));
  }
  bool offered = false;  // D24
  call.each_point("gpio.", [&offered](const dtu_point_info&) { offered = true; });
  if (!offered) return call.fail(DTU_E_UNSUPPORTED, "unsupported by this board: it offers no GPIO");
  change(call, "pins", list + "]", quoted("set gpio pins"));
}

void ota(Call& call) {
  const JsonValue value = need(call.args(), "ota", R"({"ota": 0}, {"ota": 1} or {"ota": {"url": "...", ...}})");
  if (value.type == JsonType::object) return order_upgrade(call, value.text);
  if (value.type == JsonType::array)
    (void)need_list(value, "ota", 3, R"({"ota": 1})");
  else if (!as_flag(value))
    value.type == JsonType::string ? refuse_kind("ota", value, "0, 1 or an order")  // it may be a URL with a key
                                   : refuse_type("ota", value, "0, 1 or an order");
  if_upgradable(call, [&call, value] { switch_upgrades(call, value); });
}

void everything(Call& call) {
  constexpr std::string_view usage = R"({"dtu_config": {...}}: the keys it has replace the stored ones)";
  const auto named = parameter(call.args(), "dtu_config");
  if (named && named->type != JsonType::object) refuse_kind("dtu_config", *named, "the device document");
  const std::string document(named ? named->text : std::string_view(call.args()));
  bool empty = true;
  each_member(document, [&](std::string_view, const JsonValue&) { return empty = false; });
  if (empty) (void)need("{}", "dtu_config", usage);
  change(call, document, "\"\"");
}

void password(Call& call) {
  constexpr std::string_view usage = R"({"new_password": "..."})";
  auto wanted = parameter(call.args(), "new_password");
  if (!wanted) wanted = parameter(call.args(), "password");
  const JsonValue value = wanted ? *wanted : need(call.args(), "new_password", usage);
  const std::string text = is_text_or_number(value) ? plain_text(value) : "";
  if (text.empty())  // not shown: it may be a password, wrongly wrapped
    throw dtu::Failure(DTU_E_INVALID, "new_password must be a text that is not empty: send " + std::string(usage));
  call.invoke("password.set", "{\"new_password\":" + quoted(text) + "}",
              [&call](const Reply& reply) { answer_stored(call, reply, "\"\""); });
}

}  // namespace command_dtu::setters
