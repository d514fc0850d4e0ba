// One question to an NTP server (RFC 4330, SNTP version 4): the packet, and what its answer has to be to be believed.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hal_linux {

using SntpNonce = std::array<char, 8>;

// The request. The nonce stands where the time of sending would: the server gives it back, and nobody who does not see
// the request can. How late our clock is is nobody's business.
[[nodiscard]] std::string sntp_request(const SntpNonce& nonce);

struct SntpTime {
  int64_t offset_ns = 0;  // of the true time to our clock: to be added to it
  int64_t delay_ns = 0;   // there and back
  int stratum = 0;
};
struct SntpAnswer {
  std::optional<SntpTime> time;
  bool ours = false;  // it carries the nonce; if not, it is no answer to this question, and another may come
  std::string why;    // there is no time
};
// sent_ns: our clock at the request. elapsed_ns: from the request to the answer, by a clock that does not jump.
// Refused: not mode 4, version other than 1 to 4, not synchronized, stratum 0 (with the server's code) or above 15,
// no times, times before 2024 (in 32 bits also those after 2104), a delay that cannot be, a root distance above 16 s.
[[nodiscard]] SntpAnswer read_sntp(std::string_view packet, const SntpNonce& nonce, int64_t sent_ns,
                                   int64_t elapsed_ns);

}  // namespace hal_linux
