#include "retry.hpp"

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>

#include <algorithm>
#include <charconv>

namespace channel_http {

uint32_t retry_after_ms(const std::string& header, int64_t now_s) {
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (error != std::errc{} || end != header.data() + header.size()) {
    Poco::DateTime date;
    int zone = 0;
    if (header.size() > 64 || !Poco::DateTimeParser::tryParse(Poco::DateTimeFormat::HTTP_FORMAT, header, date, zone))
      return error == std::errc::result_out_of_range ? kRetryAfterMost_ms : 0;
    seconds = date.timestamp().epochTime() - now_s;
  }
  return static_cast<uint32_t>(std::clamp<int64_t>(seconds, 0, kRetryAfterMost_ms / 1000) * 1000);
}

uint32_t wait_ms(uint32_t failures, uint32_t min_ms, uint32_t max_ms, double fraction, uint32_t asked_ms) {
  const uint64_t doubled = uint64_t{min_ms} << std::min(failures - 1, 31U);
  const auto whole = static_cast<double>(std::min<uint64_t>(doubled, max_ms));
  return std::max(asked_ms, static_cast<uint32_t>(whole - whole / 2 * fraction));
}

}  // namespace channel_http
