#include "clock/sntp.hpp"

#include "board/tree.hpp"

namespace hal_linux {
namespace {

constexpr size_t kSize = 48, kReferenceId = 12, kOriginate = 24, kReceive = 32, kTransmit = 40;
constexpr size_t kRootDelay = 4, kRootDispersion = 8;
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kFirstYear_s = 1'704'067'200;  // 2024-01-01: earlier is no time of this program
constexpr int64_t kMostDelay_ns = 4 * kSecond;
constexpr uint32_t kMostRoot = 16U << 16U;  // seconds, 16 bits of them a fraction

uint32_t word_at(std::string_view packet, size_t at) {
  uint32_t word = 0;
  for (size_t i = 0; i < sizeof word; ++i) word = word << 8U | static_cast<unsigned char>(packet[at + i]);
  return word;
}

// 32 bits of seconds since 1900 and as many of a fraction; with the first bit clear, since 2036 (RFC 4330, 3).
int64_t unix_ns(std::string_view packet, size_t at) {
  constexpr int64_t k1900_s = 2'208'988'800, kEra_s = int64_t{1} << 32;
  const uint32_t seconds = word_at(packet, at);
  const int64_t since_1970 = int64_t{seconds} - k1900_s + ((seconds & 0x80000000U) == 0 ? kEra_s : 0);
  const auto fraction = static_cast<int64_t>(uint64_t{word_at(packet, at + 4)} * uint64_t{kSecond} >> 32U);
  return since_1970 * kSecond + fraction;
}
bool is_zero(std::string_view packet, size_t at) { return word_at(packet, at) == 0 && word_at(packet, at + 4) == 0; }

std::string why_no_time(std::string_view packet) {
  const unsigned first = static_cast<unsigned char>(packet[0]), leap = first >> 6U, version = first >> 3U & 7U,
                 mode = first & 7U, stratum = static_cast<unsigned char>(packet[1]);
  constexpr unsigned kServer = 4, kNewest = 4, kUnsynchronized = 3, kWorst = 15;
  if (mode != kServer) return "it is no answer of a server (mode " + std::to_string(mode) + ")";
  if (version == 0 || version > kNewest) return "its version is " + std::to_string(version);
  if (stratum == 0) return "the server refuses: " + shown(packet.substr(kReferenceId, 4), 4);
  if (leap == kUnsynchronized) return "the server itself is not synchronized";
  if (stratum > kWorst) return "its stratum is " + std::to_string(stratum);
  if (is_zero(packet, kReceive) || is_zero(packet, kTransmit)) return "it names no time";
  if (word_at(packet, kRootDelay) > kMostRoot || word_at(packet, kRootDispersion) > kMostRoot)
    return "it is more than 16 s from a true clock";
  // The 32 bits of seconds begin anew in 2036 and show the times from 1968 to 2104: one outside of these looks like
  // another one.
  if (unix_ns(packet, kReceive) < kFirstYear_s * kSecond || unix_ns(packet, kTransmit) < kFirstYear_s * kSecond)
    return "its time is before 2024 or after 2104";
  return {};
}

}  // namespace

std::string sntp_request(const SntpNonce& nonce) {
  constexpr char kVersion4Client = 0x23;
  std::string packet(kSize, '\0');
  packet[0] = kVersion4Client;
  return packet.replace(kTransmit, nonce.size(), nonce.data(), nonce.size());
}

SntpAnswer read_sntp(std::string_view packet, const SntpNonce& nonce, int64_t sent_ns, int64_t elapsed_ns) {
  SntpAnswer answer;
  if (packet.size() < kSize) {
    answer.why = "it is too short";
    return answer;
  }
  answer.ours = packet.substr(kOriginate, nonce.size()) == std::string_view(nonce.data(), nonce.size());
  answer.why = answer.ours ? why_no_time(packet) : "it answers another question";
  if (!answer.why.empty()) return answer;
  const int64_t received_ns = unix_ns(packet, kReceive), transmitted_ns = unix_ns(packet, kTransmit);
  SntpTime time;
  time.stratum = static_cast<unsigned char>(packet[1]);
  time.delay_ns = elapsed_ns - (transmitted_ns - received_ns);
  // Half of what was not the server's time is the way there.
  time.offset_ns = received_ns - sent_ns - time.delay_ns / 2;
  constexpr int64_t kTick_ns = 10'000'000;  // a server's clock may be coarse
  if (transmitted_ns < received_ns || time.delay_ns < -kTick_ns || time.delay_ns > kMostDelay_ns) {
    answer.why = "its times do not fit together";
    return answer;
  }
  answer.time = time;
  return answer;
}

}  // namespace hal_linux
