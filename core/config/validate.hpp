// A value against a schema: normalised, judged by valijson, explained by us.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/explain.hpp"

namespace dtud::config {

class Validator {
 public:
  // Null when the schema itself is wrong: `error` says why.
  static std::unique_ptr<Validator> make(const Json& schema, std::string& error);
  ~Validator();
  Validator(const Validator&) = delete;
  Validator& operator=(const Validator&) = delete;

  [[nodiscard]] const Schema& schema() const { return schema_; }

  // True if `value` satisfies the schema as it stands. False if it does not, or if only check() can tell. The cheap
  // look for what is nearly always right.
  [[nodiscard]] bool accepts(const Json& value) const;
  // `value` in normal form; what is still wrong with it goes to `problems`. Null when the schema cannot be used after
  // all (a broken pattern, references in a circle): then the one problem says so.
  std::optional<Json> check(const Json& value, const std::string& path, const Paths& secrets,
                            std::vector<Problem>& problems) const;

 private:
  struct Compiled;
  explicit Validator(const Json& schema);
  std::optional<Problem> judged(const Json& value, const std::string& path) const;

  Schema schema_;
  bool has_patterns_;  // valijson matches texts of any length, and std::regex recurses over them
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace dtud::config
