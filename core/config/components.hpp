// The schemas of installed components, compiled once per document.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "config/documents.hpp"
#include "config/report.hpp"
#include "config/validate.hpp"

namespace dtud::config {

// A component's part of a document, checked.
struct Checked {
  Json value;     // in normal form
  Paths secrets;  // in the document as given
  bool good = true;
};

class Components {
 public:
  // `kernel`: a schema whose properties and required keys are added to every component's, or null.
  Components(uint32_t kind, const char* kind_name, const Schemas& schemas, const Json& kernel);

  // The installed type that `type` names (capitals do not count), or "" after saying at `path` that there is none.
  // of: the object that names it.
  std::string installed(const std::string& type, const JsonObject& of, const std::string& path, Report& report) const;

  // Checks `value` against the schema of an installed type, or (type "") against the kernel's keys alone.
  Checked check(const std::string& type, const Json& value, const std::string& path, Report& report);

  // A copy of a checked value whose texts with placeholders have the id instead of {id}.
  [[nodiscard]] Json with_id(const std::string& type, const Json& value, uint32_t id);

 private:
  uint32_t kind_;
  std::string kind_name_;
  const Schemas& schemas_;
  Json kernel_;
  struct Entry {
    std::unique_ptr<Validator> validator;
    std::string error;  // why there is none
  };
  const Entry& entry(const std::string& type);
  Entry compiled(const std::string& type) const;

  std::map<std::string, Entry> entries_;
};

}  // namespace dtud::config
