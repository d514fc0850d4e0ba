#include "config/json_text.hpp"

#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>

#include "config/locate.hpp"
#include "config/syntax.hpp"

namespace dtud::config {
namespace {

// What makes looking at single characters pointless, or "".
std::string unreadable(std::string_view text) {
  if (text.size() > kMaxDocument)
    return "the document has " + std::to_string(text.size()) + " bytes: at most 1 MiB (1048576) is read";
  const auto start = text.substr(0, 4);
  if (start.substr(0, 2) == "\xFF\xFE" || start.substr(0, 2) == "\xFE\xFF" ||
      start.find('\0') != std::string_view::npos)
    return "the document is not UTF-8 (it looks like UTF-16): save it as UTF-8";
  return {};
}

}  // namespace

std::string_view without_bom(std::string_view text) {
  return text.substr(0, 3) == "\xEF\xBB\xBF" ? text.substr(3) : text;
}

std::optional<Json> read_json(std::string_view text, std::string_view document, Findings& findings) {
  const auto error = [&](std::string path, Place place, std::string message) {
    findings.push_back({Finding::Severity::error, std::string(document), std::move(path), place.line, place.column,
                        std::move(message)});
  };
  text = without_bom(text);
  if (auto why = unreadable(text); !why.empty()) {
    error("", {1, 1}, std::move(why));
    return std::nullopt;
  }
  auto mistakes = check_syntax(text);
  for (auto& m : mistakes) error(std::move(m.path), place_of(text, m.offset), std::move(m.message));
  if (!mistakes.empty()) return std::nullopt;
  const auto start = locate(text, "").value;
  if (text[start] != '{') {
    error("", place_of(text, start), "the document must be one object: { ... }");
    return std::nullopt;
  }
  try {
    return std::optional<Json>(std::in_place, parse_trusted(std::string(text)));
  } catch (const std::exception&) {
    // The text passed check_syntax, so the two readings differ: a fault of ours, and no document.
    error("", {1, 1}, "the document could not be read although its syntax is right: please report this");
    return std::nullopt;
  }
}

Json parse_trusted(const std::string& text) {
  Poco::JSON::Parser parser(Poco::makeShared<Poco::JSON::ParseHandler>(true));  // true: keeps the order of keys
  return parser.parse(text);
}

}  // namespace dtud::config
