// The subcommands that show a list.
#include <algorithm>

#include "actions.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "log/counted.hpp"
#include "output_file.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

std::string joined(const Json& array) {
  std::string out;
  for (const Json& item : array.items()) out += (out.empty() ? "" : ", ") + item.text();
  return out;
}

// A value in words: 3, yes, "a, b", "up (losses 0)".
std::string in_words(const Json& value) {
  if (value.is_object()) {
    std::string out;
    for (const std::string& key : value.keys()) {
      std::string name = key;
      std::replace(name.begin(), name.end(), '_', ' ');
      const Json part = value[key];
      out += (out.empty() ? "" : ", ") + name + (part.is_object() ? " (" + in_words(part) + ")" : " " + in_words(part));
    }
    return out.empty() ? "none" : out;
  }
  if (value.is_array()) {
    std::string out;
    for (const Json& item : value.items())
      out += (out.empty() ? "" : ", ") + (item.is_object() ? "(" + in_words(item) + ")" : in_words(item));
    return out.empty() ? "none" : out;
  }
  if (value.is_null()) return "none";
  if (value.value().isBoolean()) return value.flag() ? "yes" : "no";
  return value.text().empty() ? "none" : value.text();
}

std::string traffic(const Json& bytes, const Json& messages) {
  if (bytes.number() == 0 && messages.number() == 0) return "-";
  return byte_size(bytes.number()) + " (" + messages.text() + ")";
}

Cell state_cell(const Json& state, const std::string& more = {}) {
  return {state.text() + more, colour_of_state(state.text())};
}

Cell count(const Json& n, Colour when_not_zero = Colour::none) {
  return {n.number() == 0 ? "-" : n.text(), n.number() == 0 ? Colour::faint : when_not_zero};
}

// Errors need room: each has a line of its own below the table.
std::string error_line(const Terminal& terminal, const std::string& who, const Json& error) {
  std::string text = error.text();
  if (text.empty()) return "";
  if (text.compare(0, who.size() + 2, who + ": ") != 0) text = who + ": " + text;
  return terminal.paint(Colour::bad, printable(text)) + "\n";
}

// What the counters of an outbox do not show: why messages were rejected or dropped, and what nobody confirms.
std::string outbox_lines(const std::string& who, const Json& outbox) {
  std::string out;
  const Json last = outbox["last_rejected"];
  const std::string reason = last["reason"].text();
  if (!reason.empty()) {
    const std::string why = reason == "closed"        ? "the peer closed the connection whenever it was sent"
                            : reason == "max_message" ? "longer than max_message"
                                                      : "the channel or its peer refused it for good";
    out += who + "the last rejected message had " + last["bytes"].text() + " bytes: " + printable(why) + "\n";
  }
  if (const uint64_t n = outbox["overtaken"].number(); n != 0)
    out += who + dtud::counted(n, "message") + " delivered after a newer one: the peer had refused them before\n";
  if (const uint64_t n = outbox["no_receiver"].number(); n != 0)
    out += who + dtud::counted(n, "message") + " dropped because no client was connected\n";
  if (const uint64_t n = outbox["unconfirmed"].number(); n != 0)
    out += who + dtud::counted(n, "message") + " sent without confirmation: this protocol has none\n";
  return out;
}

// What the dialect of a port could make nothing of, by reason.
std::string dialect_drop_line(const Terminal& terminal, const Json& port) {
  const Json drops = port["dialect_drops"];
  uint64_t all = 0;
  std::string reasons;
  for (const std::string& reason : drops.keys()) {
    all += drops[reason].number();
    reasons += (reasons.empty() ? "" : ", ") + reason + " " + drops[reason].text();
  }
  if (all == 0) return "";
  return terminal.paint(Colour::warning, printable("port " + port["id"].text() + ": dialect " + port["dialect"].text() +
                                                   " dropped data " + dtud::counted(all, "time") + ": " + reasons)) +
         "\n";
}

// What the plugin of an instance did wrong, a line for each kind.
std::string fault_lines(const Terminal& terminal, const Json& instance) {
  std::string out;
  const Json faults = instance["faults"];
  for (const std::string& kind : faults.keys()) {
    const Json f = faults[kind];
    out += terminal.paint(Colour::warning,
                          printable(instance["name"].text() + ": fault \"" + kind + "\", " +
                                    dtud::counted(f["count"].number(), "time") + ", last: " + f["function"].text() +
                                    " of " + instance["plugin"].text() + " " + f["last"].text())) +
           "\n";
  }
  return out;
}

// Shows the JSON list at `path` by `show`, or, with --json, as it came.
int list(const Invocation& in, const char* path, std::string (*show)(const Json&, const Terminal&)) {
  const std::string body = in.client().need("GET", path);
  print(in.json() ? body + "\n" : show(Json::parse(body, "the answer", kFailed), in.terminal));
  return kOk;
}

std::string none(const Table& table, const Terminal& terminal, const char* text) {
  return table.empty() ? std::string(text) + "\n" : table.text(terminal);
}

// Where it runs: a lane of dtud's, or a process of its own.
std::string place(const Json& instance) {
  const Json isolated = instance["isolated"];
  if (isolated.keys().empty()) return instance["lane"].text();
  if (isolated["pid"].number() == 0) return "isolated (not running)";
  return "isolated (pid " + isolated["pid"].text() + ", " + byte_size(isolated["rss_kib"].number() * 1024) + ")";
}

// How the process of an isolated one ended last, when nobody had asked for it.
std::string death_line(const Terminal& terminal, const Json& instance) {
  const Json isolated = instance["isolated"];
  if (isolated["deaths"].number() == 0) return "";
  return terminal.paint(Colour::warning, printable(instance["name"].text() + ": its process ended " +
                                                   dtud::counted(isolated["deaths"].number(), "time") +
                                                   ", last: " + isolated["last_death"].text())) +
         "\n";
}

// A change that came over a channel and has not proved itself.
std::string trial_line(const Terminal& terminal, const Json& trial) {
  if (trial["source"].text().empty()) return "";
  const bool stored = trial["revision"].number() != 0;  // else the history was destroyed
  const std::string what = stored ? "revision " + trial["revision"].text() : "the present document";
  const std::string until = trial["until_ns"].number() == 0 ? "it is being applied"
                                                            : "until " + date_and_time(trial["until_ns"].number()) +
                                                                  " (" + duration(trial["seconds_left"].number()) + ")";
  std::string parts;
  std::string sources;
  for (const Json& source : trial["sources"].items()) sources += (sources.empty() ? "" : ", ") + source.text();
  if (sources.empty()) sources = trial["source"].text();  // an older dtud
  for (const Json& part : trial["changed"].items()) parts += (parts.empty() ? "" : ", ") + part.text();
  return terminal.paint(Colour::warning,
                        printable("on trial  " + what + " by " + sources + (parts.empty() ? "" : " (" + parts + ")") +
                                  " since " + date_and_time(trial["since_ns"].number()) + ", " + until +
                                  "; else revision " + trial["good"].text() + " comes back" +
                                  (trial["local"].flag() ? ", with the local changes since" : ""))) +
         "\n";
}

std::string config_lines(const Terminal& terminal, const Json& status) {
  const Json config = status["config"];
  std::string out;
  if (config["revision"].number() != 0)
    out +=
        "config    revision " + config["revision"].text() + (config["applied"].flag() ? "" : ", being applied") + "\n";
  out += trial_line(terminal, config["trial"]);
  const auto warn = [&](const std::string& text) { out += terminal.paint(Colour::warning, printable(text)) + "\n"; };
  if (!config["file_refused"].text().empty()) warn("refused   device file: " + config["file_refused"].text());
  if (config["file_edited"].flag()) warn("edited    device file: dtuctl config reload takes the edit");
  if (!config["file_rejected"].text().empty()) warn("rejected  " + config["file_rejected"].text());
  if (!config["rolled_back"].text().empty()) warn("undone    " + config["rolled_back"].text());
  for (const Json& damage : status["damaged"].items()) warn("damaged   " + damage.text());
  return out;
}

std::string status_text(const Json& s, const Terminal& terminal) {
  std::string out = terminal.paint(Colour::bold, "dtud " + printable(s["version"].text())) + " (plugin ABI " +
                    printable(s["abi"].text()) + "), process " + s["pid"].text() + ", up " +
                    duration(s["uptime_s"].number()) + ", " + byte_size(s["rss_kib"].number() * 1024) + " in " +
                    dtud::counted(s["threads"].number(), "thread") + "\n";
  const std::string protocol = s["protocol"].text();
  const std::string password = s["password"].text();
  out += "protocol  " + terminal.paint(colour_of_state(protocol), printable(protocol)) + "\n";
  out += "password  " + terminal.paint(password == "set" ? Colour::none : Colour::warning, printable(password)) + "\n";
  out += "board     " + printable(s["board_file"].text()) + "\ndevice    " + printable(s["device_file"].text()) +
         "\nstate     " + printable(s["state_dir"].text()) + "\n" + config_lines(terminal, s) + "\n";
  Table table({"INSTANCE", "KIND", "TYPE", "STATE", ">RESTARTS", "LANE"});
  Paragraphs health;
  std::string errors;
  for (const Json& i : s["instances"].items()) {
    table.add({i["name"].text(), i["kind"].text(), i["type"].text(),
               state_cell(i["state"], i["quarantined"].flag() ? ", in quarantine" : ""),
               count(i["restarts"], Colour::warning), place(i)});
    if (!i["health"].keys().empty()) health.add(i["name"].text(), in_words(i["health"]));
    errors += error_line(terminal, i["name"].text(), i["error"]) + fault_lines(terminal, i) + death_line(terminal, i);
  }
  for (const Json& skipped : s["config"]["skipped"].items())
    errors += error_line(terminal, "channel " + skipped["channel"].text(), skipped["reason"]);
  return out + none(table, terminal, "no instances") + errors +
         (health.empty() ? "" : "\n" + terminal.paint(Colour::bold, "HEALTH") + "\n" + health.text(terminal));
}

std::string points_text(const Json& points, const Terminal& terminal) {
  Table table({"POINT", "UNIT", "ACCESS", "TITLE", "PROVIDER"});
  for (const Json& p : points.items())
    table.add({p["name"].text(),
               p["unit"].text(),
               p["writable"].flag() ? "read, write" : "read",
               p["title"].text(),
               {p["provider"].text(), Colour::faint}});
  return none(table, terminal, "no points");
}

std::string ports_text(const Json& ports, const Terminal& terminal) {
  Table table({"PORT", "STATE", "DEVICE", "DIALECT", "CHANNELS", ">IN", ">OUT", ">WAITING", ">DROPPED"});
  std::string errors;
  for (const Json& p : ports.items()) {
    table.add({p["id"].text(), state_cell(p["state"], p["blocked"].flag() ? ", blocked" : ""), p["device"].text(),
               p["dialect"].text(), joined(p["channels"]), traffic(p["rx_bytes"], p["rx_messages"]),
               traffic(p["tx_bytes"], p["tx_messages"]), traffic(p["queued_bytes"], p["queued_messages"]),
               count(p["dropped"], Colour::bad)});
    errors += error_line(terminal, "port " + p["id"].text(), p["error"]) + dialect_drop_line(terminal, p);
  }
  return none(table, terminal, "no ports; see uconf in the device document, which names the ports to open") + errors;
}

std::string channels_text(const Json& channels, const Terminal& terminal) {
  Table table({"CHANNEL", "TYPE", "STATE", "PORT", ">WAITING", ">UNCONFIRMED", ">DELIVERED", ">RESENT", ">DROPPED",
               ">REJECTED", ">IN"});
  std::string errors;
  for (const Json& c : channels.items()) {
    const Json box = c["outbox"];
    table.add({c["id"].text(), c["type"].text(), state_cell(c["state"]), c["port"].text(),
               traffic(box["bytes"], box["messages"]), count(box["in_flight"]), count(box["delivered"]),
               count(box["resent"], Colour::warning), count(box["dropped"], Colour::bad),
               count(box["rejected"], Colour::bad), traffic(c["rx_bytes"], c["rx_messages"])});
    errors += error_line(terminal, "channel " + c["id"].text(), c["error"]);
    errors += outbox_lines("channel " + c["id"].text() + ": ", box);
  }
  return none(table, terminal, "no channels; see conf in the device document") + errors;
}

}  // namespace

int show_status(const Invocation& in) { return list(in, "/v1/status", status_text); }
int show_points(const Invocation& in) { return list(in, "/v1/points", points_text); }
int show_ports(const Invocation& in) { return list(in, "/v1/ports", ports_text); }
int show_channels(const Invocation& in) {
  const Client client = in.client();
  const std::string body = client.need("GET", "/v1/channels");
  if (in.json()) {
    print(body + "\n");
    return kOk;
  }
  const Reply status = client.ask("GET", "/v1/status");
  const Json trial = status.status == 200 ? Json::parse(status.body, "the answer", kFailed)["config"]["trial"] : Json();
  print(channels_text(Json::parse(body, "the answer", kFailed), in.terminal) + trial_line(in.terminal, trial));
  return kOk;
}

int show_metrics(const Invocation& in) {
  const std::string text = in.client().need("GET", "/metrics");
  if (const auto file = in.options.find("--output"); file != in.options.end())
    replace_file(file->second, text);
  else
    print(text);
  return kOk;
}

}  // namespace dtuctl
