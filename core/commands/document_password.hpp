// The password of a device document, as it is stored: a hash.
#pragma once
#include <string>

#include "config/documents.hpp"

namespace dtud::commands {

// `text`, a device document, with the hash of its password in the password's place. A password that matches `stored`,
// the hash of the present document, gets that hash, so that the same document stays the same. A hash of another kind
// is a finding. A value that is no password stays, for the schema of the document to refuse. Throws std::runtime_error
// when the system cannot make one.
[[nodiscard]] std::string with_password_hash(std::string text, const std::string& stored, config::Findings& findings);

// The same for a thread of its own: nothing is thrown. problem: why there is no hash, and `text` is as it was; "" =
// fine.
struct HashedDocument {
  std::string text, problem;
  config::Findings findings;
};
[[nodiscard]] HashedDocument hash_in_document(const std::string& text, const std::string& stored);

}  // namespace dtud::commands
