// Findings for people and for machines.
#pragma once
#include <string>

#include "run.hpp"

namespace dtu::check {

[[nodiscard]] size_t count(const Result& result, Severity severity);
[[nodiscard]] std::string for_people(const std::string& file, const Result& result);
[[nodiscard]] std::string as_json(const std::string& file, const Result& result);
[[nodiscard]] std::string rules_for_people();  // a Markdown table a group: sdk/check/README.md holds it
[[nodiscard]] std::string rules_as_json();

}  // namespace dtu::check
