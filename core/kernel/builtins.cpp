#include "kernel/builtins.hpp"

#include <Poco/JSON/Object.h>

#include "config/binding.hpp"
#include "config/json_text.hpp"
#include "kernel/kernel.hpp"
#include "kernel/port_line.hpp"
#include "kernel/views.hpp"

namespace dtud {
namespace {

using commands::Answer;
using commands::Caller;
using commands::Done;

struct Row {
  const char* name;
  const char* title;
  uint32_t flags;
  const char* args_schema;
  void (*run)(Kernel&, const config::JsonObject& args, const Caller& caller, const Done& done);
};

void channels_state(Kernel& kernel, const config::JsonObject&, const Caller&, const Done& done) {
  done({DTU_OK, views::channel_states(kernel), ""});
}

void config_get(Kernel& kernel, const config::JsonObject&, const Caller&, const Done& done) {
  done({DTU_OK, config::masked(kernel.changes().latest()), ""});
}

Changes::Stored answer_stored(const Done& done) {
  return [done](const Changes::Outcome& outcome) {
    if (!outcome.taken) {
      const config::Finding* error = config::first_new_error(outcome.findings);
      const std::string path = error == nullptr || error->path.empty() ? "" : error->path + ": ";
      const bool unsupported = error != nullptr && config::is_unsupported(*error);
      return done({outcome.busy  ? DTU_AGAIN
                   : unsupported ? DTU_E_UNSUPPORTED
                                 : DTU_E_INVALID,
                   "", error == nullptr ? "not stored" : path + error->message});
    }
    auto o = config::make_ordered_object();
    o->set("stored", true);
    o->set("revision", outcome.revision);
    if (outcome.restored != 0) o->set("restored", outcome.restored);
    if (!outcome.note.empty()) o->set("note", outcome.note);
    done({DTU_OK, config::to_json(config::Json(o)), ""});
  };
}

void board_offers(Kernel& kernel, const config::JsonObject&, const Caller&, const Done& done) {
  kernel.upgrades().offered([&kernel, done](bool firmware) {
    auto offers = config::make_object();
    offers->set("network", kernel.network_settings().offered());
    offers->set("firmware", firmware);
    done({DTU_OK, config::to_json(config::Json(offers)), ""});
  });
}

void config_change(Kernel& kernel, const config::JsonObject& args, const Caller& caller, const Done& done) {
  const config::Json keys = args.get("set");
  kernel.changes().change(keys, caller.name, answer_stored(done));
}

void config_rollback(Kernel& kernel, const config::JsonObject& args, const Caller& caller, const Done& done) {
  const auto id = static_cast<uint64_t>(config::as_integer(args.get("revision")));
  kernel.changes().go_back(id, caller.name, answer_stored(done));
}

void config_confirm(Kernel& kernel, const config::JsonObject&, const Caller& caller, const Done& done) {
  kernel.changes().confirm(caller.name, [done](bool confirmed) {
    done({DTU_OK, confirmed ? R"({"confirmed":true})" : R"({"confirmed":false})", ""});
  });
}

void password_set(Kernel& kernel, const config::JsonObject& args, const Caller& caller, const Done& done) {
  const std::string password = config::as_text(args.get("new_password"));
  if (password.find_first_not_of(' ') == std::string::npos)  // in a document: none is set
    return done({DTU_E_INVALID, "", "/new_password: blanks are no password: give a text that is not empty"});
  auto keys = config::make_object();
  keys->set("password", password);
  kernel.changes().change(config::Json(keys), caller.name, answer_stored(done));
}

void channels_connect(Kernel& kernel, const config::JsonObject& args, const Caller&, const Done& done) {
  const auto id = static_cast<uint32_t>(config::as_integer(args.get("channel")));
  if (kernel.device().connect(id)) return done({DTU_OK, "\"\"", ""});
  for (const auto& skipped : kernel.changes().latest().skipped)
    if (skipped.id == id)
      return done({DTU_E_INVALID, "", "channel " + std::to_string(id) + " cannot run: " + skipped.reason});
  done({DTU_E_NOT_FOUND, "", "there is no channel " + std::to_string(id)});
}

void protocol_stop(Kernel& kernel, const config::JsonObject&, const Caller&, const Done& done) {
  kernel.access().stopped = true;
  done({DTU_OK, "\"\"", ""});
}

void protocol_start(Kernel& kernel, const config::JsonObject&, const Caller&, const Done& done) {
  kernel.access().stopped = false;
  done({DTU_OK, "\"\"", ""});
}

void system_restart(Kernel& kernel, const config::JsonObject&, const Caller&, const Done& done) {
  done({DTU_OK, "\"\"", ""});
  kernel.restart_soon();
}

void upgrade_start(Kernel& kernel, const config::JsonObject& args, const Caller& caller, const Done& done) {
  const auto& document = kernel.changes().latest().document;
  upgrade::Upgrade::Switches switches;
  if (document && caller.is_outside()) {
    const config::Json ota = document->get("ota");  // a list is an identity, and means 1
    switches.fota = config::as_integer(document->get("fota"), 1) != 0;
    switches.ota = config::as_list(ota) != nullptr || config::as_integer(ota, 1) != 0;
  }
  kernel.upgrades().present().order(args, caller.name, switches, done);
}

void upgrade_state(Kernel& kernel, const config::JsonObject&, const Caller&, const Done& done) {
  done({DTU_OK, kernel.upgrades().state(), ""});
}

void upgrade_await(Kernel& kernel, const config::JsonObject& args, const Caller&, const Done& done) {
  kernel.upgrades().await(static_cast<uint64_t>(config::as_integer(args.get("seen"))), done);
}

void upgrade_cancel(Kernel& kernel, const config::JsonObject&, const Caller& caller, const Done& done) {
  kernel.upgrades().present().cancel(caller.name, done);
}

void upgrade_confirm(Kernel& kernel, const config::JsonObject&, const Caller& caller, const Done& done) {
  kernel.upgrades().present().confirm(caller.name, done);
}

void upgrade_told(Kernel& kernel, const config::JsonObject& args, const Caller&, const Done& done) {
  const bool known = kernel.upgrades().present().told(static_cast<uint64_t>(config::as_integer(args.get("id"))));
  done(known ? Answer{DTU_OK, "\"\"", ""} : Answer{DTU_E_NOT_FOUND, "", "the order that ended last has another id"});
}

constexpr uint32_t kPassword = DTU_COMMAND_PASSWORD;
constexpr uint32_t kChanges = DTU_COMMAND_PASSWORD | DTU_COMMAND_CHANGES;

const Row kRows[] = {
    {"board.offers", "Whether the board has a mobile network (code 60) and can install upgrades (code 62)", kPassword,
     "", board_offers},
    {"channels.state", "State of each channel", 0, "", channels_state},
    {"channels.connect", "Start channels that have auto_connect 0", kChanges,
     R"({"type": "object", "properties": {"channel": {"type": "integer", "minimum": 1, "maximum": 98,
         "title": "One channel; without it: all"}}, "additionalProperties": false})",
     channels_connect},
    {"config.get", "The device document, secrets masked", kPassword, "", config_get},
    {"config.change", "Replace top-level keys of the device document", kChanges,
     R"({"type": "object", "properties": {"set": {"type": "object", "minProperties": 1,
         "title": "Keys and new values; null removes a key"}},
         "required": ["set"], "additionalProperties": false})",
     config_change},
    {"config.rollback", "Return to an earlier device document", kChanges,
     R"({"type": "object", "properties": {"revision": {"type": "integer", "minimum": 1,
         "title": "Number of the revision; without it: the previous one"}}, "additionalProperties": false})",
     config_rollback},
    {"config.confirm", "Keep a change that is on trial", kChanges, "", config_confirm},
    {"password.set", "Set the password", kChanges,
     R"({"type": "object", "properties": {"new_password": {"type": "string", "minLength": 1, "maxLength": 64}},
         "required": ["new_password"], "additionalProperties": false})",
     password_set},
    {"port.line", "Settings and signals of a port for a while, and how they are", DTU_COMMAND_LOCAL, kPortLineArguments,
     port_line},
    {"protocol.stop", "Refuse commands until protocol.start or a restart", kChanges, "", protocol_stop},
    {"protocol.start", "Accept commands again", kChanges | DTU_COMMAND_WHEN_STOPPED, "", protocol_start},
    {"upgrade.start", "Order an upgrade", kChanges, upgrade::kOrderSchema, upgrade_start},
    {"upgrade.state", "Progress of the upgrade, or the result of the last one", kPassword, "", upgrade_state},
    {"upgrade.await", "State of the upgrade, after \"seen\" changed", kPassword,
     R"({"type": "object", "properties": {"seen": {"type": "integer", "minimum": 0,
         "title": "\"seen\" of the known state"}},
         "required": ["seen"], "additionalProperties": false})",
     upgrade_await},
    {"upgrade.cancel", "Cancel the upgrade", kChanges, "", upgrade_cancel},
    {"upgrade.confirm", "Mark the upgraded version as good", kChanges, "", upgrade_confirm},
    {"upgrade.told", "Confirm that the result of the upgrade was delivered", DTU_COMMAND_LOCAL,
     R"({"type": "object", "properties": {"id": {"type": "integer", "minimum": 1, "title": "Id of the order"}},
         "required": ["id"], "additionalProperties": false})",
     upgrade_told},
    {"system.restart", "Restart dtud, or the board if board.json says so", kChanges | DTU_COMMAND_WHEN_STOPPED, "",
     system_restart},
};

}  // namespace

void add_builtins(Kernel& kernel) {
  for (const Row& row : kRows) {
    commands::Command command;
    command.name = row.name;
    command.title = row.title;
    command.flags = row.flags;
    command.arguments = std::make_shared<commands::Arguments>(row.args_schema);
    command.builtin = [&kernel, run = row.run, arguments = command.arguments](const std::string& args,
                                                                              const Caller& caller, const Done& done) {
      const config::Json parsed = arguments->read(args);  // the schema was checked
      run(kernel, *config::as_object(parsed), caller, done);
    };
    if (const std::string refused = kernel.directory().add(std::move(command)); !refused.empty())
      kernel.log().error("kernel", refused);
  }
}

}  // namespace dtud
