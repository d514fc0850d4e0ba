// Keys of the device document that belong to plugins (dtu.keys/1), as the reader of the document and those who create
// components tell each other.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace dtud::config {

// A component that owns a top-level key.
struct KeyOwner {
  uint32_t kind = 0;
  std::string type;    // of the component
  std::string schema;  // of the value
  std::string file;    // of the plugin
  bool cuts = false;   // DTU_KEY_CUTS
  bool used = false;   // the board has it; of a channel component the document decides
};

// Its value in a document, for its owner: in normal form, with its secrets.
struct OwnedKey {
  std::string name;
  uint32_t kind = 0;
  std::string type;
  std::string json;
};

struct OwnedKeys {
  std::vector<OwnedKey> list;        // sorted by name
  std::vector<std::string> secrets;  // the texts of theirs
};

// The configuration of a component with "document": {"<key>": value} of the keys it owns. One without any: as it is,
// but for an older "document".
[[nodiscard]] std::string with_document(const std::string& json, uint32_t kind, const std::string& type,
                                        const OwnedKeys& owned);

}  // namespace dtud::config
