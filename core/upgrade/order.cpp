#include "upgrade/order.hpp"

#include <dtu/sdk/address.hpp>

#include <algorithm>
#include <cctype>

#include "config/json_text.hpp"

namespace dtud::upgrade {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::optional<int64_t> number_in(const config::JsonObject& from, const char* key) {
  if (!from.has(key)) return std::nullopt;
  return config::as_integer(from.get(key));
}

void put(config::JsonObject& to, const char* key, const std::optional<int64_t>& value) {
  if (value) to.set(key, *value);
}

}  // namespace

std::string read_order(const config::JsonObject& args, const config::UpgradeConfig& rules, Order& out) {
  const auto text = [&args](const char* key) { return config::as_text(args.get(key)); };
  out.url = text("url");
  out.sha256 = lower(text("sha256"));
  out.md5 = lower(text("md5"));
  out.signature = text("signature");
  out.version = text("version");
  if (args.has("kind")) out.kind = text("kind");
  out.source = text("source");
  if (args.has("tag")) out.tag = config::to_json(args.get("tag"));
  out.size = static_cast<uint64_t>(config::as_integer(args.get("size")));
  out.force = config::as_flag(args.get("force"));
  const config::Json conditions = args.get("conditions");
  if (const config::JsonObject* c = config::as_object(conditions)) {
    out.conditions.min_battery_mv = number_in(*c, "min_battery_mv");
    out.conditions.min_battery_percent = number_in(*c, "min_battery_percent");
    out.conditions.min_csq = number_in(*c, "min_csq");
    out.conditions.free_bytes = static_cast<uint64_t>(config::as_integer(c->get("free_bytes")));
  }
  if (out.tag.size() > 1024) return "tag is longer than 1024 bytes";
  const std::string scheme = lower(out.url.substr(0, 8));
  const bool plain = scheme.compare(0, 7, "http://") == 0;
  if (!plain && scheme != "https://")
    return "url must begin with https:// or http://, not " + config::shown(shown_url(out));
  const bool known_bytes = !out.sha256.empty() || !rules.keys.empty();
  if (!known_bytes && out.md5.empty()) return "the order has no checksum: give sha256 (or md5, if no SHA-256 is known)";
  if (plain && !known_bytes && !rules.allow_http)
    return "url has http://: give sha256 or signature, or set upgrade.allow_http in board.json";
  if (out.size > rules.max_bytes)
    return "size is over the " + std::to_string(rules.max_bytes) + " bytes board.json allows (upgrade.max_bytes)";
  if (!out.signature.empty() && rules.keys.empty())
    return "there is a signature, but board.json has no key to check it with (upgrade.keys)";
  return {};
}

config::JsonObject::Ptr to_json(const Order& order) {
  auto o = config::make_object();
  const auto text = [&o](const char* key, const std::string& value) {
    if (!value.empty()) o->set(key, value);
  };
  text("url", order.url);
  text("sha256", order.sha256);
  text("md5", order.md5);
  text("signature", order.signature);
  text("version", order.version);
  text("kind", order.kind);
  text("source", order.source);
  if (!order.tag.empty()) o->set("tag", config::parse_trusted(order.tag));
  if (order.size != 0) o->set("size", order.size);
  if (order.force) o->set("force", true);
  auto c = config::make_object();
  put(*c, "min_battery_mv", order.conditions.min_battery_mv);
  put(*c, "min_battery_percent", order.conditions.min_battery_percent);
  put(*c, "min_csq", order.conditions.min_csq);
  if (order.conditions.free_bytes != 0) c->set("free_bytes", order.conditions.free_bytes);
  if (c->size() != 0) o->set("conditions", c);
  return o;
}

bool same(const Order& a, const Order& b) {
  return a.url == b.url && a.sha256 == b.sha256 && a.md5 == b.md5 && a.signature == b.signature &&
         a.version == b.version && a.kind == b.kind && a.size == b.size && a.force == b.force;
}

std::string shown_url(const Order& order) { return dtu::shown_url(order.url); }

std::string signature_url(const Order& order) {
  const size_t path = std::min(order.url.find_first_of("?#"), order.url.size());
  return order.url.substr(0, path) + ".sig" + order.url.substr(path);
}

std::string describe(const Order& order) {
  return order.kind + (order.version.empty() ? "" : " " + order.version) + " from " + shown_url(order);
}

}  // namespace dtud::upgrade
