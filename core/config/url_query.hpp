// The query of an address with a scheme. Its values may be keys, so they are shown as ***:
//   https://host/path?id=7&token=abc -> https://host/path?id=***&token=***
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dtud::config {

// It is such an address, and its query has a value.
[[nodiscard]] bool has_query_value(std::string_view text);
// A *** stands where a value of its query should be.
[[nodiscard]] bool has_masked_query(std::string_view text);
// Of such an address.
[[nodiscard]] std::string with_masked_query(std::string_view text);
// With the values of `stored` where `text` has ***, by their names. Nothing: there is none for one of them.
[[nodiscard]] std::optional<std::string> with_query_of(std::string_view text, std::string_view stored);
// What is to be kept out of texts: the values that are not found in any text by chance, and the query as a whole.
[[nodiscard]] std::vector<std::string> secrets_of_query(std::string_view text);

}  // namespace dtud::config
