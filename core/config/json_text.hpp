// From a text to a JSON value, or to findings.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "config/documents.hpp"
#include "config/json_value.hpp"

namespace dtud::config {

// Windows editors put a byte order mark in front of UTF-8.
[[nodiscard]] std::string_view without_bom(std::string_view text);

// The object a document is. Within the limits of syntax.hpp; every mistake becomes a finding.
[[nodiscard]] std::optional<Json> read_json(std::string_view text, std::string_view document, Findings& findings);

// A text we trust to be sound (a schema). Throws std::exception when it is not JSON.
[[nodiscard]] Json parse_trusted(const std::string& text);

}  // namespace dtud::config
