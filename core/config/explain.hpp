// What is wrong with a value by its schema, in plain words. valijson judges (validate.hpp); this speaks.
#pragma once
#include <dtu/sdk/placeholders.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/schema.hpp"

namespace dtud::config {

// JSON pointers. Behind that of an address whose query alone is secret stands kQueryOnly (secrets.hpp).
using Paths = std::set<std::string>;

struct Problem {
  enum class Kind {
    value,
    missing,
    unknown_key,
    placeholder  // of a text (dtu/sdk/placeholders.hpp): it can be used as it stands
  };
  Kind kind = Kind::value;
  std::string path;
  std::string message;
};

// The first kMaxProblems, one a path. Values at and below the paths of `secrets` are shown as ***, and of a text in
// the place of an object or a list only that it is one: it may hold what is secret inside that.
constexpr size_t kMaxProblems = 64;
[[nodiscard]] std::vector<Problem> explain(const Json& value, const SchemaNode& schema, const std::string& path,
                                           const Paths& secrets);
[[nodiscard]] bool fits(const Json& value, const SchemaNode& schema);
// The form of a text with placeholders, or nothing.
[[nodiscard]] std::optional<dtu::TextTemplate::Form> text_form(const SchemaNode& schema);
// A text or a number where an object or a list is allowed, and no text.
[[nodiscard]] bool instead_of_container(const Json& value, const SchemaNode& schema);
[[nodiscard]] bool has_type(const Json& value, const std::string& type);
// What the schema allows: "a whole number from 1 to 65535", "one of "get", "post"".
[[nodiscard]] std::string allowed(const SchemaNode& schema);
// "unknown key: did you mean "port"?", or the known ones.
[[nodiscard]] std::string unknown_key(const std::string& key, const std::vector<std::string>& known);

}  // namespace dtud::config
