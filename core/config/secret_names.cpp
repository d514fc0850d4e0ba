#include "config/secret_names.hpp"

#include <dtu/abi.h>

#include <Poco/String.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "config/json_text.hpp"
#include "config/plugin_keys.hpp"
#include "config/schema.hpp"
#include "device.schema.json.hpp"

namespace dtud::config {
namespace {

bool is_write_only(const std::vector<SchemaNode>& nodes) {
  return std::any_of(nodes.begin(), nodes.end(), [](const SchemaNode& node) {
    const auto all = node.with_branches();
    return std::any_of(all.begin(), all.end(), [](const SchemaNode& n) { return n.is_secret(); });
  });
}

// The first entry of such a list that is secret.
std::optional<size_t> first_secret_item(const SchemaNode& node) {
  const Json items = node.keyword("items");
  const auto* list = as_list(items);
  for (size_t i = 0; i < (list != nullptr ? list->size() : 1); ++i)
    if (is_write_only(node.item(i))) return i;
  return std::nullopt;
}

class Names {
 public:
  explicit Names(SecretNames& out) : out_(out) {}

  void all_in(const SchemaNode& schema, int depth) {
    constexpr int kMostNodes = 4096;  // a schema may contain itself
    if (depth == 0 || ++nodes_ > kMostNodes) return;
    for (const SchemaNode& node : schema.with_branches()) {
      for (const auto& key : node.keys()) {
        for (const SchemaNode& member : node.member(key)) {
          note(key, member);
          all_in(member, depth - 1);
        }
      }
      for (const SchemaNode& inner : node.single("additionalProperties")) all_in(inner, depth - 1);
      for (const SchemaNode& inner : node.item(0)) all_in(inner, depth - 1);
    }
  }

 private:
  void note(const std::string& key, const SchemaNode& member) {
    for (const SchemaNode& node : member.with_branches()) {
      if (node.is_secret() || is_write_only(node.single("additionalProperties"))) {
        add(key, 0);
      } else if (const auto first = first_secret_item(node)) {
        add(key, *first);
      }
    }
  }

  void add(const std::string& key, size_t from) {
    size_t& known = out_.try_emplace(Poco::toLower(key), from).first->second;
    known = std::min(known, from);
  }

  SecretNames& out_;
  int nodes_ = 0;
};

}  // namespace

void add_secret_names(const std::string& schema, SecretNames& names) {
  constexpr int kDepth = 16;
  if (schema.empty()) return;
  try {
    const Schema whole(parse_trusted(schema));
    Names(names).all_in(SchemaNode(whole), kDepth);
  } catch (const std::exception&) {  // its component does not start, and says why
  }
}

void add_secret_names_of_key(const std::string& key, const std::string& schema, SecretNames& names) {
  try {
    add_secret_names(to_json(schema_of_key(key, schema)), names);
  } catch (const std::exception&) {  // the loader has refused it
  }
}

SecretNames secret_names(const Schemas& schemas) {
  SecretNames names;
  add_secret_names(device_schema_json, names);
  for (const uint32_t kind : {DTU_KIND_CHANNEL, DTU_KIND_HAL, DTU_KIND_COMMAND})
    for (const auto& type : schemas.types(kind))
      if (const char* schema = schemas.find(kind, type)) add_secret_names(schema, names);
  if (schemas.keys && schemas.key_owners)
    for (const auto& key : schemas.keys())
      for (const KeyOwner& owner : schemas.key_owners(key)) add_secret_names_of_key(key, owner.schema, names);
  return names;
}

}  // namespace dtud::config
