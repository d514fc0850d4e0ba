// How far an upgrade of the modem is: kept in dtu.kv/1, so that it ends in a stated result whatever was cut off when.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace hal_ec600::fota {

struct Record {
  enum class Step { none, downloading, updating, took, failed };
  Step step = Step::none;
  std::string url;      // as a message may show it
  std::string version;  // that is wanted
  std::string before;   // that ran
  std::string error;    // of failed
  [[nodiscard]] bool under_way() const { return step == Step::downloading || step == Step::updating; }
};

[[nodiscard]] const char* name_of(Record::Step step);
[[nodiscard]] std::string to_json(const Record& record);
// Nothing: it is no record.
[[nodiscard]] std::optional<Record> record_in(std::string_view json);

}  // namespace hal_ec600::fota
