#include "config/checkup.hpp"

#include <algorithm>

#include "config/json_value.hpp"
#include "config/nearest.hpp"
#include "config/report.hpp"
#include "log/scrubber.hpp"

namespace dtud::config {
namespace {

// A name that ends with * stands for all that begin like it.
bool overlap(std::string_view a, std::string_view b) {
  const auto is_any = [](std::string_view name) { return !name.empty() && name.back() == '*'; };
  const auto stem = [&](std::string_view name) { return is_any(name) ? name.substr(0, name.size() - 1) : name; };
  if (!is_any(a) && !is_any(b)) return a == b;
  const std::string_view x = stem(a);
  const std::string_view y = stem(b);
  const size_t common = std::min(x.size(), y.size());
  if ((!is_any(a) && common < y.size()) || (!is_any(b) && common < x.size())) return false;
  return x.substr(0, common) == y.substr(0, common);
}

constexpr std::string_view kNetwork = "network";  // several HALs may have one: each gets the access point

bool is_of(std::string_view name, std::string_view kind) {
  return name.size() > kind.size() && name.substr(0, kind.size()) == kind && name[kind.size()] == ':';
}

}  // namespace

void Checkup::hide(const std::vector<std::string>& secrets) {
  Scrubber scrubber;
  for (const auto& secret : secrets) scrubber.add(secret);
  for (auto* notes : {&errors, &warnings, &claims})
    for (auto& note : *notes) note.text = scrubber.clean(note.text);
}

void Product::add(const std::string& owner, const std::string& path, const Checkup& checkup, Report& report) {
  constexpr std::string_view kDocument = "/document";
  const auto is_of_document = [&](const Checkup::Note& note, bool is_error) {
    const auto& where = note.path;
    if (where.compare(0, kDocument.size() + 1, std::string(kDocument) + "/") != 0) return false;
    of_document_.push_back({owner, {where.substr(kDocument.size()), note.text}, is_error});
    return true;
  };
  for (const auto& note : checkup.errors)
    if (!is_of_document(note, true)) report.error(path + note.path, note.text);
  for (const auto& note : checkup.warnings)
    if (!is_of_document(note, false)) report.warning(path + note.path, note.text);
  for (const auto& [where, name] : checkup.claims) {
    const auto other =
        std::find_if(claims_.begin(), claims_.end(), [&name = name](const Owned& c) { return overlap(c.name, name); });
    if (other != claims_.end())
      report.error(path + where, other->owner + " uses " + other->name +
                                     (other->name == name ? " already" : " already, and this is " + name) +
                                     ": give each its own");
    claims_.push_back({owner, name});
  }
}

void Product::add_hal(const std::string& owner, const std::string& path, const std::optional<Checkup>& checkup,
                      Report& report) {
  hals_.push_back(owner);
  if (!checkup) return;
  add(owner, path, *checkup, report);
  for (const auto& offer : checkup->offers) {
    const auto& [where, name] = offer;
    const auto other = std::find_if(offers_.begin(), offers_.end(),
                                    [&](const Owned& o) { return o.owner != owner && o.name == offer.text; });
    if (other != offers_.end() && name.back() != ':' && !is_of(name, kNetwork))
      report.error(path + where, other->owner + " has " + name + " already: give it another name here");
    offers_.push_back({owner, name});
  }
}

void Product::tell_of_document(Report& report) const {
  for (const auto& [owner, note, is_error] : of_document_) {
    const std::string text = owner + ": " + note.text;
    is_error ? report.error(note.path, text) : report.warning(note.path, text);
  }
}

std::optional<std::vector<std::string>> Product::offered(std::string_view kind) const {
  std::vector<std::string> out;
  for (const auto& hal : hals_) {
    bool told = false;
    for (const auto& [owner, name] : offers_) {
      if (owner != hal || !is_of(name, kind)) continue;
      told = true;
      if (name.size() > kind.size() + 1) out.push_back(name.substr(kind.size() + 1));
    }
    if (!told) return std::nullopt;
  }
  return out;
}

}  // namespace dtud::config
