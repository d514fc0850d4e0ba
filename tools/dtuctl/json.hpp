// JSON from dtud for reading: what is missing or of another type is simply empty.
#pragma once
#include <Poco/Dynamic/Var.h>

#include <cstdint>
#include <string>
#include <vector>

namespace dtuctl {

class Json {
 public:
  Json() = default;
  explicit Json(const Poco::Dynamic::Var& value) : value_(value) {}
  // Keeps the order of keys; scalars are allowed. Throws Failure(code) naming `what`.
  static Json parse(const std::string& text, const std::string& what, int exit_code);

  [[nodiscard]] bool is_null() const { return value_.isEmpty(); }
  [[nodiscard]] bool is_string() const { return value_.isString(); }
  [[nodiscard]] bool is_object() const;
  [[nodiscard]] bool is_array() const;
  [[nodiscard]] Json operator[](const std::string& key) const;  // of an object
  [[nodiscard]] std::vector<std::string> keys() const;          // of an object
  [[nodiscard]] std::vector<Json> items() const;                // of an array
  [[nodiscard]] std::string text() const;                       // a string as it is, null as "", the rest as JSON
  [[nodiscard]] uint64_t number() const;                        // 0 if it is none
  [[nodiscard]] bool flag() const;
  [[nodiscard]] std::string dump(unsigned indent = 0) const;
  [[nodiscard]] const Poco::Dynamic::Var& value() const { return value_; }

 private:
  Poco::Dynamic::Var value_;
};

[[nodiscard]] std::string from_base64(const std::string& text);

}  // namespace dtuctl
