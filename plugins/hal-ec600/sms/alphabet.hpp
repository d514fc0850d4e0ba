// The alphabets of an SMS (3GPP TS 23.038): the GSM 7 bit default alphabet with its extension table, and UCS-2, which
// phones use as UTF-16. Pure functions over any bytes: nothing here throws for what it was given. [any]
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hal_ec600::sms {

// Broken UTF-8, surrogates and what is above U+10FFFF become U+FFFD, one for each broken byte.
[[nodiscard]] std::u32string from_utf8(std::string_view text);
void put_utf8(std::string& out, char32_t c);

// One septet a byte, 0 to 127. A character of the extension table is two: 1B and its code.
[[nodiscard]] std::optional<std::string> septets_of(char32_t c);  // nothing: not in the alphabet
// To UTF-8. A code that the extension table does not have is read in the default table (23.038, 6.2.1.1); an escape at
// the end, or before an escape, is a blank.
[[nodiscard]] std::string from_septets(std::string_view septets);

// Septets in octets, least significant bit first. `skip_bits` (0 to 6) is left free before the first septet.
[[nodiscard]] std::string packed(std::string_view septets, unsigned skip_bits = 0);
// `count` septets that begin at `first_bit`; fewer when the octets end before.
[[nodiscard]] std::string unpacked(std::string_view octets, size_t first_bit, size_t count);

// UTF-16, big endian. Two units for a character above U+FFFF.
[[nodiscard]] std::string utf16_of(char32_t c);
// To UTF-8. Half a surrogate pair and an odd last octet become U+FFFD.
[[nodiscard]] std::string from_utf16(std::string_view octets);

// Capital letters and digits.
[[nodiscard]] std::string hex_of(std::string_view octets);

}  // namespace hal_ec600::sms
