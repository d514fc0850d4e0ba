// How long to wait before a request that failed is made again.
#pragma once
#include <cstdint>
#include <string>

namespace channel_http {

inline constexpr uint32_t kRetryAfterMost_ms = 3'600'000;

// A server's header Retry-After (seconds, or a date) in milliseconds from `now_s` (Unix time), an hour at most;
// 0 when there is none that can be read.
[[nodiscard]] uint32_t retry_after_ms(const std::string& header, int64_t now_s);

// After the `failures`th failure in a row (from 1): doubles from min_ms to max_ms, with up to half of it taken off by
// `fraction` (0 to below 1); never less than the server asked for.
[[nodiscard]] uint32_t wait_ms(uint32_t failures, uint32_t min_ms, uint32_t max_ms, double fraction, uint32_t asked_ms);

}  // namespace channel_http
