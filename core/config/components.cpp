#include "config/components.hpp"

#include <Poco/String.h>

#include <algorithm>

#include "config/isolate.hpp"
#include "config/json_text.hpp"
#include "config/nearest.hpp"
#include "config/placeholders.hpp"
#include "config/secrets.hpp"

namespace dtud::config {
namespace {

void add_all(JsonObject& to, const Json& from) {
  if (const auto* object = as_object(from)) {
    for (const auto& key : object->getNames()) to.set(key, object->get(key));
  }
}

// The component's schema with the kernel's keys in it. References of either stay within the component's root, which is
// why the kernel's part must have none.
Json merged(const Json& component, const Json& kernel) {
  auto out = make_object();
  add_all(*out, component);
  const auto* ours = as_object(kernel);
  if (ours == nullptr) return out;
  auto properties = make_ordered_object();
  add_all(*properties, out->get("properties"));
  add_all(*properties, ours->get("properties"));
  auto required = Poco::makeShared<JsonArray>();
  for (const Json& list : {out->get("required"), ours->get("required")}) {
    if (const auto* keys = as_list(list)) {
      for (const auto& key : *keys) required->add(key);
    }
  }
  out->set("type", std::string("object"));
  out->set("properties", properties);
  out->set("required", required);
  return out;
}

// False when the schema cannot be walked; check() will say so.
bool find_secrets(const Json& value, const SchemaNode& schema, const std::string& path, Paths& out) {
  try {
    collect_secrets(value, schema, path, out);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

Components::Components(uint32_t kind, const char* kind_name, const Schemas& schemas, const Json& kernel)
    : kind_(kind), kind_name_(kind_name), schemas_(schemas), kernel_(kernel) {}

std::string Components::installed(const std::string& type, const JsonObject& of, const std::string& path,
                                  Report& report) const {
  const auto found = [&](const std::string& name) {
    if (schemas_.uses) schemas_.uses(kind_, name, isolate_of(of.get("isolate")).has_value());
    return schemas_.find(kind_, name) != nullptr;
  };
  if (found(type)) return type;
  auto types = schemas_.types(kind_);
  for (const auto& one : types) {
    if (Poco::icompare(one, type) == 0 && found(one)) return one;
  }
  std::sort(types.begin(), types.end());
  report.error(path, "no plugin offers " + kind_name_ + " type " + shown_key(type) + ": " +
                         (types.empty() ? "none is installed" : "installed are " + listed(types, 24)));
  return {};
}

Checked Components::check(const std::string& type, const Json& value, const std::string& path, Report& report) {
  Checked out;
  const auto& [v, error] = entry(type);
  std::vector<Problem> problems;
  if (v == nullptr || type.empty() || !find_secrets(value, SchemaNode(v->schema()), path, out.secrets))
    collect_likely_secrets(value, path, out.secrets);
  for (const auto& masked : still_masked(value, path, out.secrets))
    problems.push_back({Problem::Kind::value, masked, kMaskAlone});
  if (v == nullptr) {
    problems.push_back(
        {Problem::Kind::value, path,
         "the schema of " + kind_name_ + " type " + shown_key(type) + " cannot be used, tell its vendor: " + error});
  } else if (auto normal = v->check(value, path, out.secrets, problems)) {
    out.value = *normal;
  }
  report.add(problems);
  out.good = std::all_of(problems.begin(), problems.end(),
                         [](const Problem& p) { return p.kind == Problem::Kind::placeholder; });
  return out;
}

Json Components::with_id(const std::string& type, const Json& value, uint32_t id) {
  const auto& validator = entry(type).validator;
  return validator == nullptr ? value : with_channel_id(value, SchemaNode(validator->schema()), id);
}

const Components::Entry& Components::entry(const std::string& type) {
  auto found = entries_.find(type);
  if (found == entries_.end()) found = entries_.emplace(type, compiled(type)).first;
  return found->second;
}

Components::Entry Components::compiled(const std::string& type) const {
  Entry out;
  try {
    Json schema = make_object();
    if (!type.empty()) schema = parse_trusted(schemas_.find(kind_, type));
    out.validator = Validator::make(merged(schema, kernel_), out.error);
  } catch (const std::exception&) {
    out.error = "it is not JSON";
  }
  return out;
}

}  // namespace dtud::config
