#include "kernel/port_line.hpp"

#include <array>

#include "config/port.hpp"
#include "kernel/kernel.hpp"

namespace dtud {
namespace {

using commands::Caller;
using commands::Done;
using config::Json;
using config::JsonObject;

struct Signal {
  const char* key;
  uint32_t bit;
};
constexpr std::array kOurs{Signal{"dtr", DTU_SIGNAL_DTR}, Signal{"rts", DTU_SIGNAL_RTS},
                           Signal{"break", DTU_SIGNAL_BREAK}};
constexpr std::array kReported{Signal{"dtr", DTU_SIGNAL_DTR}, Signal{"rts", DTU_SIGNAL_RTS},
                               Signal{"cts", DTU_SIGNAL_CTS}, Signal{"dsr", DTU_SIGNAL_DSR},
                               Signal{"dcd", DTU_SIGNAL_DCD}, Signal{"ri", DTU_SIGNAL_RI}};

struct Setting {
  const char* key;
  std::optional<uint32_t> routing::LineWish::*wish;
  uint32_t (*value)(const Json&);
};
uint32_t number_of(const Json& value) { return static_cast<uint32_t>(config::as_integer(value)); }
constexpr std::array kSettings{Setting{"baud", &routing::LineWish::baud, number_of},
                               Setting{"databits", &routing::LineWish::databits, number_of},
                               Setting{"parity", &routing::LineWish::parity, config::parity_of},
                               Setting{"stopbits", &routing::LineWish::stopbits, config::stopbits_of},
                               Setting{"flowctl", &routing::LineWish::flow, config::flow_of}};

routing::LineWish wish_in(const JsonObject& args) {
  routing::LineWish wish;
  for (const Setting& s : kSettings)
    if (args.has(s.key)) wish.*s.wish = s.value(args.get(s.key));
  for (const Signal& s : kOurs) {
    if (!args.has(s.key)) continue;
    wish.mask |= s.bit;
    if (config::as_flag(args.get(s.key))) wish.signals |= s.bit;
  }
  return wish;
}

uint32_t discarded_in(const JsonObject& args) {
  const std::string which = config::as_text(args.get("discard"));
  return (which == "to" || which == "both" ? DTU_DISCARD_TO_PORT : 0U) |
         (which == "from" || which == "both" ? DTU_DISCARD_FROM_PORT : 0U);
}

// As uconf.<n> has them: what is answered may be given again.
std::string to_json(const std::string& port, const routing::LineState& state) {
  const dtu_port_settings& s = state.settings;
  auto o = config::make_ordered_object();
  o->set("port", port);
  o->set("baud", s.baud);
  o->set("databits", s.databits);
  o->set("parity", s.parity);
  if (s.stopbits == DTU_STOP_1_5)
    o->set("stopbits", 1.5);
  else
    o->set("stopbits", s.stopbits);
  o->set("flowctl", s.flow);
  for (const Signal& signal : kReported)
    if ((state.known & signal.bit) != 0) o->set(signal.key, (state.signals & signal.bit) != 0);
  return config::to_json(Json(o));
}

}  // namespace

const char* const kPortLineArguments = R"({"type": "object", "required": ["port"], "additionalProperties": false,
  "properties": {
    "port": {"type": "string", "minLength": 1, "maxLength": 32, "title": "Port, as uconf names it"},
    "baud": {"type": "integer", "minimum": 50, "maximum": 4000000, "title": "Bits per second"},
    "databits": {"type": "integer", "minimum": 5, "maximum": 8, "title": "Data bits"},
    "parity": {"enum": [0, 1, 2, 3, 4, "none", "even", "odd", "mark", "space"], "title": "Parity"},
    "stopbits": {"enum": [1, 2, 1.5], "title": "Stop bits"},
    "flowctl": {"enum": [0, 1, 2, "none", "rtscts", "xonxoff"], "title": "Flow control"},
    "dtr": {"type": "boolean", "title": "DTR"},
    "rts": {"type": "boolean", "title": "RTS"},
    "break": {"type": "boolean", "title": "BREAK: from true on, until false"},
    "discard": {"enum": ["to", "from", "both"], "title": "What is under way and is forgotten first"},
    "reset": {"type": "boolean", "title": "true: what this caller asked for before ends"}}})";

void port_line(Kernel& kernel, const JsonObject& args, const Caller& caller, const Done& done) {
  const std::string id = config::as_text(args.get("port"));
  routing::Port* port = kernel.router().port(id);
  if (port == nullptr) return done({DTU_E_NOT_FOUND, "", "uconf has no port " + config::shown_key(id)});
  // What a plugin asks for ends with its instance; what the console asks for, with the port.
  routing::LineAsker by;
  if (caller.kind == Caller::Kind::self && (by.instance = kernel.instance(caller.name)) == nullptr)
    return done({DTU_E_CLOSED, "", caller.name + " does not run any more"});
  if (const uint32_t which = discarded_in(args); which != 0) kernel.router().discard(*port, which);
  const uint64_t change =
      kernel.router().ask_line(*port, by, wish_in(args), config::as_flag(args.get("reset")),
                               [done, id](dtu_status status, const std::string& why, const routing::LineState& state) {
                                 if (status < 0) return done({status, "", why});
                                 done({DTU_OK, to_json(id, state), ""});
                               });
  // A call that fails has changed nothing, also when the line becomes free later.
  kernel.calls().when_given_up(caller.call, [&kernel, id, change] {
    if (routing::Port* same = kernel.router().port(id); same != nullptr) kernel.router().withdraw(*same, change);
  });
}

}  // namespace dtud
