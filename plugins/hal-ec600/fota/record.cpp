#include "record.hpp"

#include <dtu/sdk/json.hpp>

#include <array>

namespace hal_ec600::fota {
namespace {

constexpr std::array kNames{"none", "downloading", "updating", "took", "failed"};  // as Record::Step

}  // namespace

const char* name_of(Record::Step step) { return kNames.at(static_cast<size_t>(step)); }

std::string to_json(const Record& r) {
  return "{\"step\":\"" + std::string(name_of(r.step)) + "\",\"url\":" + dtu::quoted(r.url) +
         ",\"version\":" + dtu::quoted(r.version) + ",\"before\":" + dtu::quoted(r.before) +
         ",\"error\":" + dtu::quoted(r.error) + "}";
}

std::optional<Record> record_in(std::string_view json) {
  try {
    const dtu::Json given(json);
    Record record{Record::Step::none, given["url"].text(), given["version"].text(), given["before"].text(),
                  given["error"].text()};
    const std::string step = given["step"].text();
    for (size_t i = 0; i < kNames.size(); ++i) {
      if (step != kNames.at(i)) continue;
      record.step = static_cast<Record::Step>(i);
      return record;
    }
  } catch (const dtu::Failure&) {  // damaged
  }
  return std::nullopt;
}

}  // namespace hal_ec600::fota
