// Are these the arguments that a command takes?
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "config/plain_schema.hpp"
#include "config/validate.hpp"

namespace dtud::commands {

// The arguments of one command, by its schema. Compiles the schema at the first use and keeps it. Main lane.
class Arguments {
 public:
  // schema: JSON Schema draft-07 of an object; "" = any object.
  explicit Arguments(std::string schema) : text_(std::move(schema)) {}

  [[nodiscard]] const std::string& schema() const { return text_; }
  // "" if `json` is a JSON object that satisfies the schema, else what is wrong with it. A broken schema is wrong for
  // all.
  [[nodiscard]] std::string wrong(const std::string& json);
  // What is not wrong, its values in the types of the schema: 3 for "3". What is in objects and lists stays as it is.
  [[nodiscard]] config::Json read(const std::string& json) const;

 private:
  void compile();
  // True: nothing is wrong, found without making values of the text. False: it has to be looked at.
  [[nodiscard]] bool surely_right(const std::string& json) const;

  std::string text_, broken_;
  std::unique_ptr<config::Validator> schema_;
  std::optional<config::PlainSchema> plain_;
};

}  // namespace dtud::commands
