#include "key_schemas.hpp"

namespace dtu::check {
namespace {

using Object = Poco::JSON::Object;
using Poco::Dynamic::Var;

bool is_broken(const std::string& rule) {
  return rule == "schema.json" || rule == "schema.object" || rule == "schema.keyword";
}

void add_all(Object::Ptr to, const Object::Ptr& from) {
  if (from.isNull()) return;
  for (const std::string& name : from->getNames()) to->set(name, from->get(name));
}

// An object that has this key; null: the schema is no JSON object.
Object::Ptr holder_of(const KeySchema& key) {
  Object::Ptr schema = object_of(parse_json(key.schema));
  if (schema.isNull()) return {};
  for (const char* words : {"title", "description"})  // the descriptor has a title already
    if (!schema->has(words)) schema->set(words, key.title);
  Object::Ptr properties = new Object, holder = new Object;
  properties->set(key.name, schema);
  holder->set("type", "object");
  holder->set("additionalProperties", false);
  holder->set("properties", properties);
  if (schema->has("definitions")) holder->set("definitions", schema->get("definitions"));
  return holder;
}

}  // namespace

std::vector<Schema::Remark> judge_key(const KeySchema& key) {
  std::vector<Schema::Remark> out;
  try {
    const Object::Ptr holder = holder_of(key);
    if (holder.isNull()) return {{"keys.schema", "its schema is not a JSON object"}};
    const Schema judged(json_text(holder));
    for (const Schema::Remark& r : judged.remarks())
      out.push_back({is_broken(r.rule) ? "keys.schema" : r.rule, r.what});
  } catch (const std::exception&) {
    return {{"keys.schema", "its schema is not JSON"}};
  }
  return out;
}

std::string with_keys(const std::string& component, const std::vector<KeySchema>& keys) {
  try {
    Object::Ptr root = object_of(parse_json(component));
    if (root.isNull() || keys.empty()) return component;
    Object::Ptr properties = new Object, definitions = new Object, values = new Object, owned = new Object;
    Object::Ptr document = new Object;
    for (const KeySchema& key : keys) {
      const Object::Ptr holder = holder_of(key);
      if (holder.isNull()) return component;
      const Object::Ptr schema = object_of(object_of(holder->get("properties"))->get(key.name));
      const auto examples = array_of(schema->get("examples"));
      if (schema->has("default"))
        values->set(key.name, schema->get("default"));
      else if (examples && examples->size() != 0)
        values->set(key.name, examples->get(0));
      owned->set(key.name, schema);
      add_all(definitions, object_of(schema->get("definitions")));
    }
    add_all(definitions, object_of(root->get("definitions")));
    document->set("type", "object");
    document->set("properties", owned);
    document->set("default", values);
    add_all(properties, object_of(root->get("properties")));
    properties->set("document", document);
    root->set("properties", properties);
    root->set("definitions", definitions);
    return json_text(root);
  } catch (const std::exception&) {
    return component;  // what is wrong was said
  }
}

}  // namespace dtu::check
