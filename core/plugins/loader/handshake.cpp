#include "plugins/loader/handshake.hpp"

#include <dtu/channel.h>
#include <dtu/commands.h>
#include <dtu/dialect.h>
#include <dtu/events.h>
#include <dtu/keys.h>
#include <dtu/points.h>
#include <dtu/ports.h>

#include <algorithm>
#include <set>

#include "config/plugin_keys.hpp"
#include "events/names.hpp"
#include "plugins/loader/types.hpp"

namespace dtud::plugins {
namespace {

// Major 0 promises nothing between its minors; what 0.2 changed is in sdk/abi/POLICY.md.
constexpr uint16_t kOldestMinor = 2;

constexpr size_t text_max = 256;
constexpr size_t schema_max = size_t{1} << 20U;
constexpr uint64_t components_max = 64;
constexpr uint64_t interfaces_max = 32;
constexpr size_t dialects_max = 32;
constexpr size_t event_schema_max = size_t{64} << 10U;
constexpr size_t key_schema_max = size_t{256} << 10U;

struct Broken {  // thrown and caught in this file only
  std::string what;
};

std::string text(const char* s, size_t max, const std::string& name) {
  if (s == nullptr) throw Broken{name + " is null"};
  const size_t len = strnlen(s, max + 1);
  if (len > max) throw Broken{name + " is longer than " + std::to_string(max) + " bytes"};
  return {s, len};
}

// Functions of a table that may not be null: the rest are optional.
struct Required {
  size_t offset;
  const char* name;
};
#define DTUD_REQUIRED(Table, field) \
  Required { offsetof(Table, field), #field }

template <typename Table>
void require(const Table& table, std::initializer_list<Required> required, const std::string& name) {
  for (const Required& r : required) {
    void* value = nullptr;
    std::memcpy(&value, reinterpret_cast<const char*>(&table) + r.offset, sizeof value);
    if (value == nullptr) throw Broken{name + " has no " + r.name};
  }
}

template <typename Table>
void require_in(const void* theirs, std::initializer_list<Required> required, const std::string& name) {
  require(normalise(*static_cast<const Table*>(theirs)), required, name);
}

struct KnownInterface {
  const char* id;
  void (*check)(const void* table, const std::string& name);
};
constexpr KnownInterface known_interfaces[] = {
    {DTU_CHANNEL_IFACE,
     [](const void* t, const std::string& n) { require_in<dtu_channel>(t, {DTUD_REQUIRED(dtu_channel, send)}, n); }},
    {DTU_PORTS_IFACE,
     [](const void* t, const std::string& n) {
       require_in<dtu_ports>(t,
                             {DTUD_REQUIRED(dtu_ports, list), DTUD_REQUIRED(dtu_ports, open),
                              DTUD_REQUIRED(dtu_ports, close), DTUD_REQUIRED(dtu_ports, write)},
                             n);
     }},
    {DTU_POINTS_IFACE,
     [](const void* t, const std::string& n) {
       require_in<dtu_points>(t, {DTUD_REQUIRED(dtu_points, list), DTUD_REQUIRED(dtu_points, read)}, n);
     }},
    {DTU_COMMANDS_IFACE,
     [](const void* t, const std::string& n) {
       require_in<dtu_commands>(t, {DTUD_REQUIRED(dtu_commands, list), DTUD_REQUIRED(dtu_commands, invoke)}, n);
     }},
    {DTU_EVENTS_IFACE,
     [](const void* t, const std::string& n) { require_in<dtu_events>(t, {DTUD_REQUIRED(dtu_events, list)}, n); }},
    {DTU_KEYS_IFACE,
     [](const void* t, const std::string& n) { require_in<dtu_keys>(t, {DTUD_REQUIRED(dtu_keys, list)}, n); }},
    {DTU_DIALECT_IFACE,
     [](const void* t, const std::string& n) {
       require_in<dtu_dialect>(
           t,
           {DTUD_REQUIRED(dtu_dialect, names), DTUD_REQUIRED(dtu_dialect, open), DTUD_REQUIRED(dtu_dialect, close),
            DTUD_REQUIRED(dtu_dialect, from_port), DTUD_REQUIRED(dtu_dialect, from_channel)},
           n);
     }},
};

std::vector<std::string> dialect_names(const dtu_dialect& table, const std::string& name) {
  std::vector<std::string> out;
  for (const char* const* p = table.names; *p != nullptr; ++p) {
    if (out.size() == dialects_max) throw Broken{name + ": more than 32 dialect names, or no null at their end"};
    if (!is_type_name(text(*p, text_max, name + ": a dialect name")))
      throw Broken{name + ": dialect name \"" + *p + "\": allowed are 1 to 32 of a-z, 0-9 and -"};
    out.emplace_back(*p);
  }
  return out;
}

events::Declared read_event(const dtu_event_info* raw, const std::string& name) {
  if (raw == nullptr) throw Broken{name + ": an event is null"};
  const dtu_event_info theirs = normalise(*raw);
  events::Declared d;
  d.name = text(theirs.name, text_max, name + ": an event name");
  if (const std::string wrong = events::wrong_with_name(d.name); !wrong.empty())
    throw Broken{name + ": event name \"" + d.name + "\": " + wrong};
  const std::string what = name + ": " + d.name;
  d.title = text(theirs.title, text_max, what + ": title");
  if (theirs.schema != nullptr) d.schema = text(theirs.schema, event_schema_max, what + ": schema");
  d.flags = theirs.flags & DTU_EVENT_STATE;
  return d;
}

std::vector<events::Declared> read_events(const dtu_events& table, const std::string& name) {
  if (table.count > DTU_EVENTS_MAX) throw Broken{name + ": dtu.events/1 lists more than 64 events"};
  std::vector<events::Declared> out;
  for (uint32_t k = 0; k < table.count; ++k) {
    events::Declared d = read_event(table.list[k], name + ": " DTU_EVENTS_IFACE);
    const auto same = [&](const events::Declared& o) { return o.name == d.name; };
    if (std::any_of(out.begin(), out.end(), same)) throw Broken{name + " lists event " + d.name + " twice"};
    out.push_back(std::move(d));
  }
  return out;
}

DeclaredKey read_key(const dtu_key_info* raw, const std::string& name) {
  if (raw == nullptr) throw Broken{name + ": a key is null"};
  const dtu_key_info theirs = normalise(*raw);
  DeclaredKey k;
  k.name = text(theirs.name, text_max, name + ": a key name");
  const std::string what = name + ": key \"" + k.name + "\"";
  if (!is_key_name(k.name)) throw Broken{what + ": allowed are 1 to 64 letters, digits and _"};
  if (config::is_kernel_key(k.name)) throw Broken{what + " is dtud's own"};
  k.title = text(theirs.title, text_max, what + ": title");
  k.schema = text(theirs.schema, key_schema_max, what + ": schema");
  if (const std::string wrong = config::wrong_with_schema(k.name, k.schema); !wrong.empty())
    throw Broken{what + ": its schema cannot be used: " + wrong};
  k.cuts = (theirs.flags & DTU_KEY_CUTS) != 0;
  return k;
}

std::vector<DeclaredKey> read_keys(const dtu_keys& table, const std::string& name) {
  if (table.count > DTU_KEYS_MAX) throw Broken{name + ": dtu.keys/1 lists more than 32 keys"};
  std::vector<DeclaredKey> out;
  for (uint32_t i = 0; i < table.count; ++i) out.push_back(read_key(table.list[i], name));
  return out;
}

void read_interface(const dtu_iface& theirs, LoadedComponent& c, const std::string& name) {
  const std::string id = text(theirs.id, text_max, name + ": an interface id");
  if (theirs.table == nullptr) throw Broken{name + ": the table of " + id + " is null"};
  if (c.raw_iface(id.c_str()) != nullptr) throw Broken{name + " offers " + id + " twice"};
  const std::string what = name + ": " + id;
  for (const KnownInterface& known : known_interfaces)
    if (id == known.id) known.check(theirs.table, what);
  c.interface_ids.push_back(id);
  c.tables.push_back(theirs.table);
}

void read_interfaces(const dtu_component& theirs, LoadedComponent& c, const std::string& name) {
  if (theirs.iface_count > interfaces_max) throw Broken{name + " has more than 32 interfaces"};
  if (theirs.iface_count == 0 || theirs.ifaces == nullptr) throw Broken{name + " offers no interface"};
  for (uint64_t k = 0; k < theirs.iface_count; ++k) read_interface(theirs.ifaces[k], c, name);
  if (c.kind == DTU_KIND_CHANNEL && c.raw_iface(DTU_CHANNEL_IFACE) == nullptr)
    throw Broken{name + " is a channel without " DTU_CHANNEL_IFACE};
  if (const auto dialect = c.iface<dtu_dialect>(DTU_DIALECT_IFACE)) c.dialects = dialect_names(*dialect, name);
  if (const auto events = c.iface<dtu_events>(DTU_EVENTS_IFACE)) c.events = read_events(*events, name);
  if (const auto keys = c.iface<dtu_keys>(DTU_KEYS_IFACE)) c.keys = read_keys(*keys, name);
}

// What an isolated one must not pretend to have: dtud may know it by this list alone.
void note_lacks(LoadedComponent& c) {
  const auto look = [&](bool has, const char* function) {
    if (!has) c.lacks.emplace_back(function);
  };
  look(c.ops.check != nullptr, "check");
  look(c.ops.health != nullptr, "health");
  if (const auto t = c.iface<dtu_points>(DTU_POINTS_IFACE)) {
    look(t->write != nullptr, "points.write");
    look(t->await != nullptr, "points.await");
    look(t->cancel != nullptr, "points.cancel");
  }
  if (const auto t = c.iface<dtu_commands>(DTU_COMMANDS_IFACE)) look(t->cancel != nullptr, "commands.cancel");
  if (const auto t = c.iface<dtu_ports>(DTU_PORTS_IFACE)) {
    look(t->drained != nullptr, "ports.drained");
    look(t->discard != nullptr, "ports.discard");
    look(t->set_line != nullptr, "ports.set_line");
    look(t->set_signals != nullptr, "ports.set_signals");
    look(t->signals != nullptr, "ports.signals");
  }
  if (const auto t = c.iface<dtu_dialect>(DTU_DIALECT_IFACE)) {
    look(t->channel_state != nullptr, "dialect.channel_state");
    look(t->port_state != nullptr, "dialect.port_state");
    look(t->sent != nullptr, "dialect.sent");
    look(t->delivered != nullptr, "dialect.delivered");
  }
}

LoadedComponent read_component(const dtu_component* raw, uint64_t index) {
  std::string name = "component " + std::to_string(index);
  if (raw == nullptr) throw Broken{name + " is null"};
  const dtu_component theirs = normalise(*raw);
  LoadedComponent c;
  c.kind = theirs.kind;
  c.type = text(theirs.type, text_max, name + ": type");
  if (!is_type_name(c.type)) throw Broken{name + ": type \"" + c.type + "\": allowed are 1 to 32 of a-z, 0-9 and -"};
  name = "component " + c.type;
  if (kind_name(c.kind).empty()) return c;  // the caller knows whether that is forgiven
  c.title = text(theirs.title, text_max, name + ": title");
  c.schema = text(theirs.config_schema, schema_max, name + ": config_schema");
  c.caps = theirs.caps;
  c.create = theirs.create;
  if (c.create == nullptr) throw Broken{name + " has no create"};
  if (theirs.ops == nullptr) throw Broken{name + " has no ops"};
  c.ops = normalise(*theirs.ops);
  require(c.ops, {DTUD_REQUIRED(dtu_ops, start), DTUD_REQUIRED(dtu_ops, stop), DTUD_REQUIRED(dtu_ops, destroy)},
          name + ": ops");
  read_interfaces(theirs, c, name);
  note_lacks(c);
  return c;
}

void read_components(const dtu_plugin& d, LoadedPlugin& p) {
  if (d.component_count == 0 || d.components == nullptr) throw Broken{"it holds no component"};
  if (d.component_count > components_max) throw Broken{"it declares more than 64 components"};
  std::set<std::string> keys;  // one component owns a key
  for (uint64_t k = 0; k < d.component_count; ++k) {
    LoadedComponent c = read_component(d.components[k], k);
    if (kind_name(c.kind).empty()) {
      // A newer minor may have kinds we have not heard of; its other components are as good as ever.
      if (d.abi_minor <= DTU_ABI_MINOR)
        throw Broken{"component " + c.type + " has the unknown kind " + std::to_string(c.kind)};
      p.notes.push_back(p.file.string() + ": component " + c.type + " is left out: its kind " + std::to_string(c.kind) +
                        " is newer than this dtud");
      continue;
    }
    const bool twice = std::any_of(p.components.begin(), p.components.end(),
                                   [&](const LoadedComponent& o) { return o.kind == c.kind && o.type == c.type; });
    if (twice) throw Broken{"it holds " + full_type(c.kind, c.type) + " twice"};
    for (const DeclaredKey& key : c.keys)
      if (!keys.insert(key.name).second) throw Broken{"key \"" + key.name + "\" is declared twice"};
    p.components.push_back(std::move(c));
  }
}

}  // namespace

const void* LoadedComponent::raw_iface(const char* id) const {
  const auto it = std::find(interface_ids.begin(), interface_ids.end(), id);
  return it == interface_ids.end() ? nullptr : tables[static_cast<size_t>(it - interface_ids.begin())];
}

bool LoadedComponent::offers(const std::string& id) const {
  return std::find(interface_ids.begin(), interface_ids.end(), id) != interface_ids.end();
}

bool LoadedComponent::has(const std::string& function) const {
  return std::find(lacks.begin(), lacks.end(), function) == lacks.end();
}

std::string other_major(const std::filesystem::path& file, unsigned major) {
  return file.string() + ": built for plugin ABI " + std::to_string(major) + ", this dtud speaks " +
         std::to_string(DTU_ABI_MAJOR) + ": get a build for " + std::to_string(DTU_ABI_MAJOR);
}

std::variant<LoadedPlugin, Refusal> read_descriptor(const std::filesystem::path& file, const dtu_plugin& d) {
  const std::string name = file.string();
  if (d.magic != DTU_MAGIC)
    return Refusal{name + ": its descriptor does not begin with DTU_MAGIC: not a dtukit plugin"};
  if (d.struct_size < offsetof(dtu_plugin, component_count) + sizeof d.component_count)
    return Refusal{name + ": its descriptor is too short (" + std::to_string(d.struct_size) +
                   " bytes): rebuild it with the headers of ABI " + std::to_string(DTU_ABI_MAJOR)};
  if (d.abi_major != DTU_ABI_MAJOR) return Refusal{other_major(file, d.abi_major)};
  if (d.abi_minor < kOldestMinor)
    return Refusal{name + ": built for plugin ABI " + std::to_string(d.abi_major) + "." + std::to_string(d.abi_minor) +
                   ", this dtud speaks " + std::to_string(DTU_ABI_MAJOR) + "." + std::to_string(DTU_ABI_MINOR) +
                   ": build it again with the headers of this dtud (dtukit-dev), or get a newer build"};
  if (d.min_host_minor > DTU_ABI_MINOR)
    return Refusal{name + ": needs a dtud with plugin ABI " + std::to_string(DTU_ABI_MAJOR) + "." +
                   std::to_string(d.min_host_minor) + ", this one has " + std::to_string(DTU_ABI_MAJOR) + "." +
                   std::to_string(DTU_ABI_MINOR) + ": update dtukit or get an older build of the plugin"};
  try {
    LoadedPlugin p;
    p.file = file;
    p.abi_major = d.abi_major;
    p.abi_minor = d.abi_minor;
    p.min_host_minor = d.min_host_minor;
    p.id = text(d.id, text_max, "id");
    p.version = text(d.version, text_max, "version");
    p.vendor = text(d.vendor, text_max, "vendor");
    p.license = text(d.license, text_max, "license");
    read_components(d, p);
    return p;
  } catch (const Broken& b) {
    return Refusal{name + ": " + b.what + ": the plugin is faulty, ask its vendor for a new build"};
  }
}

}  // namespace dtud::plugins
