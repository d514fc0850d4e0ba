// The keys of the device document that a component owns (dtu.keys/1): their schemas, and a configuration with them.
#pragma once
#include <string>
#include <vector>

#include "config.hpp"

namespace dtu::check {

struct KeySchema {
  std::string name, title, schema;
};

// What is wrong with the schema of a key.
[[nodiscard]] std::vector<Schema::Remark> judge_key(const KeySchema& key);
// The schema of a component with "document", as its configuration has it: each key with its default, or the first of
// its examples.
[[nodiscard]] std::string with_keys(const std::string& component, const std::vector<KeySchema>& keys);

}  // namespace dtu::check
