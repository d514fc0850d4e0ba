// dtu.points/1, dtu.commands/1: what is answered by host->reply.
#include <algorithm>

#include "config.hpp"
#include "uses.hpp"

namespace dtu::check {
namespace {

constexpr size_t points_max = 64;
constexpr size_t commands_max = 64;
constexpr uint32_t levels = DTU_COMMAND_PASSWORD | DTU_COMMAND_LOCAL | DTU_COMMAND_INTERNAL;
constexpr uint32_t call_ms = 10'000;  // the deadline of a call
constexpr uint64_t no_call = 0xFFFF'FFFF'FFFF'0000U;
constexpr char nothing[] = "dtu-check.no.such.name";

struct Named {
  std::string name, args_schema;
  uint32_t flags = 0;
};

void judge_names(Subject& s, const char* rule, const std::string& function, const std::vector<Named>& all) {
  std::set<std::string> seen;
  for (const Named& n : all) {
    const bool bad = !is_dotted_name(n.name);
    if (bad || !seen.insert(n.name).second)
      s.bench().found(rule, s.in(function) + " gave the name \"" + n.name.substr(0, 80) + "\"" + (bad ? "" : " twice"));
  }
}

// What dtud asks of boards (docs/names.md): it would install a file, or cut the connection.
constexpr uint32_t kForDtud = DTU_COMMAND_INTERNAL | DTU_COMMAND_SHARED;
constexpr std::string_view kFirmware = "firmware.";
bool is_for_dtud(std::string_view name) {
  return name == "network.configure" || name.substr(0, kFirmware.size()) == kFirmware;
}

bool succeeded(const std::optional<host::Reply>& reply) { return reply && reply->status == DTU_OK; }

class Points {
 public:
  Points(Subject& s, const dtu_points& table) : s_(s), table_(table) {}

  std::vector<Named> list() {
    std::vector<Named> all;
    const auto each = [](void* to, const dtu_point_info* info) {
      const dtu_point_info i = at_our_size(*info);
      static_cast<std::vector<Named>*>(to)->push_back({said(i.name), {}, i.flags});
    };
    s_.call("points.list()", [&](dtu_error* e) { return table_.list(s_.self(), each, &all, e); });
    judge_names(s_, "points.list", "points.list()", all);
    return all;
  }
  std::optional<host::Reply> read(const std::string& name) {
    const LentText n(s_.bench().storage, name);
    return s_.ask(
        "read() of point " + name,
        [&](uint64_t call, dtu_error* e) { return table_.read(s_.self(), n.get(), call, e); }, s_.bench().patience());
  }
  std::optional<host::Reply> write(const std::string& name, const std::string& json) {
    if (table_.write == nullptr) return std::nullopt;
    const LentText n(s_.bench().storage, name);
    const LentText j(s_.bench().storage, json);
    return s_.ask(
        "write() of point " + name,
        [&](uint64_t call, dtu_error* e) { return table_.write(s_.self(), n.get(), j.get(), call, e); },
        s_.bench().patience());
  }
  // Nobody waits for the answer: it may come or not.
  void await_and_cancel(const std::string& name, const std::string& json) {
    const uint64_t call = ++s_.bench().last_call;
    s_.bench().asked[call] = true;
    if (table_.await != nullptr) {
      const LentText n(s_.bench().storage, name);
      const LentText j(s_.bench().storage, json);
      s_.call("await() of point " + name,
              [&](dtu_error* e) { return table_.await(s_.self(), n.get(), j.get(), call, e); });
    }
    if (table_.cancel == nullptr) return;
    s_.bench().act(s_.in("cancel() of an await"), [&] { table_.cancel(s_.self(), call); });
    s_.bench().act(s_.in("cancel() of a call that was never made"), [&] { table_.cancel(s_.self(), no_call); });
  }

 private:
  Subject& s_;
  const dtu_points& table_;
};

class Commands {
 public:
  Commands(Subject& s, const dtu_commands& table) : s_(s), table_(table) {}

  std::vector<Named> list() {
    std::vector<Named> all;
    const auto each = [](void* to, const dtu_command_info* info) {
      const dtu_command_info i = at_our_size(*info);
      static_cast<std::vector<Named>*>(to)->push_back({said(i.name), said(i.args_schema), i.flags});
    };
    s_.call("commands.list()", [&](dtu_error* e) { return table_.list(s_.self(), each, &all, e); });
    judge_names(s_, "commands.list", "commands.list()", all);
    for (const Named& n : all) {
      if (const uint32_t level = n.flags & levels; (level & (level - 1)) != 0)
        s_.bench().found("commands.level", "command " + n.name + " has more than one access level: dtud refuses it");
      if (is_for_dtud(n.name) && (n.flags & kForDtud) != kForDtud)
        s_.bench().found("commands.board",
                         s_.in("commands.list()") + " gave " + n.name + " with the flags " + std::to_string(n.flags));
    }
    return all;
  }
  std::optional<host::Reply> invoke(const std::string& name, const std::string& args) {
    const LentText n(s_.bench().storage, name);
    const LentText a(s_.bench().storage, args);
    const LentText source(s_.bench().storage, "console");
    s_.bench().state.is_answering = [this](uint64_t call) {
      return s_.bench().asked.count(call) != 0 && !s_.bench().state.has_replied(s_.handle(), call);
    };
    return s_.ask(
        "invoke() of " + name,
        [&](uint64_t call, dtu_error* e) {
          const dtu_caller caller{sizeof caller, DTU_CALLER_CONSOLE, 0, 0, source.get()};
          const dtu_invocation invocation{sizeof invocation, call_ms, call, n.get(), a.get(), &caller};
          return table_.invoke(s_.self(), &invocation, e);
        },
        s_.bench().patience());
  }
  void firmware_facts(const std::string& name) {
    const auto reply = invoke(name, "{}");
    if (succeeded(reply) && !is_json_object(reply->json))
      s_.bench().found("reply.json", "the answer of " + s_.in(name) + " is no object: " + reply->json.substr(0, 60));
  }
  void cancel_unknown() {
    if (table_.cancel != nullptr)
      s_.bench().act(s_.in("cancel() of a call that was never made"), [&] { table_.cancel(s_.self(), no_call); });
  }

 private:
  Subject& s_;
  const dtu_commands& table_;
};

// Arguments its schema allows: none, or the defaults. Nothing when there are no such.
std::optional<std::string> harmless_args(Subject& s, const Named& command) {
  if (command.args_schema.empty()) return "{}";
  const Schema schema(command.args_schema);
  for (const std::string& what : schema.trouble())
    s.bench().found("commands.schema", "args_schema of " + command.name + ": " + what);
  return schema.trouble().empty() ? schema.completed("{}") : std::nullopt;
}

}  // namespace

void use_points(Subject& s, Depth depth) {
  const auto table = s.bench().part.iface<dtu_points>(DTU_POINTS_IFACE);
  if (!table) return;
  Points points(s, *table);
  auto all = points.list();
  if (succeeded(points.read(nothing)))
    s.bench().found("points.unknown", s.in("read()") + " of a point that does not exist succeeded");
  if (succeeded(points.write(nothing, "1")))
    s.bench().found("points.unknown", s.in("write()") + " of a point that does not exist succeeded");
  if (all.size() > points_max) all.resize(points_max);
  if (depth == Depth::light && all.size() > 2) all.resize(2);
  for (const Named& p : all) {
    const auto reply = points.read(p.name);
    if (s.status() >= 0 && !reply) return;  // once waited in vain is enough
    if (!succeeded(reply) || depth == Depth::light) continue;
    if (s.bench().job.call_commands && (p.flags & DTU_POINT_WRITABLE) != 0) points.write(p.name, reply->json);
    if (&p == &all.front()) points.await_and_cancel(p.name, reply->json);
  }
}

void use_commands(Subject& s, Depth depth) {
  const auto table = s.bench().part.iface<dtu_commands>(DTU_COMMANDS_IFACE);
  if (!table) return;
  Commands commands(s, *table);
  auto all = commands.list();
  if (succeeded(commands.invoke(nothing, "{}")))
    s.bench().found("commands.unknown", s.in("invoke()") + " of a command that does not exist succeeded");
  commands.cancel_unknown();
  if (all.size() > commands_max) all.resize(commands_max);
  if (depth == Depth::light && all.size() > 2) all.resize(2);
  for (const Named& c : all) {
    if (c.name == "firmware.facts") commands.firmware_facts(c.name);
    if (is_for_dtud(c.name)) continue;
    const auto args = harmless_args(s, c);
    const bool changes = (c.flags & (DTU_COMMAND_CHANGES | DTU_COMMAND_PASSWORD)) != 0;
    if (!args || (changes && !s.bench().job.call_commands)) continue;
    if (!commands.invoke(c.name, *args) && s.status() >= 0) return;  // once waited in vain is enough
  }
}

void use_all(Subject& s, Depth depth) {
  use_channel(s, depth);
  use_ports(s, depth);
  use_points(s, depth);
  use_commands(s, depth);
  use_dialect(s, depth);
  s.health();
}

}  // namespace dtu::check
