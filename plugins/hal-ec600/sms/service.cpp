#include "service.hpp"

#include <memory>
#include <utility>

namespace hal_ec600::sms {
namespace {

constexpr const char* kSendArgs = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object", "additionalProperties": false, "required": ["number", "text"],
  "properties": {
    "number": {"title": "Number", "description": "To whom: up to 20 digits, * and #, and a + before them.",
               "type": "string", "pattern": "^\\+?[*#0-9]{1,20}$"},
    "text": {"title": "Text", "description": "Up to 1600 characters. A long one is sent in parts.", "type": "string",
             "maxLength": 1600}
  }
})";

dtu_command_info info(const char* name, const char* title, const char* args, uint32_t flags) {
  return {sizeof(dtu_command_info),
          DTU_COMMAND_PASSWORD | flags,
          dtu::str(name),
          dtu::str(title),
          dtu::str(args),
          nullptr,
          0};
}

}  // namespace

Inbox::Settings read_settings(const dtu::Json& sms) {
  Inbox::Settings settings;
  settings.wait_parts_s = static_cast<uint32_t>(sms["wait_parts_s"].integer(settings.wait_parts_s));
  settings.look_s = static_cast<uint32_t>(sms["look_s"].integer(settings.look_s));
  sms["commands_from"].each(
      [&](std::string_view, const dtu::Json& number) { settings.commands_from.push_back(number.text()); });
  return settings;
}

Service::Service(dtu::Host host, AtEngine& engine, Inbox::Settings settings)
    : host_(host),
      outbox_(host, engine),
      commander_(host, outbox_),
      inbox_(
          host, engine, std::move(settings),
          [this](const Order& order, const std::string& from, const std::string& trouble) {
            commander_.run(order, from, trouble);
          },
          [this](const Botched& botched, const std::string& from) { commander_.refuse(botched, from); }) {}

void Service::list_commands(const dtu::CommandsIface::Each& each) {
  each(info("sms.send", "Send an SMS", kSendArgs, DTU_COMMAND_CHANGES));
  each(info("sms.list", "SMS in the modem, and the last that came", "", 0));
}

bool Service::invoke(uint64_t call, std::string_view name, std::string_view args) {
  if (name == "sms.list") return inbox_.list(call), true;
  if (name != "sms.send") return false;
  return send(call, args), true;
}

void Service::send(uint64_t call, std::string_view args) {
  const dtu::Json given(args);
  // A modem that is not there answers within send(), so the call is not kept when it is over already.
  const auto over = std::make_shared<bool>(false);
  const uint64_t id = outbox_.send(given["number"].text(), given["text"].text(), [=](const SendResult& result) {
    *over = true;
    sending_.erase(call);
    if (!result.trouble.empty()) {
      host_.reply_error(call, DTU_E_IO, result.trouble, DTU_ERR_RETRYABLE);
      return;
    }
    std::string references;
    for (const unsigned r : result.references) references += (references.empty() ? "" : ",") + std::to_string(r);
    host_.reply(call, "{\"parts\":" + std::to_string(result.parts) + ",\"references\":[" + references + "]}");
  });
  if (!*over) sending_.emplace(call, id);
}

void Service::cancel(uint64_t call) {
  inbox_.cancel(call);
  const auto found = sending_.find(call);
  if (found == sending_.end()) return;
  outbox_.give_up(found->second);
  sending_.erase(found);
}

void Service::stop() {
  inbox_.stop();
  commander_.stop();
  outbox_.stop();
}

std::string Service::health() const {
  const InboxCounters& c = inbox_.counters();
  std::string out = "{\"sent\":" + std::to_string(outbox_.sent()) + ",\"failed\":" + std::to_string(outbox_.failed());
  const auto add = [&out](const char* name, uint64_t value) {
    out += ",\"" + std::string(name) + "\":" + std::to_string(value);
  };
  add("received", c.received);
  add("incomplete", c.incomplete);
  add("doubles", c.doubles);
  add("broken", c.broken);
  add("undeletable", c.undeletable);
  add("commands", commander_.ran());
  add("commands_refused", c.refused);
  add("commands_repeated", c.repeated);
  add("commands_left_out", commander_.left_out());
  add("commands_unanswered", commander_.unanswered());
  add("waiting_parts", inbox_.waiting_parts());
  if (const std::string trouble = inbox_.trouble(); !trouble.empty()) out += ",\"trouble\":" + dtu::quoted(trouble);
  return out + "}";
}

}  // namespace hal_ec600::sms
