#include "config/channel.hpp"

#include <array>

#include "config/isolate.hpp"
#include "config/secrets.hpp"

namespace dtud::config {
namespace {

constexpr uint32_t kMaxChannel = 98;

template <typename Value>
struct Named {
  const char* word;
  Value value;
};
constexpr std::array<Named<Overflow>, 4> kOverflows = {{{"auto", Overflow::automatic},
                                                        {"block", Overflow::block},
                                                        {"drop-oldest", Overflow::drop_oldest},
                                                        {"drop-newest", Overflow::drop_newest}}};
constexpr std::array<Named<Storage>, 3> kStorages = {
    {{"off", Storage::off}, {"on", Storage::on}, {"always", Storage::always}}};

template <typename Value, size_t N>
Value value_of(const std::array<Named<Value>, N>& names, const std::string& word) {
  for (const auto& n : names) {
    if (word == n.word) return n.value;
  }
  return names.front().value;
}

// D6: 99 is what a frame for the DTU itself begins with.
bool topics_are_free(const JsonObject& channel, const std::string& path, Report& report) {
  bool good = true;
  for (const char* key : {"subscribe", "publish", "request"}) {
    const Json topics = channel.get(key);
    const auto* object = as_object(topics);
    if (object == nullptr || !object->has("99")) continue;
    report.error(below(below(path, key), "99"), "99 is no topic id: frames for the DTU itself begin with it",
                 Report::Point::key);
    good = false;
  }
  return good;
}

// 0, 1 or a text; real files have the numbers as strings too.
std::optional<std::string> registration_of(const Json& reg) {
  const auto text = as_text(reg);
  if (type_of(reg) != JsonType::text) return as_integer(reg) == 1 ? std::optional<std::string>("") : std::nullopt;
  if (text.empty() || text == "0") return std::nullopt;
  return text == "1" ? "" : text;
}

OutboxConfig outbox_of(const JsonObject& channel) {
  OutboxConfig out;
  const Json outbox = channel.get("outbox");
  if (const auto* object = as_object(outbox)) {
    out.messages = static_cast<uint32_t>(as_integer(object->get("messages")));
    out.bytes = static_cast<uint64_t>(as_integer(object->get("bytes")));
    out.disk_bytes = static_cast<uint64_t>(as_integer(object->get("disk_bytes")));
    out.disk_messages = static_cast<uint64_t>(as_integer(object->get("disk_messages")));
    out.overflow = value_of(kOverflows, as_text(object->get("overflow")));
  }
  out.max_message = static_cast<uint64_t>(as_integer(channel.get("max_message")));
  out.storage = value_of(kStorages, as_text(channel.get("offline_storage")));
  return out;
}

// The keys that only the kernel looks at: what waits for the channel is the kernel's.
std::string without_kernel_keys(const Json& channel) {
  auto out = make_ordered_object();
  const auto* object = as_object(channel);
  for (const std::string& key : object->getNames())
    if (key != "outbox" && key != "max_message" && key != "offline_storage") out->set(key, object->get(key));
  return to_json(Json(out));
}

}  // namespace

std::optional<uint32_t> channel_id(const std::string& key, Report& report) {
  const bool number = !key.empty() && key.size() <= 2 && key.find_first_not_of("0123456789") == std::string::npos;
  const auto id = number && key.front() != '0' ? static_cast<uint32_t>(std::stoul(key)) : 0;
  if (id >= 1 && id <= kMaxChannel) return id;
  const std::string why = key == "99" ? ": frames for the DTU itself begin with it" : "";
  report.error(below("/conf", key), shown_key(key) + " is no channel id" + why + "; give a number from 1 to 98",
               Report::Point::key);
  return std::nullopt;
}

std::string storage_word(const Json& value) {
  if (type_of(value) == JsonType::boolean) return as_flag(value) ? "on" : "off";
  return as_text(value, "off");
}

ReadChannel read_channel(uint32_t id, const Json& given, const JsonObject& document, Components& channels,
                         Report& report) {
  ReadChannel out;
  const auto path = "/conf/" + std::to_string(id);
  const auto* object = as_object(given);
  if (object == nullptr) return out;  // said already, by the schema of the document
  const auto protocol = as_text(object->get("protocol"));
  const auto type = protocol.empty() ? "" : channels.installed(protocol, *object, below(path, "protocol"), report);
  Checked checked = channels.check(type, given, path, report);
  out.secrets = checked.secrets;
  const bool topics_good = topics_are_free(*object, path, report);
  if (type.empty() || !checked.good || !topics_good) return out;

  auto normal = shared_object(checked.value);
  normal->set("protocol", type);
  for (const char* inherited : {"reg", "reg_on", "offline_storage"}) {
    if (!normal->has(inherited)) normal->set(inherited, document.get(inherited));
  }
  normal->set("offline_storage", storage_word(normal->get("offline_storage")));

  ChannelConfig config;
  config.id = id;
  config.type = type;
  config.port = as_text(normal->get("serialID"));
  config.outbox = outbox_of(*normal);
  config.registration = registration_of(normal->get("reg"));
  config.isolate = isolate_of(normal->get("isolate"));
  config.register_once = as_text(normal->get("reg_on")) == "start";
  const Json whole = channels.with_id(type, checked.value, id);
  config.json = to_json(whole);
  config.plugin_json = without_kernel_keys(whole);
  config.masked_json = to_json(with_mask(checked.value, path, out.secrets));
  out.config = std::move(config);
  return out;
}

}  // namespace dtud::config
