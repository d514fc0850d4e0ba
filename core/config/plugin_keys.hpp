// The part of a device document that belongs to plugins: whose each key is, and whether its value fits.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "config/documents.hpp"
#include "config/json_value.hpp"
#include "config/report.hpp"

namespace dtud::config {

[[nodiscard]] bool is_kernel_key(const std::string& key);  // device.schema.json has it
// Why this text is no schema for the value of a key; "" = it is one.
[[nodiscard]] std::string wrong_with_schema(const std::string& key, const std::string& schema);

// The schema of an object that has this key alone. Throws std::exception when `schema` is no JSON.
[[nodiscard]] Json schema_of_key(const std::string& key, const std::string& schema);

class PluginKeys {
 public:
  // Looks at each key that is not the kernel's, and at those that have a default. What is wrong goes to `report`. A
  // wrong value costs only that key: its owner gets the default, if there is one.
  PluginKeys(const Json& document, const Schemas& schemas, Report& report);

  // The document without them.
  [[nodiscard]] const Json& rest() const { return rest_; }
  // Puts the names of all such keys that are installed into a schema, so that a misspelt one is recognised.
  void add_names(JsonObject& schema) const;
  // Its value may hold secrets: by its schema, or nobody has read that.
  [[nodiscard]] bool may_hold_secrets(const std::string& key) const {
    return names_.count(key) != 0 && plain_.count(key) == 0;
  }

  [[nodiscard]] const Paths& secrets() const { return secrets_; }
  [[nodiscard]] const JsonObject& values() const { return *values_; }  // that have an owner
  [[nodiscard]] const std::vector<OwnedKey>& owned() const { return owned_; }

 private:
  void look_at(const std::string& key);
  void read(const std::string& key, const KeyOwner& owner);
  void find_secrets(const std::string& key, const std::vector<KeyOwner>& owners);
  void explain_unused(const std::string& key, const std::vector<KeyOwner>& owners);
  [[nodiscard]] bool is_used(const KeyOwner& owner) const;
  [[nodiscard]] bool has(const std::string& key) const;

  const Json& document_;
  const Schemas& schemas_;
  Report& report_;
  Json rest_;
  std::set<std::string> names_, channel_types_;
  std::set<std::string> plain_;  // of names_: no secret in its schemas
  Paths secrets_;
  JsonObject::Ptr values_ = make_object();
  std::vector<OwnedKey> owned_;
};

}  // namespace dtud::config
