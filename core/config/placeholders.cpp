#include "config/placeholders.hpp"

#include <algorithm>

#include "config/explain.hpp"

namespace dtud::config {
namespace {

constexpr std::string_view kId = "{id}";

class IdWriter {
 public:
  explicit IdWriter(uint32_t id) : id_(std::to_string(id)) {}

  // schemas: all that apply to the value, branches included.
  [[nodiscard]] Json value(const Json& given, const std::vector<SchemaNode>& schemas) const {
    if (type_of(given) == JsonType::text) return text(given, schemas);
    if (const auto* object = as_object(given)) {
      auto out = make_ordered_object();
      for (const auto& key : object->getNames())
        out->set(key, value(object->get(key), below(schemas, [&](const SchemaNode& s) { return s.member(key); })));
      return out;
    }
    if (const auto* list = as_list(given)) {
      auto out = Poco::makeShared<JsonArray>();
      size_t index = 0;
      for (const auto& entry : *list) {
        out->add(value(entry, below(schemas, [&](const SchemaNode& s) { return s.item(index); })));
        ++index;
      }
      return out;
    }
    return given;
  }

 private:
  template <typename Inner>
  static std::vector<SchemaNode> below(const std::vector<SchemaNode>& schemas, const Inner& inner) {
    std::vector<SchemaNode> out;
    for (const auto& schema : schemas)
      for (const auto& one : inner(schema))
        for (auto& node : one.with_branches()) out.push_back(std::move(node));
    return out;
  }

  [[nodiscard]] Json text(const Json& given, const std::vector<SchemaNode>& schemas) const {
    if (std::none_of(schemas.begin(), schemas.end(), [](const auto& s) { return text_form(s).has_value(); }))
      return given;
    std::string out = as_text(given);
    for (size_t at = out.find(kId); at != std::string::npos; at = out.find(kId, at + id_.size()))
      out.replace(at, kId.size(), id_);
    return out;
  }

  std::string id_;
};

}  // namespace

Json with_channel_id(const Json& value, const SchemaNode& schema, uint32_t id) {
  return IdWriter(id).value(value, schema.with_branches());
}

}  // namespace dtud::config
