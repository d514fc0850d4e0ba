#include <algorithm>

#include "config/documents.hpp"

namespace dtud::config {

bool has_errors(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& f) { return f.severity == Finding::Severity::error; });
}

std::string to_text(const Finding& finding) {
  std::string out;
  if (!finding.document.empty()) out += finding.document + ":";
  if (finding.line > 0) out += std::to_string(finding.line) + ":" + std::to_string(finding.column) + ":";
  if (!out.empty()) out += " ";
  out += finding.severity == Finding::Severity::error ? "error: " : "warning: ";
  if (!finding.path.empty()) out += finding.path + ": ";
  out += finding.message;
  // A key may hold anything; a terminal must not obey it.
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return out;
}

}  // namespace dtud::config
