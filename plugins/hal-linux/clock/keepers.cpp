#include "clock/keepers.hpp"

#include <vector>

namespace hal_linux {

bool has_chrony(const Tree& tree) { return tree.has(kChronyFolder) && tree.has(kChronyc); }

bool has_timesyncd(const Tree& tree) { return tree.has(kTimesyncFolder); }

bool timesyncd_is_synchronized(const Tree& tree) { return tree.has(std::string(kTimesyncFolder) + "/synchronized"); }

std::optional<Tracking> read_tracking(std::string_view csv) {
  constexpr size_t kFields = 14, kServer = 1, kStratum = 2, kCorrection = 4, kLeap = 13;
  std::vector<std::string_view> fields;
  const std::string_view line = csv.substr(0, csv.find_first_of("\r\n"));
  for (size_t at = 0; at <= line.size() && fields.size() <= kFields;) {
    const size_t end = std::min(line.find(',', at), line.size());
    fields.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  Tracking t;
  double stratum = 0, correction_s = 0;
  if (fields.size() != kFields || !to_number(fields[kStratum], stratum) ||
      !to_number(fields[kCorrection], correction_s))
    return std::nullopt;
  constexpr double kMostStratum = 15;
  t.server = shown(fields[kServer]);
  t.offset_s = correction_s;
  t.synchronized = fields[kLeap] != "Not synchronised" && stratum >= 1 && stratum <= kMostStratum;
  return t;
}

}  // namespace hal_linux
