#include "config/report.hpp"

#include <algorithm>
#include <tuple>

#include "config/json_text.hpp"
#include "config/locate.hpp"
#include "config/syntax.hpp"
#include "log/counted.hpp"

namespace dtud::config {
namespace {
constexpr size_t kMaxFindings = 64;
}

Report::Report(std::string_view text, std::string_view document) : text_(text), document_(document) {}

void Report::error(const std::string& path, std::string message, Point point) {
  put(Finding::Severity::error, path, std::move(message), point);
}

void Report::warning(const std::string& path, std::string message, Point point) {
  put(Finding::Severity::warning, path, std::move(message), point);
}

void Report::add(const std::vector<Problem>& problems) {
  for (const auto& p : problems) {
    if (p.kind == Problem::Kind::missing) {
      const bool there = locate(text_, p.path).exact;  // a blank, taken for the default there is none of
      error(p.path, std::string(there ? "empty" : "missing") + (p.message.empty() ? "" : ": " + p.message));
    } else {
      error(p.path, p.message, p.kind == Problem::Kind::unknown_key ? Point::key : Point::value);
    }
  }
}

void Report::put(Finding::Severity severity, const std::string& path, std::string message, Point point) {
  if (!named_.emplace(path, severity).second) return;
  if (found_.size() >= kMaxFindings) {
    ++more_;
    return;
  }
  const auto located = locate(text_, path);
  const auto place = place_of(text_, located.exact && point == Point::key ? located.key : located.value);
  found_.push_back({severity, document_, path, place.line, place.column, std::move(message)});
}

void Report::give(Findings& findings) && {
  std::stable_sort(found_.begin(), found_.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  for (auto& f : found_) findings.push_back(std::move(f));
  if (more_ > 0)
    findings.push_back({Finding::Severity::error, document_, "", 1, 1, "and " + counted(more_, "more finding")});
}

void place_in(std::string_view given, std::string_view read, Findings& findings) {
  given = without_bom(given);
  read = without_bom(read);
  if (given == read || !check_syntax(given).empty()) return;
  for (Finding& f : findings) {
    if (f.line == 0) continue;
    const auto then = place_of(read, locate(read, f.path).key);
    const auto now = locate(given, f.path);
    const auto place = place_of(given, then.line == f.line && then.column == f.column ? now.key : now.value);
    f.line = place.line;
    f.column = place.column;
  }
}

}  // namespace dtud::config
