// What check() said of a configuration, to be compared with what create() says of it.
#pragma once
#include <optional>
#include <string>

#include "subject.hpp"

namespace dtu::check {

struct Checked {
  bool looked = false;  // it answered DTU_OK
  size_t errors = 0;
  std::string first;  // of the errors
};

// Nothing: the component has no check(). Whatever the call does wrong becomes a finding.
[[nodiscard]] std::optional<Checked> checked(Bench& bench, const std::string& text);
// After create() of the same configuration: a refusal for its content that check() does not know of is a finding.
void compare(Bench& bench, const std::string& name, const std::optional<Checked>& checked, const Subject& created);

}  // namespace dtu::check
