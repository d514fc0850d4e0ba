#include "descriptor_check.hpp"

#include <dtu/keys.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>

#include "bench.hpp"
#include "config.hpp"
#include "key_schemas.hpp"
#include "process_state.hpp"

namespace dtu::check {
namespace {

constexpr size_t text_max = 256;
constexpr size_t schema_max = size_t{1} << 20U;
constexpr uint64_t components_max = 64;
constexpr uint64_t interfaces_max = 32;
constexpr size_t dialects_max = 32;
constexpr size_t key_max = 64, key_schema_max = size_t{256} << 10U;
constexpr const char* key_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

struct Required {
  const char* iface;  // "" = dtu_ops
  size_t offset;
  const char* name;
};
#define DTU_REQUIRED(iface, Table, field) \
  Required { iface, offsetof(Table, field), #field }
constexpr Required required[] = {
    DTU_REQUIRED("", dtu_ops, start),
    DTU_REQUIRED("", dtu_ops, stop),
    DTU_REQUIRED("", dtu_ops, destroy),
    DTU_REQUIRED(DTU_CHANNEL_IFACE, dtu_channel, send),
    DTU_REQUIRED(DTU_PORTS_IFACE, dtu_ports, list),
    DTU_REQUIRED(DTU_PORTS_IFACE, dtu_ports, open),
    DTU_REQUIRED(DTU_PORTS_IFACE, dtu_ports, close),
    DTU_REQUIRED(DTU_PORTS_IFACE, dtu_ports, write),
    DTU_REQUIRED(DTU_POINTS_IFACE, dtu_points, list),
    DTU_REQUIRED(DTU_POINTS_IFACE, dtu_points, read),
    DTU_REQUIRED(DTU_COMMANDS_IFACE, dtu_commands, list),
    DTU_REQUIRED(DTU_COMMANDS_IFACE, dtu_commands, invoke),
    DTU_REQUIRED(DTU_EVENTS_IFACE, dtu_events, list),
    DTU_REQUIRED(DTU_KEYS_IFACE, dtu_keys, list),
    DTU_REQUIRED(DTU_DIALECT_IFACE, dtu_dialect, names),
    DTU_REQUIRED(DTU_DIALECT_IFACE, dtu_dialect, open),
    DTU_REQUIRED(DTU_DIALECT_IFACE, dtu_dialect, close),
    DTU_REQUIRED(DTU_DIALECT_IFACE, dtu_dialect, from_port),
    DTU_REQUIRED(DTU_DIALECT_IFACE, dtu_dialect, from_channel),
};

constexpr const char* kernel_parts[] = {"system",  "config", "channel", "port", "plugin",
                                        "command", "access", "event",   "spool"};

bool is_known_iface(const std::string& id) {
  return id == DTU_CHANNEL_IFACE || id == DTU_PORTS_IFACE || id == DTU_POINTS_IFACE || id == DTU_COMMANDS_IFACE ||
         id == DTU_DIALECT_IFACE || id == DTU_EVENTS_IFACE || id == DTU_KEYS_IFACE;
}

class Handshake {
 public:
  Handshake(const ElfFacts& facts, Wire& wire) : facts_(facts), wire_(wire) {}

  void read(const dtu_plugin& d) {
    if (d.magic != DTU_MAGIC) return refuse("handshake.magic", "magic is " + std::to_string(d.magic));
    if (d.struct_size < offsetof(dtu_plugin, component_count) + sizeof d.component_count)
      return refuse("handshake.size", "struct_size of dtu_plugin is " + std::to_string(d.struct_size));
    if (d.abi_major != DTU_ABI_MAJOR)
      return refuse("handshake.major",
                    "dtu_plugin_v" + std::to_string(DTU_ABI_MAJOR) + " says abi_major " + std::to_string(d.abi_major));
    if (d.min_host_minor > DTU_ABI_MINOR || d.min_host_minor > d.abi_minor)
      return refuse("handshake.minor", "min_host_minor is " + std::to_string(d.min_host_minor) + ", abi_minor " +
                                           std::to_string(d.abi_minor) + ", this host has " +
                                           std::to_string(DTU_ABI_MINOR));
    texts(d);
    if (d.component_count == 0 || d.component_count > components_max || d.components == nullptr)
      return refuse("handshake.components", "it declares " + std::to_string(d.component_count) + " components");
    for (uint64_t k = 0; k < d.component_count; ++k) component(d.components[k], k);
    declared_types();
    wire_.fact("components", std::to_string(passed_));
  }

 private:
  void say(const char* rule, const std::string& what) { wire_.finding(rule, what); }
  void refuse(const char* rule, const std::string& what) {
    say(rule, what);
    wire_.fact("refused", "1");
  }
  static bool holds_text(const char* s, size_t max) { return s != nullptr && *s != '\0' && strnlen(s, max + 1) <= max; }

  void texts(const dtu_plugin& d) {
    const std::pair<const char*, const char*> all[] = {
        {"id", d.id}, {"version", d.version}, {"vendor", d.vendor}, {"license", d.license}};
    bool whole = true;
    for (const auto& [name, value] : all) {
      if (holds_text(value, text_max)) continue;
      whole = false;
      say("handshake.text", std::string(name) + " is null, empty or longer than 256 bytes");
    }
    if (!whole) return;
    const std::string id = d.id;
    if (id.find('.') == std::string::npos || id.front() == '.' || id.back() == '.' || id.find(' ') != std::string::npos)
      say("handshake.id", "the id is \"" + id + "\"");
    if (d.version[0] < '0' || d.version[0] > '9')
      say("handshake.version", std::string("the version is \"") + d.version + "\"");
    const std::string license = d.license;
    const bool spdx = license.find_first_not_of(
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-+() :") == std::string::npos;
    const bool prose = license.find(' ') != std::string::npos && license.find(" OR ") == std::string::npos &&
                       license.find(" AND ") == std::string::npos && license.find(" WITH ") == std::string::npos;
    if (!spdx || prose) say("handshake.license", "license is \"" + license + "\"");
  }

  void component(const dtu_component* raw, uint64_t index) {
    std::string name = "component " + std::to_string(index);
    if (raw == nullptr) return say("handshake.components", name + " is null");
    constexpr size_t least = offsetof(dtu_component, iface_count) + sizeof raw->iface_count;
    if (raw->struct_size < least)
      return say("handshake.size", name + ": struct_size is " + std::to_string(raw->struct_size) + ", " +
                                       std::to_string(least) + " at least");
    const dtu_component c = at_our_size(*raw);
    if (c.type == nullptr || strnlen(c.type, 33) > 32 || !is_type_name(c.type))
      return say("handshake.type",
                 name + ": its type is " +
                     (c.type == nullptr ? "null" : "\"" + std::string(c.type, strnlen(c.type, 40)) + "\""));
    const std::string kind = kind_name(c.kind);
    if (kind.empty()) return say("handshake.kind", name + " (" + c.type + ") has the kind " + std::to_string(c.kind));
    name = kind + ":" + c.type;
    held_.insert(name);
    if (!names_.insert(name).second) return say("handshake.duplicate", "it holds " + name + " twice");
    if (!holds_text(c.title, text_max))
      say("handshake.title", name + ": its title is null, empty or longer than 256 bytes");
    const bool has_functions = functions(c, name);
    keys_.clear();
    const bool complete = interfaces(c, name) && has_functions;
    if (c.config_schema == nullptr || strnlen(c.config_schema, schema_max + 1) > schema_max)
      return say("schema.json", name + ": config_schema is null or longer than 1 MiB");
    const Schema schema(c.config_schema);
    for (const Schema::Remark& r : schema.remarks()) say(r.rule, name + ": " + r.what);
    if (!complete) return;
    const std::string n = std::to_string(passed_++);
    wire_.fact(n + ".name", name);
    wire_.fact(n + ".index", std::to_string(index));
    wire_.fact(n + ".schema", with_keys(c.config_schema, keys_));
  }

  bool has(const void* table, uint32_t size, const Required& r) const {
    const void* value = nullptr;
    if (r.offset + sizeof value <= size) std::memcpy(&value, static_cast<const char*>(table) + r.offset, sizeof value);
    return value != nullptr;
  }
  bool all_of(const std::string& iface, const void* table, const std::string& name) {
    bool complete = true;
    uint32_t size = 0;
    std::memcpy(&size, table, sizeof size);
    if (size < sizeof(void*)) {
      say("handshake.size", name + ": struct_size of " + (iface.empty() ? "ops" : iface) + " is " +
                                std::to_string(size) + ": the table holds no function");
      return false;
    }
    for (const Required& r : required) {
      if (iface != r.iface || has(table, size, r)) continue;
      complete = false;
      say("handshake.functions", name + ": " + (iface.empty() ? "ops" : iface) + " has no " + r.name);
    }
    return complete;
  }
  bool functions(const dtu_component& c, const std::string& name) {
    if (c.create == nullptr) say("handshake.functions", name + " has no create");
    if (c.ops == nullptr) say("handshake.functions", name + " has no ops");
    return c.create != nullptr && c.ops != nullptr && all_of("", c.ops, name);
  }
  bool interfaces(const dtu_component& c, const std::string& name) {
    if (c.ifaces == nullptr || c.iface_count == 0 || c.iface_count > interfaces_max) {
      say("handshake.interface", name + " offers " + std::to_string(c.iface_count) + " interfaces");
      return false;
    }
    std::set<std::string> ids;
    bool complete = true;
    for (uint64_t k = 0; k < c.iface_count; ++k) complete = interface(c.ifaces[k], name, ids) && complete;
    if (c.kind == DTU_KIND_CHANNEL && ids.count(DTU_CHANNEL_IFACE) == 0) {
      say("handshake.interface", name + " is a channel without " DTU_CHANNEL_IFACE);
      complete = false;
    }
    return complete;
  }
  bool interface(const dtu_iface& i, const std::string& name, std::set<std::string>& ids) {
    if (!holds_text(i.id, text_max) || i.table == nullptr) {
      say("handshake.interface", name + " has an interface without an id or a table");
      return false;
    }
    const std::string id = i.id;
    if (!ids.insert(id).second) say("handshake.interface", name + " offers " + id + " twice");
    if (id.compare(0, 4, "dtu.") == 0 && !is_known_iface(id))
      say("handshake.interface", name + " offers " + id + ", which this ABI does not have");
    if (!is_known_iface(id)) return true;
    if (!all_of(id, i.table, name)) return false;
    if (id == DTU_EVENTS_IFACE) return events(at_our_size(*static_cast<const dtu_events*>(i.table)), name);
    if (id == DTU_KEYS_IFACE) return keys(at_our_size(*static_cast<const dtu_keys*>(i.table)), name);
    return id != DTU_DIALECT_IFACE || dialects(at_our_size(*static_cast<const dtu_dialect*>(i.table)), name);
  }
  bool events(const dtu_events& table, const std::string& name) {
    if (table.count > DTU_EVENTS_MAX) return say("events.list", name + " lists more than 64 events"), false;
    std::set<std::string> names;
    bool complete = true;
    for (uint32_t k = 0; k < table.count; ++k) {
      const dtu_event_info* e = table.list[k];
      if (e == nullptr || !holds_text(e->name, text_max) || !holds_text(e->title, text_max)) {
        say("events.list", name + ": event " + std::to_string(k) + " has no name or no title");
        complete = false;
        continue;
      }
      const std::string event = e->name, first = event.substr(0, event.find('.'));
      const bool of_dtud = std::find(std::begin(kernel_parts), std::end(kernel_parts), first) != std::end(kernel_parts);
      if (!is_dotted_name(event) || of_dtud || !names.insert(event).second) {
        say("events.list", name + " lists event " + event);
        complete = false;
      }
    }
    return complete;
  }
  bool keys(const dtu_keys& table, const std::string& name) {
    if (table.count > DTU_KEYS_MAX) return say("keys.list", name + " lists more than 32 keys"), false;
    bool complete = true;
    for (uint32_t k = 0; k < table.count; ++k) {
      const dtu_key_info* info = table.list[k];
      if (info == nullptr || !holds_text(info->name, key_max) || !holds_text(info->title, text_max)) {
        say("keys.list", name + ": key " + std::to_string(k) + " has no name of at most 64 bytes, or no title");
        complete = false;
        continue;
      }
      const std::string key = info->name;
      const bool well_named = key.find_first_not_of(key_letters) == std::string::npos;
      if (!well_named || !held_.insert("key:" + key).second) {
        say("keys.list", name + " lists key " + key);
        complete = false;
      }
      if (info->schema == nullptr || strnlen(info->schema, key_schema_max + 1) > key_schema_max) {
        say("keys.schema", name + ": key " + key + ": its schema is null or longer than 256 KiB");
        complete = false;
        continue;
      }
      keys_.push_back({key, info->title, info->schema});
      for (const Schema::Remark& r : judge_key(keys_.back())) {
        say(r.rule, name + ": key " + key + ": " + r.what);
        complete = complete && std::string(r.rule) != "keys.schema";
      }
    }
    return complete;
  }
  bool dialects(const dtu_dialect& table, const std::string& name) {
    size_t n = 0;
    for (const char* const* p = table.names; *p != nullptr; ++p) {
      if (++n > dialects_max) return say("handshake.dialects", name + ": no null ends its names"), false;
      if (strnlen(*p, 33) > 32 || !is_type_name(*p))
        return say("handshake.dialects", name + ": the dialect \"" + std::string(*p, strnlen(*p, 40)) + "\""), false;
    }
    if (n == 0) say("handshake.dialects", name + " offers no dialect by name");
    return n != 0;
  }

  void declared_types() {
    if (!facts_.types) return;
    std::string text = *facts_.types;
    std::replace(text.begin(), text.end(), '\0', ' ');
    std::istringstream words(text);
    std::set<std::string> declared;
    for (std::string w; words >> w;) declared.insert(w);
    if (declared == held_) return;
    std::string held;
    for (const std::string& h : held_) held += (held.empty() ? "" : " ") + h;
    while (!text.empty() && text.back() == ' ') text.pop_back();
    say("file.types", "DTU_TYPES says \"" + text + "\", the descriptor holds \"" + held + "\"");
  }

  const ElfFacts& facts_;
  Wire& wire_;
  std::set<std::string> names_, held_;
  std::vector<KeySchema> keys_;  // of the component that is being read
  size_t passed_ = 0;
};

void compare_process(const ProcessState& before, Wire& wire) {
  const ProcessState after = ProcessState::now();
  for (const auto& [rule, what] : changes(before, after)) wire.finding(rule, "loading it " + what);
  if (after.threads > before.threads)
    wire.finding("load.threads", "loading it started " + std::to_string(after.threads - before.threads) + " threads");
  for (const auto& [fd, to] : after.descriptors)
    if (before.descriptors.count(fd) == 0) wire.finding("load.descriptors", "loading it opened " + to);
}

}  // namespace

void check_descriptor(const std::string& file, const ElfFacts& facts, Wire& wire, Trail& trail) {
  const ProcessState before = ProcessState::now();
  const auto waited = waited_for_cpu();
  trail.enter("loading it");
  const auto begin = std::chrono::steady_clock::now();
  const Opened opened = open_plugin(file);
  const auto took =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin - (waited_for_cpu() - waited));
  trail.leave();
  if (!opened.trouble.empty()) {
    const bool sanitized = std::any_of(facts.undefined.begin(), facts.undefined.end(), [](const std::string& name) {
      return name == "__asan_init" || name == "__tsan_init";
    });
    wire.finding("load.fails",
                 opened.trouble + (sanitized ? "; it is built with a sanitizer: check it with a dtu-plugin-check "
                                               "that is built with the same one"
                                             : ""));
    wire.fact("refused", "1");
    return;
  }
  if (took > milliseconds(100)) wire.finding("load.slow", "loading it took " + std::to_string(took.count()) + " ms");
  compare_process(before, wire);
  if (opened.descriptor == nullptr) {
    std::string what = "it exports no dtu_plugin_v" + std::to_string(DTU_ABI_MAJOR);
    for (const unsigned major : opened.other_majors) what += "; it is built for ABI major " + std::to_string(major);
    wire.finding("handshake.symbol", what);
    wire.fact("refused", "1");
    return;
  }
  trail.enter("reading its descriptor");
  Handshake(facts, wire).read(*opened.descriptor);
  trail.leave();
}

}  // namespace dtu::check
