#include "config/finding.hpp"

#include <algorithm>

namespace dtud::config {

bool has_errors(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& f) { return f.severity == Finding::Severity::error; });
}

void mark_known(Findings& findings, const Findings& before) {
  for (Finding& finding : findings)
    finding.known = std::any_of(before.begin(), before.end(), [&finding](const Finding& b) {
      return b.severity == finding.severity && b.path == finding.path && b.message == finding.message;
    });
}

const Finding* first_new_error(const Findings& findings) {
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [](const Finding& f) { return f.severity == Finding::Severity::error && !f.known; });
  return found == findings.end() ? nullptr : &*found;
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
