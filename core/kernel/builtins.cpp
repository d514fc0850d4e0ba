#include "kernel/builtins.hpp"

#include <Poco/JSON/Object.h>

#include <sstream>

#include "config/json_text.hpp"
#include "kernel/kernel.hpp"
#include "kernel/views.hpp"

namespace dtud {
namespace {

using commands::Answer;
using commands::Done;

struct Row {
  const char* name;
  const char* title;
  uint32_t flags;
  const char* args_schema;
  void (*run)(Kernel&, const std::string& args, const Done& done);
};

void channels_state(Kernel& kernel, const std::string&, const Done& done) {
  done({DTU_OK, views::channel_states(kernel), ""});
}

void config_get(Kernel& kernel, const std::string&, const Done& done) {
  done({DTU_OK, config::masked(kernel.device().config()), ""});
}

void password_set(Kernel& kernel, const std::string& args, const Done& done) {
  const config::Json parsed = config::parse_trusted(args);  // the schema was checked
  const std::string wanted = config::as_text(config::as_object(parsed)->get("new_password"));
  const config::Json copy = config::copy_of(config::Json(kernel.device().config().document));
  auto document = copy.extract<config::JsonObject::Ptr>();
  document->set("password", wanted);
  kernel.set_device(config::to_json(copy), [done](bool taken, const config::Findings& findings, const auto&) {
    if (taken) return done({DTU_OK, "\"\"", ""});
    done({DTU_E_IO, "", findings.empty() ? "not stored" : config::to_text(findings.back())});
  });
}

void protocol_stop(Kernel& kernel, const std::string&, const Done& done) {
  kernel.access().stopped = true;
  done({DTU_OK, "\"\"", ""});
}

void protocol_start(Kernel& kernel, const std::string&, const Done& done) {
  kernel.access().stopped = false;
  done({DTU_OK, "\"\"", ""});
}

void system_restart(Kernel& kernel, const std::string&, const Done& done) {
  done({DTU_OK, "\"\"", ""});
  kernel.restart_soon();
}

constexpr Row kRows[] = {
    {"channels.state", "State of each channel", 0, "", channels_state},
    {"config.get", "The device document, secrets masked", DTU_COMMAND_PASSWORD, "", config_get},
    {"password.set", "Set the password", DTU_COMMAND_PASSWORD,
     R"({"type": "object", "properties": {"new_password": {"type": "string", "minLength": 1, "maxLength": 64}},
         "required": ["new_password"], "additionalProperties": false})",
     password_set},
    {"protocol.stop", "Refuse commands until protocol.start or a restart", DTU_COMMAND_PASSWORD, "", protocol_stop},
    {"protocol.start", "Obey commands again", DTU_COMMAND_PASSWORD | DTU_COMMAND_WHEN_STOPPED, "", protocol_start},
    {"system.restart", "Restart dtud, or the board where board.json says so",
     DTU_COMMAND_PASSWORD | DTU_COMMAND_WHEN_STOPPED, "", system_restart},
};

}  // namespace

void add_builtins(Kernel& kernel) {
  for (const Row& row : kRows) {
    commands::Command command;
    command.name = row.name;
    command.title = row.title;
    command.flags = row.flags;
    command.args_schema = row.args_schema;
    command.builtin = [&kernel, run = row.run](const std::string& args, const std::string&, const Done& done) {
      run(kernel, args, done);
    };
    if (const std::string refused = kernel.directory().add(std::move(command)); !refused.empty())
      kernel.log().error("kernel", refused);
  }
}

}  // namespace dtud
