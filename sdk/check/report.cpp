#include "report.hpp"

#include <Poco/JSON/Object.h>

#include <algorithm>
#include <sstream>

namespace dtu::check {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

std::string dump(const Object& object) {
  std::ostringstream out;
  object.stringify(out, 2);
  return out.str() + "\n";
}

std::string indented(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out;
}

std::string plural(size_t n, const std::string& word) { return std::to_string(n) + " " + word + (n == 1 ? "" : "s"); }

std::vector<Finding> worst_first(std::vector<Finding> all) {
  std::stable_sort(all.begin(), all.end(),
                   [](const Finding& a, const Finding& b) { return rule(a.rule).severity > rule(b.rule).severity; });
  return all;
}

}  // namespace

size_t count(const Result& result, Severity severity) {
  return static_cast<size_t>(std::count_if(result.findings.begin(), result.findings.end(),
                                           [&](const Finding& f) { return rule(f.rule).severity == severity; }));
}

std::string for_people(const std::string& file, const Result& result) {
  std::string out;
  for (const Finding& f : worst_first(result.findings)) {
    const Rule& r = rule(f.rule);
    out += std::string(name_of(r.severity)) + " " + f.rule + (f.component.empty() ? "" : " " + f.component) +
           (f.during.empty() ? "" : " (" + f.during + ")") + "\n    " + indented(f.what) + "\n    rule: " + r.says +
           " [" + r.where + "]\n    fix: " + r.mend + "\n";
  }
  if (!result.cannot.empty()) return out + result.cannot + "\n";
  std::string checked;
  for (const std::string& c : result.checked) checked += (checked.empty() ? "" : ", ") + c;
  return out + file + ": " + (checked.empty() ? "no component" : checked) + ": " +
         plural(count(result, Severity::error), "error") + ", " + plural(count(result, Severity::warning), "warning") +
         ", " + plural(count(result, Severity::note), "note") + "\n";
}

std::string as_json(const std::string& file, const Result& result) {
  Object out(Poco::JSON_PRESERVE_KEY_ORDER);
  out.set("file", file);
  if (!result.cannot.empty()) out.set("cannot_be_checked", result.cannot);
  Array components;
  for (const std::string& c : result.checked) components.add(c);
  out.set("components", components);
  out.set("errors", count(result, Severity::error));
  out.set("warnings", count(result, Severity::warning));
  out.set("notes", count(result, Severity::note));
  Array findings;
  for (const Finding& f : worst_first(result.findings)) {
    const Rule& r = rule(f.rule);
    Object one(Poco::JSON_PRESERVE_KEY_ORDER);
    one.set("rule", f.rule);
    one.set("severity", std::string(name_of(r.severity)));
    one.set("component", f.component);
    one.set("during", f.during);
    one.set("what", f.what);
    one.set("says", std::string(r.says));
    one.set("where", std::string(r.where));
    one.set("mend", std::string(r.mend));
    findings.add(one);
  }
  out.set("findings", findings);
  return dump(out);
}

std::string rules_for_people() {
  std::string out = "| rule | severity | says | written in |\n| --- | --- | --- | --- |\n";
  for (const Rule& r : all_rules())
    out += std::string("| `") + r.id + "` | " + std::string(name_of(r.severity)) + " | " + r.says + " | " + r.where +
           " |\n";
  return out;
}

std::string rules_as_json() {
  Object out(Poco::JSON_PRESERVE_KEY_ORDER);
  Array rules;
  for (const Rule& r : all_rules()) {
    Object one(Poco::JSON_PRESERVE_KEY_ORDER);
    one.set("rule", std::string(r.id));
    one.set("severity", std::string(name_of(r.severity)));
    one.set("says", std::string(r.says));
    one.set("where", std::string(r.where));
    one.set("mend", std::string(r.mend));
    rules.add(one);
  }
  out.set("rules", rules);
  return dump(out);
}

}  // namespace dtu::check
