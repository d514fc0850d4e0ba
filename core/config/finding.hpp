// What is wrong with a document, for a person to read.
#pragma once
#include <string>
#include <vector>

namespace dtud::config {

// One thing wrong with a document, said so that a person can mend it.
struct Finding {
  enum class Severity { error, warning };
  Severity severity = Severity::error;
  std::string document;  // file name, "" for a document that came over the wire
  std::string path;      // "/conf/1/port"; "" for the whole document
  int line = 0;          // from 1; 0 when there is no text to point into
  int column = 0;
  std::string message;  // what is wrong, with the value; what is allowed; the nearest known key
  bool known = false;   // the stored document has it as well
};
using Findings = std::vector<Finding>;
[[nodiscard]] bool has_errors(const Findings& findings);
// Sets `known` of each finding that `before` has at the same path with the same message.
void mark_known(Findings& findings, const Findings& before);
// The first error that is not known; null: there is none. Only such an error refuses a new document (D21).
[[nodiscard]] const Finding* first_new_error(const Findings& findings);
[[nodiscard]] std::string to_text(const Finding& finding);  // "dtu_config.json:12:9: error: /conf/1/port: ..."

}  // namespace dtud::config
