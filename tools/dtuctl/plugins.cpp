// The plugin files: what there is, what is wrong with it, installing and removing.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "actions.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "json.hpp"
#include "log/counted.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

struct StateName {
  const char* state;
  const char* name;
  Colour colour;
};
constexpr StateName kStates[] = {{"loaded", "loaded", Colour::good},
                                 {"isolated", "isolated", Colour::good},
                                 {"built in", "built in", Colour::good},
                                 {"available", "not used", Colour::faint},
                                 {"replaced", "replaced", Colour::faint},
                                 {"waiting", "waiting", Colour::warning},
                                 {"dead", "dead", Colour::faint},
                                 {"refused", "refused", Colour::bad},
                                 {"quarantined", "quarantined", Colour::bad}};

// An older dtud has no "state".
std::string state_of(const Json& plugin) {
  if (!plugin["state"].is_null()) return plugin["state"].text();
  return !plugin["error"].text().empty() ? "refused" : plugin["loaded"].flag() ? "loaded" : "available";
}

Cell state_cell(const Json& plugin) {
  const std::string state = state_of(plugin);
  for (const StateName& s : kStates)
    if (state == s.state) return {s.name, s.colour};
  return {state};
}

bool failed(const Json& plugin) {
  const std::string state = state_of(plugin);
  return state == "refused" || state == "quarantined";
}

Cell signature_cell(const Json& signature) {
  const std::string state = signature["state"].text();
  if (state.empty()) return {""};
  if (state == "good") return {signature["key"].text(), Colour::good};
  if (state == "none") return {"unsigned", Colour::warning};
  return {state == "unknown" ? "another's key" : "wrong", Colour::bad};
}

std::string offers(const Json& plugin) {
  std::string out;
  for (const Json& c : plugin["components"].items())
    out += (out.empty() ? "" : " ") + c["kind"].text() + ":" + c["type"].text();
  return out;
}

std::string table_of(const std::vector<Json>& plugins, const Terminal& terminal) {
  Table table({"PLUGIN", "VERSION", "VENDOR", "ABI", "STATE", "SIGNED BY", "OFFERS", "FILE"});
  std::string below;
  for (const Json& p : plugins) {
    const std::string file = p["file"].text(), error = p["error"].text(), note = p["note"].text();
    table.add({p["id"].text(), p["version"].text(), p["vendor"].text(), p["abi"].text(), state_cell(p),
               signature_cell(p["signature"]), offers(p), p["built_in"].flag() ? std::string("-") : file});
    const auto say = [&](Colour colour, const std::string& line) {
      below.append(terminal.paint(colour, printable(line))).append("\n");
    };
    const auto of_file = [&](const std::string& what) { return std::string(file).append(": ").append(what); };
    if (!error.empty()) say(Colour::bad, error.compare(0, file.size(), file) == 0 ? error : of_file(error));
    if (p["faults"].number() > 0)
      say(Colour::warning,
          p["id"].text() + ": " + dtud::counted(p["faults"].number(), "fault") + " at run time: see dtuctl status");
    if (const std::string dead = p["dead"].text(); !dead.empty()) say(Colour::faint, of_file(dead));
    if (!note.empty()) say(Colour::faint, of_file(note));
  }
  return table.empty() ? std::string() : table.text(terminal) + below;
}

// A busy board may take its time for a probe.
Client patient(const Invocation& in) {
  constexpr unsigned kProbeTakes_s = 60;
  return in.client().patient(std::chrono::seconds(std::max(in.timeout_s(), kProbeTakes_s)));
}

Json ask(const Invocation& in, const char* path, const std::string& key, const std::string& value) {
  return Json::parse(patient(in).need("POST", path, "{\"" + key + "\": " + quoted(value) + "}"), "the answer", kFailed);
}

}  // namespace

std::string absolute_path(const std::string& file) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(file.c_str(), nullptr), &std::free);
  if (!real) throw Failure(kUsage, file + " cannot be read: " + std::generic_category().message(errno));
  return real.get();
}

int show_plugins(const Invocation& in) {
  const std::string body = in.client().need("GET", "/v1/plugins");
  const bool only_failed = in.has("--failed");
  std::vector<Json> shown;
  bool any = false;
  for (const Json& p : Json::parse(body, "the answer", kFailed).items()) {
    any = any || failed(p);
    if (!only_failed || failed(p)) shown.push_back(p);
  }
  if (in.json() && !only_failed) {
    print(body + "\n");
  } else if (in.json()) {
    std::string list;
    for (const Json& p : shown) list += (list.empty() ? "" : ",") + p.dump();
    print("[" + list + "]\n");
  } else {
    const std::string text = table_of(shown, in.terminal);
    print(!text.empty() ? text
          : only_failed ? "no plugin file is refused or quarantined\n"
                        : "no plugins; see plugin_path in the board document\n");
  }
  return only_failed && any ? kFailed : kOk;
}

int plugins_install(const Invocation& in) {
  const Json done = ask(in, "/v1/plugins/install", "file", absolute_path(in.operands[0]));
  if (in.json()) {
    print(done.dump() + "\n");
    return kOk;
  }
  print("installed " + printable(done["id"].text() + " " + done["version"].text()) + ", SHA-256 " +
        printable(done["sha256"].text()) + "\n");
  const std::string later = done["later"].text();
  print(later.empty() ? std::string("it is used now\n") : printable(later) + "\n");
  return kOk;
}

int plugins_remove(const Invocation& in) {
  const Json done =
      Json::parse(in.client().need("DELETE", "/v1/plugins/" + as_segment(in.operands[0])), "the answer", kFailed);
  if (in.json()) {
    print(done.dump() + "\n");
  } else {
    print("removed " + printable(done["removed"].text()) + "\n");
    if (const std::string note = done["note"].text(); !note.empty()) print(printable(note) + "\n");
  }
  return kOk;
}

namespace {

int retry_instance(const Invocation& in, const std::string& name) {
  const std::string body = in.client().need("POST", "/v1/plugins/retry/" + as_segment(name), "{}");
  print(in.json() ? body + "\n" : name + " is started: see dtuctl status\n");
  return kOk;
}

}  // namespace

// An instance is named by two words or more ("channel 1"), a plugin or its file by one.
int plugins_retry(const Invocation& in) {
  std::string name;
  for (const std::string& word : in.operands) name += (name.empty() ? "" : " ") + word;
  if (name.find(' ') != std::string::npos && name.find('/') == std::string::npos) return retry_instance(in, name);
  const Json files =
      ask(in, "/v1/plugins/retry", "plugin", name.find('/') == std::string::npos ? name : absolute_path(name));
  bool good = true;
  if (in.json()) print(files.dump() + "\n");
  for (const Json& f : files.items()) {
    const std::string file = f["file"].text(), error = f["error"].text();
    good = good && error.empty();
    if (!in.json()) print(printable(error.empty() ? file + ": is in order now" : error) + "\n");
  }
  if (good && !in.json()) print("to use it: dtuctl config set, or restart dtud\n");
  return good ? kOk : kFailed;
}

}  // namespace dtuctl
