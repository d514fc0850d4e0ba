// Where a value stands in a text. Looked up when there is something to say about it: a document in order costs nothing.
#pragma once
#include <string_view>

namespace dtud::config {

struct Place {
  int line = 0, column = 0;  // from 1, columns in characters
};

[[nodiscard]] Place place_of(std::string_view text, size_t offset);

struct Located {
  size_t key = 0;      // offset of the key (of a list's item: of the item)
  size_t value = 0;    // offset of the value
  bool exact = false;  // false: the path does not exist, and this is its nearest ancestor
};
// `text` must have passed check_syntax.
[[nodiscard]] Located locate(std::string_view text, std::string_view pointer);

}  // namespace dtud::config
