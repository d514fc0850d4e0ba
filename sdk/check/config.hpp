// A JSON Schema as a plugin carries it: what is wrong with it, and configurations made by it.
#pragma once
#include <Poco/JSON/Object.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dtu::check {

// valijson, behind one door: its templates are heavy.
class Validator {
 public:
  explicit Validator(const Poco::Dynamic::Var& schema);  // throws std::exception: valijson cannot use it
  Validator(const Validator&) = delete;
  Validator& operator=(const Validator&) = delete;
  ~Validator();
  [[nodiscard]] std::string judge(const Poco::Dynamic::Var& value) const;  // "" = valid; else where and what

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

class Schema {
 public:
  struct Remark {
    const char* rule;
    std::string what;
  };
  explicit Schema(const std::string& text);

  [[nodiscard]] const std::vector<Remark>& remarks() const { return remarks_; }
  [[nodiscard]] std::vector<std::string> trouble() const;  // those of them without which it cannot be used
  [[nodiscard]] bool usable() const { return validator_ != nullptr; }
  [[nodiscard]] std::vector<std::string> properties() const;

  // `json` with defaults filled in; nothing when it is no JSON object or not valid, and then why() says why.
  [[nodiscard]] std::optional<std::string> completed(const std::string& json) const;
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] std::optional<std::string> example() const;  // the first of its examples
  [[nodiscard]] std::optional<std::string> changed(
      const std::string& completed) const;  // one value differs, still valid
  // Values at places with writeOnly are added to `secrets`. The answer: with marks in their places, as far as valid.
  [[nodiscard]] std::optional<std::string> marked(const std::string& completed,
                                                  std::vector<std::string>& secrets) const;

 private:
  void use(const std::string& text);

  Poco::JSON::Object::Ptr root_;
  std::unique_ptr<Validator> validator_;
  std::vector<Remark> remarks_;
  mutable std::string why_;
};

// Walks a schema and writes down what is wrong with its keywords, titles, defaults and secrets.
[[nodiscard]] std::vector<Schema::Remark> judge_schema(const Poco::JSON::Object::Ptr& root);

// Small things of Poco's JSON.
[[nodiscard]] Poco::JSON::Object::Ptr object_of(const Poco::Dynamic::Var& value);  // null when it is none
[[nodiscard]] Poco::JSON::Array::Ptr array_of(const Poco::Dynamic::Var& value);
[[nodiscard]] std::string json_text(const Poco::Dynamic::Var& value);
[[nodiscard]] Poco::Dynamic::Var parse_json(const std::string& text);  // throws std::exception
void fill_defaults(const Poco::JSON::Object::Ptr& value, const Poco::JSON::Object::Ptr& schema,
                   const Poco::JSON::Object::Ptr& root);
// The schema meant by a node: itself, or what its $ref leads to; null when that is nowhere.
[[nodiscard]] Poco::JSON::Object::Ptr resolved(const Poco::Dynamic::Var& node, const Poco::JSON::Object::Ptr& root);

}  // namespace dtu::check
