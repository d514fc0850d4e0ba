#include "actions.hpp"
#include "config/places.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "log/counted.hpp"
#include "plugins/loader/probe.hpp"
#include "schema_table.hpp"
#include "text.hpp"
#include "upgrade/version.hpp"

namespace dtuctl {
namespace {

std::string joined(const Json& array, const char* nothing) {
  std::string out;
  for (const Json& item : array.items()) out += (out.empty() ? "" : ", ") + printable(item.text());
  return out.empty() ? nothing : out;
}

void print_component(const Json& c, const Terminal& terminal) {
  const std::string name = c["kind"].text() + " " + c["type"].text();
  print(terminal.paint(Colour::bold, printable(name)) + ": " + printable(c["title"].text()) + "\n");
  if (!c["plugin"].is_null()) print("plugin      " + printable(c["plugin"].text()) + "\n");
  print("interfaces  " + joined(c["interfaces"], "none") + "\nabilities   " + joined(c["caps"], "none") + "\n");
  for (const Json& i : c["instances"].items()) {
    std::string faults;
    for (const std::string& kind : i["faults"].keys())
      faults += (faults.empty() ? "; faults: " : ", ") + kind + " " + i["faults"][kind]["count"].text();
    print("runs as     " +
          printable(i["name"].text() + ", " + i["state"].text() + (i["quarantined"].flag() ? ", in quarantine" : "") +
                    faults) +
          "\n");
  }
  if (!c["dialects"].items().empty()) print("dialects    " + joined(c["dialects"], "") + "\n");
  if (c["schema"].is_null()) return;
  const Table table = schema_table("PROPERTY", c["schema"]);
  print("\n" + (table.empty() ? "no configuration\n" : table.text(terminal)));
}

std::string signature_text(const Json& signature) {
  const std::string state = signature["state"].text();
  if (state == "good") return "good, by key " + signature["key"].text();
  return state.empty() ? "not checked: the board document has no keys (plugins.keys)" : signature["text"].text();
}

void print_fact(const char* name, const std::string& value, Colour colour, const Terminal& terminal) {
  if (!value.empty()) print(name + terminal.paint(colour, printable(value)) + "\n");
}

void print_plugin(const Json& p, const Terminal& terminal) {
  const std::string id = p["id"].text();
  print(terminal.paint(Colour::bold, printable(id.empty() ? p["file"].text() : id + " " + p["version"].text())) + "\n");
  print_fact("file        ", p["file"].text(), Colour::none, terminal);
  print_fact("came from   ", p["installed_from"].text(), Colour::none, terminal);
  print_fact("vendor      ", p["vendor"].text(), Colour::none, terminal);
  print_fact("license     ", p["license"].text(), Colour::none, terminal);
  print_fact("plugin ABI  ", p["abi"].text(), Colour::none, terminal);
  print_fact("SHA-256     ", p["sha256"].text(), Colour::none, terminal);
  print_fact("signature   ", signature_text(p["signature"]), Colour::none, terminal);
  print_fact("state       ", p["state"].text(), colour_of_state(p["state"].text()), terminal);
  print_fact("error       ", p["error"].text(), Colour::bad, terminal);
  print_fact("note        ", p["note"].text(), Colour::none, terminal);
  const Json quarantine = p["quarantine"];
  if (!quarantine.is_null())
    print_fact("quarantine  ",
               quarantine["reason"].text() + ", " + dtud::counted(quarantine["count"].number(), "time") + ", last at " +
                   date_and_time(quarantine["time_ns"].number()),
               Colour::bad, terminal);
  for (const Json& c : p["components"].items()) {
    print("\n");
    print_component(c, terminal);
  }
}

// A file that dtud does not know, or that is looked at without one: probed by dtuctl itself, with the rights of its
// user.
std::string probed_here(const std::string& file) {
  using dtud::plugins::Probed;
  const std::string program = dtud::config::child_program("dtu-plugin-probe").string();
  const Probed probed = dtud::plugins::probe(program, {file, {}, false, {}, true}, {});
  if (probed.end == Probed::End::unavailable) throw Failure(kFailed, printable(probed.text));
  auto o = to_json(probed.plugin);
  o->set("file", file);
  o->set("sha256", probed.sha256);
  o->set("state", std::string(probed.end == Probed::End::good ? "not dtud's" : "refused"));
  o->set("error", probed.text);
  const auto components = o->getArray("components");
  for (unsigned i = 0; i < components->size(); ++i) {
    auto component = components->getObject(i);
    const std::string schema = component->optValue<std::string>("schema", "");
    if (!schema.empty()) component->set("schema", Json::parse(schema, "the schema", kFailed).value());
    component->remove("caps");
  }
  return "[" + Json(o).dump() + "]";
}

// What dtud, or a probe, says of the plugin, file or type; "" = there is none.
std::string plugins_called(const Invocation& in, const std::string& name) {
  const bool file = name.find('/') != std::string::npos;
  const std::string asked = file ? absolute_path(name) : name;
  try {
    const Reply reply = in.client().ask("GET", "/v1/plugins/" + as_segment(asked));
    if (reply.status == 200) return reply.body;
    if (reply.status != 404) refuse(reply);
  } catch (const Failure& f) {
    if (!file || f.code() != kUnreachable) throw;
  }
  return file ? probed_here(asked) : std::string();
}

bool is_usable(const Json& plugin, const Invocation& in) {
  if (!plugin["error"].text().empty()) return false;
  const auto least = in.options.find("--atleast-version");
  if (least == in.options.end()) return true;
  const std::string version = plugin["version"].text();
  return !version.empty() && dtud::upgrade::compare_versions(version, least->second) >= 0;
}

int answer_whether(const Invocation& in, const std::string& body) {
  if (body.empty()) return kFailed;
  for (const Json& p : Json::parse(body, "the answer", kFailed).items())
    if (is_usable(p, in)) return kOk;
  return kFailed;
}

}  // namespace

int inspect(const Invocation& in) {
  const std::string& name = in.operands[0];
  if (in.has("--exists") || in.has("--atleast-version")) return answer_whether(in, plugins_called(in, name));
  std::string body;
  bool type = false;
  if (name.find('/') == std::string::npos) {
    const Reply reply = in.client().ask("GET", "/v1/components/" + as_segment(name));
    type = reply.status == 200;
    if (type) body = reply.body;
    if (!type && reply.status != 404) refuse(reply);
  }
  if (!type) body = plugins_called(in, name);
  if (body.empty())
    throw Failure(kFailed, "there is no type, plugin or plugin file \"" + printable(name) + "\": see dtuctl plugins");
  if (in.json()) {
    print(body + "\n");
    return kOk;
  }
  bool first = true;
  for (const Json& one : Json::parse(body, "the answer", kFailed).items()) {
    if (!first) print("\n");
    first = false;
    type ? print_component(one, in.terminal) : print_plugin(one, in.terminal);
  }
  return kOk;
}

}  // namespace dtuctl
