// What became of the configuration: earlier revisions, and who called what.
#include <map>

#include "actions.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "json.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

uint64_t revision_in(const std::string& word) {
  if (word.empty() || word.size() > 18 || word.find_first_not_of("0123456789") != std::string::npos || word == "0")
    throw Failure(kUsage, "\"" + word + "\" is not a revision number: see dtuctl config history");
  return std::stoull(word);
}

// Every value by its path: conf.1.url -> "\"10.0.0.1\"".
void flatten(const Json& value, const std::string& path, std::map<std::string, std::string>& out) {
  const auto below = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
  if (value.is_object() && !value.keys().empty()) {
    for (const std::string& key : value.keys()) flatten(value[key], below(key), out);
  } else if (value.is_array() && !value.items().empty()) {
    size_t index = 0;
    for (const Json& item : value.items()) flatten(item, below(std::to_string(index++)), out);
  } else {
    out[path] = value.dump();
  }
}

std::map<std::string, std::string> document(const Client& client, const std::string& path) {
  std::map<std::string, std::string> out;
  flatten(Json::parse(client.need("GET", path), "the document", kFailed), "", out);
  return out;
}

std::string history_text(const Json& history, const Terminal& terminal) {
  Table table({">REVISION", "STORED", "BY", "STATE", "NOTE"});
  for (const Json& r : history.items())
    table.add({r["revision"].is_null() ? "-" : r["revision"].text(),
               date_and_time(r["time_ns"].number()),
               r["source"].text(),
               {r["state"].text(),
                r["state"].text() == "" || r["state"].text() == "present" ? Colour::none : Colour::warning},
               r["note"].text()});
  return table.empty() ? "no revision stored\n" : table.text(terminal);
}

}  // namespace

int config_history(const Invocation& in) {
  const std::string body = in.client().need("GET", "/v1/config/history");
  print(in.json() ? body + "\n" : history_text(Json::parse(body, "the answer", kFailed), in.terminal));
  return kOk;
}

int config_diff(const Invocation& in) {
  const Client client = in.client();
  const std::string base = "/v1/config/history/";
  const auto from = document(client, base + std::to_string(revision_in(in.operands[0])));
  const auto to = document(
      client, in.operands.size() > 1 ? base + std::to_string(revision_in(in.operands[1])) : std::string("/v1/config"));
  std::map<std::string, std::string> paths(from.begin(), from.end());
  paths.insert(to.begin(), to.end());
  std::string json;
  for (const auto& [path, ignored] : paths) {
    const auto old = from.find(path);
    const auto now = to.find(path);
    if (old != from.end() && now != to.end() && old->second == now->second) continue;
    if (in.json()) {
      json += (json.empty() ? "" : ",") + std::string("{\"path\":") + quoted(path) +
              ",\"from\":" + (old != from.end() ? old->second : "null") +
              ",\"to\":" + (now != to.end() ? now->second : "null") + "}";
      continue;
    }
    if (old != from.end()) print(in.terminal.paint(Colour::bad, "- " + printable(path + " = " + old->second)) + "\n");
    if (now != to.end()) print(in.terminal.paint(Colour::good, "+ " + printable(path + " = " + now->second)) + "\n");
  }
  if (in.json()) print("[" + json + "]\n");
  return kOk;
}

int config_rollback(const Invocation& in) {
  const std::string path =
      "/v1/config/rollback" + (in.operands.empty() ? "" : "/" + std::to_string(revision_in(in.operands[0])));
  return report_change(in, in.client().ask("POST", path, "{}"), "revision");
}

int config_confirm(const Invocation& in) {
  const std::string body = in.client().need("POST", "/v1/call", R"({"command": "config.confirm"})");
  const Json reply = Json::parse(body, "the answer", kFailed);
  if (in.json())
    print(body + "\n");
  else
    print(reply["result"]["confirmed"].flag() ? "the change is confirmed\n" : "no change is on trial\n");
  return kOk;
}

int connect(const Invocation& in) {
  std::string args = "{}";
  if (!in.operands.empty()) {
    const std::string& id = in.operands[0];
    if (id.empty() || id.size() > 2 || id.find_first_not_of("0123456789") != std::string::npos)
      throw Failure(kUsage, "\"" + id + "\" is not a channel number: see dtuctl channels");
    args = "{\"channel\": " + std::to_string(std::stoul(id)) + "}";
  }
  const std::string body =
      in.client().need("POST", "/v1/call", R"({"command": "channels.connect", "args": )" + args + "}");
  const Json reply = Json::parse(body, "the answer", kFailed);
  if (in.json()) print(body + "\n");
  if (reply["status"].text() != "ok") throw Failure(kFailed, reply["error"].text());
  return kOk;
}

int show_audit(const Invocation& in) {
  const std::string body = in.client().need("GET", "/v1/audit");
  if (in.json()) {
    print(body + "\n");
    return kOk;
  }
  Table table({"TIME", "SOURCE", "COMMAND", "RESULT", ">TIMES", "ERROR"});
  for (const Json& e : Json::parse(body, "the answer", kFailed).items())
    table.add({date_and_time(e["time_ns"].number()),
               e["source"].text(),
               e["command"].text(),
               {e["result"].text(), e["result"].text() == "ok" ? Colour::none : Colour::warning},
               e["times"].number() > 1 ? e["times"].text() : "",
               e["error"].text()});
  print(table.empty() ? "no calls yet\n" : table.text(in.terminal));
  return kOk;
}

}  // namespace dtuctl
