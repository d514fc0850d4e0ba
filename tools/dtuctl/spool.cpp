// What offline_storage holds: see, take out, throw away.
#include <algorithm>

#include "actions.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "json.hpp"
#include "log/counted.hpp"
#include "spool/check.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

std::string channel_in(const std::string& word) {
  if (word.empty() || word.size() > 2 || word.find_first_not_of("0123456789") != std::string::npos)
    throw Failure(kUsage, "\"" + word + "\" is not a channel number: see dtuctl channels");
  return word;
}

std::string amount(const Json& part) {
  if (part["messages"].number() == 0) return "-";
  return part["messages"].text() + " (" + byte_size(part["bytes"].number()) + ")";
}

std::string flash_text(const Json& flash) {
  const std::string written = byte_size(flash["bytes_written"].number());
  if (flash["bytes_written"].number() == 0) return "flash: nothing written\n";
  const uint64_t days = flash["days_of_life"].number();
  const std::string life = days >= 36500 ? "over 100 years"
                           : days >= 730 ? std::to_string(days / 365) + " years"
                                         : dtud::counted(days, "day");
  return "flash: " + written + " written since dtud started; at that rate it lasts " + life + " (3000 cycles)\n";
}

std::string spool_text(const Json& spool, const Terminal& terminal) {
  Table table({"CHANNEL", "STORAGE", ">WAITING", ">IN MEMORY", ">ON DISK", ">FILES", ">DROPPED", ">DAMAGED", "STATE"});
  std::string below;
  for (const Json& c : spool["channels"].items()) {
    const bool trouble = c["state"].text() == "trouble";
    const uint64_t damaged = c["disk"]["damaged"].number();
    table.add({c["channel"].text(),
               {c["mode"].text(), c["mode"].text() == "off" ? Colour::faint : Colour::none},
               c["messages"].text(),
               amount(c["memory"]),
               amount(c["disk"]),
               c["disk"]["file_bytes"].number() == 0 ? "-" : byte_size(c["disk"]["file_bytes"].number()),
               {c["dropped"].number() == 0 ? "-" : c["dropped"].text(), Colour::bad},
               {damaged == 0 ? "-" : std::to_string(damaged), Colour::bad},
               {c["state"].text(), trouble ? Colour::bad : Colour::none}});
    if (trouble)
      below +=
          terminal.paint(Colour::bad, printable("channel " + c["channel"].text() + ": " + c["error"].text())) + "\n";
  }
  for (const Json& id : spool["ownerless"].items())
    below += "channel " + id.text() + " is not in the device document, but has stored messages\n";
  return (table.empty() ? "no channels\n" : table.text(terminal)) + below + flash_text(spool["flash"]);
}

using dtud::spool::CheckReport;

const char* name_of(CheckReport::Kind kind) {
  constexpr const char* kNames[] = {"segment", "spare", "newer", "other"};
  return kNames[static_cast<size_t>(kind)];
}

std::string check_json(const CheckReport& r) {
  std::string damage;
  for (const auto& d : r.damage)
    damage += (damage.empty() ? "" : ",") + std::string("{\"offset\":") + std::to_string(d.offset) +
              ",\"size\":" + std::to_string(d.size) + ",\"records\":" + std::to_string(d.records) +
              ",\"text\":" + quoted(d.text) + "}";
  const auto number = [](const char* name, auto value) {
    return ",\"" + std::string(name) + "\":" + std::to_string(value);
  };
  return "{\"file\":" + quoted(r.file) + ",\"good\":" + (r.good() ? "true" : "false") + ",\"kind\":\"" +
         name_of(r.kind) + "\",\"meaning\":" + quoted(r.trouble ? r.trouble.text : r.meaning) +
         number("version", r.version) + number("size", r.size) + number("used", r.used) + number("commits", r.commits) +
         number("records", r.records) + number("payload", r.payload) + number("first_seq", r.first_seq) +
         number("last_seq", r.last_seq) + number("first_time_ns", r.first_time_ns) +
         number("last_time_ns", r.last_time_ns) + number("done", r.done) + ",\"torn\":" + (r.torn ? "true" : "false") +
         number("damages", r.damages) + ",\"damage\":[" + damage + "]}";
}

std::string check_text(const CheckReport& r, const Terminal& terminal) {
  std::string out = terminal.paint(r.good() ? Colour::good : Colour::bad,
                                   printable(r.file + ": " + (r.trouble ? r.trouble.text : r.meaning))) +
                    "\n";
  if (r.kind != CheckReport::Kind::segment) return out;
  out += "  format " + std::to_string(r.version) + ", " + dtud::counted(r.records, "message") + " (" +
         byte_size(r.payload) + ") in " + dtud::counted(r.commits, "commit") + ", " + byte_size(r.used) + " of " +
         byte_size(r.size) + " used\n";
  if (r.records != 0)
    out += "  numbers " + std::to_string(r.first_seq) + " to " + std::to_string(r.last_seq) + ", delivered below " +
           std::to_string(r.done) + "\n  read from " + date_and_time(static_cast<uint64_t>(r.first_time_ns)) + " to " +
           date_and_time(static_cast<uint64_t>(r.last_time_ns)) + "\n";
  for (const auto& d : r.damage) out += "  byte " + std::to_string(d.offset) + ": " + printable(d.text) + "\n";
  if (r.damages > r.damage.size()) out += "  and " + std::to_string(r.damages - r.damage.size()) + " more\n";
  return out;
}

}  // namespace

int spool_check(const Invocation& in) {
  const auto reports = dtud::spool::check_path(in.operands[0]);
  std::string json;
  bool good = true;
  for (const CheckReport& r : reports) {
    good = good && r.good();
    if (in.json())
      json += (json.empty() ? "" : ",") + check_json(r);
    else
      print(check_text(r, in.terminal));
  }
  if (in.json()) print("[" + json + "]\n");
  if (!in.json() && reports.empty()) print(in.operands[0] + ": no spool file found\n");
  return good ? kOk : kFailed;
}

int show_spool(const Invocation& in) {
  const std::string body = in.client().need("GET", "/v1/spool");
  print(in.json() ? body + "\n" : spool_text(Json::parse(body, "the answer", kFailed), in.terminal));
  return kOk;
}

int spool_export(const Invocation& in) {
  const Client client = in.client();
  const std::string path = "/v1/spool/" + channel_in(in.operands[0]);
  const bool raw = in.has("--raw");
  for (std::string from = "0"; !from.empty();) {
    const Json page =
        Json::parse(client.need("GET", std::string(path).append("?from=").append(from)), "the answer", kFailed);
    for (const Json& message : page["messages"].items())
      print(raw ? from_base64(message["data_b64"].text()) : message.dump().append("\n"));
    from = page["next"].text();
  }
  return kOk;
}

int spool_clear(const Invocation& in) {
  const std::string body = in.client().need("DELETE", "/v1/spool/" + channel_in(in.operands[0]), "{}");
  const Json reply = Json::parse(body, "the answer", kFailed);
  print(in.json() ? body + "\n"
                  : dtud::counted(reply["cleared"].number(), "message") + " cleared; messages in flight stay\n");
  return kOk;
}

}  // namespace dtuctl
