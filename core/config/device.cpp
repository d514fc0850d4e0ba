#include <dtu/abi.h>

#include <algorithm>
#include <array>
#include <dtu/sdk/address.hpp>
#include <dtu/sdk/host_name.hpp>

#include "config/binding.hpp"
#include "config/channel.hpp"
#include "config/json_text.hpp"
#include "config/nearest.hpp"
#include "config/plugin_keys.hpp"
#include "config/port.hpp"
#include "config/secrets.hpp"
#include "device.schema.json.hpp"

namespace dtud::config {
namespace {

// Top-level keys that are the kernel's business: a change of one of them must not give the ports new sessions.
constexpr std::string_view kNotForDialects[] = {
    "conf",      "uconf",           "password",    "reg",          "reg_on",
    "version",   "nolog",           "fota",        "ota",          "pins",
    "apn",       "service_acquire", "acquire_url", "auto_connect", "offline_storage",
    "confirm_s", "direction_pin"};
// "2" or "pio2", which the schema has checked; -1 for "".
int32_t pin_number(const std::string& text) {
  const size_t digits = text.find_first_of("0123456789");
  return digits == std::string::npos ? -1 : std::stoi(text.substr(digits));
}

std::string text_at(const Json& list, unsigned at) {
  const auto* array = as_list(list);
  return array != nullptr && array->size() > at ? as_text(array->get(at)) : "";
}

bool in_conf(const std::string& path) { return path.compare(0, 6, "/conf/") == 0; }

class DeviceReader {
 public:
  DeviceReader(const Json& document, const Schemas& schemas, Report& report)
      : document_(document),
        schemas_(schemas),
        report_(report),
        schema_(parse_trusted(device_schema_json)),
        plugins_(document, schemas, report) {
    plugins_.add_names(*shared_object(schema_));
  }

  // Goes on after an error, so that everything wrong is named at once.
  std::optional<DeviceConfig> read() {
    std::string error;
    const auto validator = Validator::make(schema_, error);
    if (validator == nullptr) {
      report_.error("", "the schema of the device file cannot be used: " + error);
      return std::nullopt;
    }
    bool good = read_top_level(*validator);
    good = read_work_mode() && good;
    if (good) {
      read_ports();
      read_pins_and_apn();
    }
    read_owned();
    if (schemas_.board) product_ = schemas_.board(out_.owned);
    read_channels();
    product_.tell_of_document(report_);
    if (!good) return std::nullopt;
    check_bindings(out_, schemas_, report_);
    check_service_acquire();
    if (schemas_.check) {
      check_board(out_, product_, report_);
      check_direction_pins();
      check_acquire_url();
    }
    out_.scalars_json = scalars(SchemaNode(validator->schema()));
    out_.document = shared_object(document_);
    out_.secrets.assign(secrets_.begin(), secrets_.end());
    return std::move(out_);
  }

 private:
  // Everything but what is inside conf. False when a key of the whole device is wrong.
  bool read_top_level(const Validator& validator) {
    const SchemaNode schema(validator.schema());
    secrets_ = plugins_.secrets();
    collect_secrets(plugins_.rest(), schema, {}, secrets_);
    // Channels, or the value of a plugin: nobody knows which values in it are secret.
    for (const auto& key : as_object(plugins_.rest())->getNames()) {
      if (schema.knows(key)) continue;
      const auto near = nearest(key, schema.keys());
      if (near == "conf" || plugins_.may_hold_secrets(near)) secrets_.insert(below({}, key));
    }
    std::vector<Problem> problems;
    for (const auto& path : still_masked(plugins_.rest(), {}, secrets_)) {
      if (!in_conf(path)) problems.push_back({Problem::Kind::value, path, kMaskAlone});
    }
    const auto normal = validator.check(mended(), {}, secrets_, problems);
    report_.add(problems);
    normal_ = normal ? shared_object(*normal) : make_object();
    out_.password = as_text(normal_->get("password"));
    out_.auto_connect = as_flag(normal_->get("auto_connect"), true);
    if (const Json version = as_object(document_)->get("version"); !version.isEmpty())
      out_.version = as_text(version, to_json(version));
    out_.quiet = normal_->has("nolog") && as_integer(normal_->get("nolog")) == 0;
    out_.confirm_s = static_cast<uint32_t>(as_integer(normal_->get("confirm_s"), out_.confirm_s));
    normal_->set("offline_storage", storage_word(normal_->get("offline_storage")));
    const bool all_named = problems.size() < kMaxProblems;
    return normal && all_named && std::all_of(problems.begin(), problems.end(), [](const Problem& p) {
             return p.kind == Problem::Kind::unknown_key || p.kind == Problem::Kind::placeholder || in_conf(p.path);
           });
  }

  // The document with what other firmware writes turned into what the schema knows.
  [[nodiscard]] Json mended() const {
    Json given = copy_of(plugins_.rest());
    const Json ports = as_object(given)->get("uconf");
    if (const auto* object = as_object(ports)) {
      for (const auto& [id, port] : *object) {
        if (as_object(port) != nullptr) mend_port(*shared_object(port));
      }
    }
    return given;
  }

  bool read_work_mode() {
    out_.work_mode = dialect_name(as_text(normal_->get("work_mode")), "/work_mode", schemas_, report_);
    normal_->set("work_mode", out_.work_mode);
    return known_work_mode(out_.work_mode, schemas_, report_);
  }

  void read_ports() {
    const Json ports = normal_->get("uconf");
    const auto* object = as_object(ports);
    if (object == nullptr) return;
    for (const auto& [id, port] : *object) {
      const auto own = as_text(as_object(port)->get("mode"));
      const auto mode =
          own.empty() ? out_.work_mode : dialect_name(own, below(below("/uconf", id), "mode"), schemas_, report_);
      auto config = read_port(id, port, mode, report_);
      if (const auto* pin = as_object(pins_of_ports(id))) {
        config.direction_gpio = static_cast<int32_t>(as_integer(pin->get("GPIOn"), -1));
        config.direction_level = static_cast<uint32_t>(as_integer(pin->get("direction"), 1));
      }
      out_.ports.push_back(std::move(config));
    }
    std::sort(out_.ports.begin(), out_.ports.end(), port_before);
  }

  void read_pins_and_apn() {
    const Json pins = normal_->get("pins");
    out_.pins = {pin_number(text_at(pins, 0)), pin_number(text_at(pins, 1)), pin_number(text_at(pins, 2))};
    keep_pins_apart();
    const Json apn = normal_->get("apn");
    out_.apn = {text_at(apn, 0), text_at(apn, 1), text_at(apn, 2)};
    if (normal_->has("ota")) out_.ota = to_json(normal_->get("ota"));
  }

  // The level that lights a LED would press the reset button, which resets the parameters. No error: the seeds print an
  // example of code 0x61 with one pin for both the ready line and the button.
  void keep_pins_apart() {
    const std::array<int32_t*, 3> pins{&out_.pins.led, &out_.pins.ready, &out_.pins.reset};
    for (size_t i = 1; i < pins.size(); ++i)
      for (size_t before = 0; before < i && *pins.at(i) >= 0; ++before) {
        if (*pins.at(i) != *pins.at(before)) continue;
        report_.warning(below("/pins", i), "pin " + std::to_string(*pins.at(i)) + " is that of pins/" +
                                               std::to_string(before) +
                                               " already: give each its own; this entry has no effect");
        *pins.at(i) = -1;
      }
  }

  // An entry for a port that is not there does nothing. Where no entry names a port of the board, one was mistyped.
  void check_direction_pins() {
    const Json pins = normal_->get("direction_pin");
    const auto* object = as_object(pins);
    if (object == nullptr) return;
    std::vector<std::string> used;
    for (const auto& port : out_.ports) used.push_back(port.id);
    const auto board = schemas_.ports ? schemas_.ports() : std::nullopt;
    const auto has = [](const std::vector<std::string>& ids, const std::string& id) {
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    const auto ids = object->getNames();
    const bool none = board && std::none_of(ids.begin(), ids.end(), [&](const auto& id) { return has(*board, id); });
    for (const auto& id : ids) {
      const bool lacks = board && !has(*board, id);
      if (!lacks && has(used, id)) continue;
      const auto& names = lacks ? *board : used;
      const std::string text = std::string(lacks ? "the board" : "uconf") + " has no port " + shown_key(id) +
                               ": it has " + (names.empty() ? "none" : listed(names, 64)) +
                               "; this entry has no effect";
      const auto path = below("/direction_pin", id);
      none ? report_.error(path, text, Report::Point::key) : report_.warning(path, text, Report::Point::key);
    }
  }

  void check_acquire_url() {
    const auto url = as_text(normal_->get("acquire_url"));
    const size_t scheme = url.find("://");
    if (scheme == std::string::npos) return;
    std::string host = url.substr(scheme + 3);
    host.resize(std::min(host.find_first_of("/?#"), host.size()));
    const auto wrong = [&](const std::string& why) {
      report_.error("/acquire_url", shown_key(dtu::shown_url(url)) + " is not allowed: " + why);
    };
    if (host.find('@') != std::string::npos) return wrong("a user name and a password do not belong in it");
    if (const auto problem = dtu::read_host_port(host).problem; !problem.empty()) return wrong(problem);
    if (std::any_of(url.begin(), url.end(), [](char c) { return c <= ' ' || c >= '\x7f'; }))
      wrong("spaces and characters outside ASCII must be percent-encoded (%20)");
  }

  void check_service_acquire() {
    if (as_integer(normal_->get("service_acquire")) == 1 && as_text(normal_->get("acquire_url")).empty())
      report_.warning("/acquire_url", "is empty: service_acquire is 1, and has no server to ask; nothing is fetched");
  }

  [[nodiscard]] Json pins_of_ports(const std::string& id) const {
    const Json pins = normal_->get("direction_pin");
    const auto* object = as_object(pins);
    return object != nullptr ? object->get(id) : Json();
  }

  void read_owned() {
    out_.owned.list = plugins_.owned();
    out_.owned.secrets = values_at(document_, {}, plugins_.secrets());
    for (const auto& key : plugins_.values().getNames()) normal_->set(key, plugins_.values().get(key));
  }

  // A channel whose component owns keys has them in its configuration, as members of the board have.
  void add_owned(ChannelConfig& channel) const {
    const auto& all = out_.owned.list;
    const auto its = [&](const OwnedKey& key) { return key.kind == DTU_KIND_CHANNEL && key.type == channel.type; };
    if (std::none_of(all.begin(), all.end(), its)) return;
    for (std::string* json : {&channel.json, &channel.plugin_json})
      *json = with_document(*json, DTU_KIND_CHANNEL, channel.type, out_.owned);
  }

  void read_channels() {
    const Json channels = normal_->get("conf");
    const auto* object = as_object(channels);
    if (object == nullptr) return;
    Components components(DTU_KIND_CHANNEL, "channel", schemas_,
                          as_object(schema_)->getObject("definitions")->get("channel"));
    for (const auto& [key, given] : *object) {
      const auto path = below("/conf", key);
      if (as_object(given) == nullptr && type_of(given) != JsonType::null) secrets_.insert(path);
      const auto id = channel_id(key, report_);
      if (!id) {
        collect_likely_secrets(given, path, secrets_);
        continue;
      }
      auto channel = read_channel(*id, given, *normal_, components, report_);
      secrets_.insert(channel.secrets.begin(), channel.secrets.end());
      if (channel.config) {
        add_owned(*channel.config);
        check(*channel.config, channel.secrets);
        out_.channels.push_back(std::move(*channel.config));
      } else {
        const auto* entry = as_object(given);
        const auto text = [entry](const char* name) {
          const auto given = entry != nullptr ? as_text(entry->get(name)) : "";
          return given.find("://") == std::string::npos ? given : dtu::shown_url(given);  // in the wrong place
        };
        out_.skipped.push_back({*id, text("protocol"), text("serialID"), ""});
      }
    }
    std::sort(out_.channels.begin(), out_.channels.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    std::sort(out_.skipped.begin(), out_.skipped.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  }

  // Its component's own errors do not leave a channel out: what it needs may come.
  void check(const ChannelConfig& channel, const Paths& secrets) {
    if (!schemas_.check) return;
    const auto id = std::to_string(channel.id);
    auto checkup = schemas_.check(DTU_KIND_CHANNEL, channel.type, channel.json, channel.isolate.has_value());
    if (!checkup) return;
    checkup->hide(values_at(document_, {}, secrets));
    checkup->hide(out_.owned.secrets);
    product_.add("channel " + id, below("/conf", id), *checkup, report_);
  }

  [[nodiscard]] std::string scalars(const SchemaNode& schema) const {
    const Json masked = with_mask(Json(normal_), {}, secrets_);
    auto out = make_object();
    for (const auto& key : schema.keys()) {
      const bool kernels =
          std::find(std::begin(kNotForDialects), std::end(kNotForDialects), key) != std::end(kNotForDialects);
      if (!kernels && normal_->has(key)) out->set(key, as_object(masked)->get(key));
    }
    return to_json(out);
  }

  const Json& document_;
  const Schemas& schemas_;
  Report& report_;
  Json schema_;
  PluginKeys plugins_;
  JsonObject::Ptr normal_;
  Paths secrets_;
  Product product_;
  DeviceConfig out_;
};

// The errors of each channel that was left out, as its reason.
void explain_skipped(std::vector<SkippedChannel>& skipped, const Findings& found) {
  constexpr size_t kMostReason = 1024;  // bytes
  for (SkippedChannel& channel : skipped) {
    const auto path = "/conf/" + std::to_string(channel.id);
    for (const Finding& f : found) {
      const bool below_it =
          f.path.compare(0, path.size(), path) == 0 && (f.path.size() == path.size() || f.path[path.size()] == '/');
      if (!below_it || f.severity != Finding::Severity::error || channel.reason.size() > kMostReason) continue;
      channel.reason += (channel.reason.empty() ? "" : "; ") + f.path + ": " + f.message;
    }
    if (channel.reason.empty()) channel.reason = path + ": its settings cannot be used: see dtud --check";
  }
}

}  // namespace

std::optional<DeviceConfig> read_device(std::string_view text, std::string_view file, const Schemas& schemas,
                                        Findings& findings) {
  const auto document = read_json(text, file, findings);
  if (!document) return std::nullopt;
  Report report(without_bom(text), file);
  auto config = DeviceReader(*document, schemas, report).read();
  const auto before = static_cast<Findings::difference_type>(findings.size());
  std::move(report).give(findings);
  if (config) explain_skipped(config->skipped, Findings(findings.begin() + before, findings.end()));
  return config;
}

}  // namespace dtud::config
