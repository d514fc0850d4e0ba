// An order to upgrade: what, from where, and when it may be done.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "config/documents.hpp"
#include "config/json_value.hpp"

namespace dtud::upgrade {

struct Conditions {
  std::optional<int64_t> min_battery_mv, min_battery_percent, min_csq;
  uint64_t free_bytes = 0;  // beside the room for the file
};

struct Order {
  std::string url;                // http:// or https://
  std::string sha256, md5;        // hexadecimal, small letters; "" = not given
  std::string signature;          // base64; "" = not given
  std::string version;            // "" = not given
  std::string kind = "firmware";  // what is upgraded, as the HAL calls it
  std::string tag;                // JSON text: what the asker wants to find in each report
  std::string source;             // who ordered it: "console", "channel 1"
  uint64_t size = 0;              // bytes; 0 = not given
  bool force = false;             // also a version that is not newer
  Conditions conditions;
};

// The JSON Schema of an order: the arguments of upgrade.start.
inline constexpr char kOrderSchema[] = R"({"type": "object", "additionalProperties": false, "required": ["url"],
  "properties": {
    "url": {"type": "string", "minLength": 8, "maxLength": 2048, "title": "http:// or https:// address of the file"},
    "size": {"type": "integer", "minimum": 1, "maximum": 4294967295, "title": "Size in bytes"},
    "sha256": {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$", "title": "SHA-256"},
    "md5": {"type": "string", "pattern": "^[0-9A-Fa-f]{32}$", "title": "MD5, if no SHA-256 is known"},
    "signature": {"type": "string", "minLength": 1, "maxLength": 256, "title": "Ed25519 signature over the file, base64"},
    "version": {"type": "string", "pattern": "^[ -~]{1,64}$", "title": "Version of the file"},
    "kind": {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,31}$", "default": "firmware", "title": "firmware, package, ..."},
    "force": {"type": "boolean", "default": false, "title": "Also accept a version that is not newer"},
    "conditions": {"type": "object", "additionalProperties": false, "title": "Conditions before the upgrade starts",
      "properties": {
        "min_battery_mv": {"type": "integer", "minimum": 0, "title": "battery.mv at least"},
        "min_battery_percent": {"type": "integer", "minimum": 0, "maximum": 100, "title": "battery.percent at least"},
        "min_csq": {"type": "integer", "minimum": 0, "maximum": 31, "title": "radio.csq at least"},
        "free_bytes": {"type": "integer", "minimum": 0, "title": "Free bytes besides the file"}}},
    "tag": {"type": "object", "title": "Repeated in every report"}}})";

// `args` satisfies the schema. What is wrong with it all the same, "" = nothing.
[[nodiscard]] std::string read_order(const config::JsonObject& args, const config::UpgradeConfig& rules, Order& out);
// As read_order reads it.
[[nodiscard]] config::JsonObject::Ptr to_json(const Order& order);
// The same file for the same reason; who asks does not matter.
[[nodiscard]] bool same(const Order& a, const Order& b);
// The address without its query, which may hold a key: for people.
[[nodiscard]] std::string shown_url(const Order& order);
// Where a detached signature lies beside the file: ".sig" behind the path.
[[nodiscard]] std::string signature_url(const Order& order);
// "firmware 2.0 from https://...": for people.
[[nodiscard]] std::string describe(const Order& order);

}  // namespace dtud::upgrade
