#include "sms_pdu.hpp"

#include <array>
#include <cctype>
#include <optional>
#include <stdexcept>

namespace sim::modem {
namespace {

// The default alphabet of 3GPP TS 23.038, by code; 0x1B leads to the second table.
constexpr std::array<char16_t, 128> kGsm{
    u'@', u'£',  u'$', u'¥', u'è', u'é', u'ù', u'ì', u'ò', u'Ç', u'\n', u'Ø', u'ø', u'\r', u'Å', u'å', u'Δ', u'_', u'Φ',
    u'Γ', u'Λ',  u'Ω', u'Π', u'Ψ', u'Σ', u'Θ', u'Ξ', 0,    u'Æ', u'æ',  u'ß', u'É', u' ',  u'!', u'"', u'#', u'¤', u'%',
    u'&', u'\'', u'(', u')', u'*', u'+', u',', u'-', u'.', u'/', u'0',  u'1', u'2', u'3',  u'4', u'5', u'6', u'7', u'8',
    u'9', u':',  u';', u'<', u'=', u'>', u'?', u'¡', u'A', u'B', u'C',  u'D', u'E', u'F',  u'G', u'H', u'I', u'J', u'K',
    u'L', u'M',  u'N', u'O', u'P', u'Q', u'R', u'S', u'T', u'U', u'V',  u'W', u'X', u'Y',  u'Z', u'Ä', u'Ö', u'Ñ', u'Ü',
    u'§', u'¿',  u'a', u'b', u'c', u'd', u'e', u'f', u'g', u'h', u'i',  u'j', u'k', u'l',  u'm', u'n', u'o', u'p', u'q',
    u'r', u's',  u't', u'u', u'v', u'w', u'x', u'y', u'z', u'ä', u'ö',  u'ñ', u'ü', u'à'};

struct Escaped {
  char16_t character;
  uint8_t code;
};
constexpr std::array<Escaped, 9> kEscaped{{{u'^', 0x14},
                                           {u'{', 0x28},
                                           {u'}', 0x29},
                                           {u'\\', 0x2f},
                                           {u'[', 0x3c},
                                           {u'~', 0x3d},
                                           {u']', 0x3e},
                                           {u'|', 0x40},
                                           {u'€', 0x65}}};
constexpr uint8_t kEscape = 0x1b;

void append_hex(std::string& out, unsigned byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  out += kDigits[byte >> 4U & 0xfU];
  out += kDigits[byte & 0xfU];
}

std::u16string utf16(std::string_view text) {
  std::u16string out;
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<uint8_t>(text[i++]);
    const int more = first < 0x80 ? 0 : first >> 5U == 6 ? 1 : first >> 4U == 14 ? 2 : first >> 3U == 30 ? 3 : -1;
    if (more < 0 || i + static_cast<size_t>(more) > text.size()) throw std::invalid_argument("the text is not UTF-8");
    uint32_t c = more == 0 ? first : first & (0x3fU >> static_cast<unsigned>(more));
    for (int k = 0; k < more; ++k) {
      const auto next = static_cast<uint8_t>(text[i++]);
      if (next >> 6U != 2) throw std::invalid_argument("the text is not UTF-8");
      c = c << 6U | (next & 0x3fU);
    }
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) throw std::invalid_argument("the text is not UTF-8");
    if (c < 0x10000) {
      out += static_cast<char16_t>(c);
    } else {
      out += static_cast<char16_t>(0xd800 + ((c - 0x10000) >> 10U));
      out += static_cast<char16_t>(0xdc00 + ((c - 0x10000) & 0x3ffU));
    }
  }
  return out;
}

// The septets of one character: one, or two after an escape; none when the alphabet lacks it.
std::optional<std::string> septets_of(char16_t c) {
  for (size_t code = 0; code < kGsm.size(); ++code)
    if (c != 0 && kGsm[code] == c) return std::string(1, static_cast<char>(code));
  for (const Escaped& each : kEscaped)
    if (each.character == c) return std::string{static_cast<char>(kEscape), static_cast<char>(each.code)};
  return std::nullopt;
}

// Seven bits each, behind `fill` empty bits.
std::string packed(std::string_view septets, unsigned fill) {
  std::string out;
  uint32_t bits = 0;
  unsigned have = fill;
  for (const char septet : septets) {
    bits |= static_cast<uint32_t>(static_cast<uint8_t>(septet)) << have;
    for (have += 7; have >= 8; have -= 8, bits >>= 8U) append_hex(out, bits & 0xffU);
  }
  if (have > 0) append_hex(out, bits & 0xffU);
  return out;
}

// The text cut so that no character is divided: pieces of at most `single` units if one is enough, else `part`.
std::vector<std::string> cut(const std::vector<std::string>& characters, size_t single, size_t part) {
  size_t total = 0;
  for (const std::string& each : characters) total += each.size();
  const size_t most = total <= single ? single : part;
  std::vector<std::string> out(1);
  for (const std::string& each : characters) {
    if (out.back().size() + each.size() > most) out.emplace_back();
    out.back() += each;
  }
  return out;
}

std::string address(std::string_view number) {
  const bool international = !number.empty() && number[0] == '+';
  if (international) number.remove_prefix(1);
  constexpr size_t kMostDigits = 20;
  if (number.empty() || number.size() > kMostDigits) throw std::invalid_argument("the sender has 1 to 20 digits");
  for (const char c : number)
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) throw std::invalid_argument("the sender has 1 to 20 digits");
  std::string out;
  append_hex(out, static_cast<unsigned>(number.size()));
  append_hex(out, international ? 0x91 : 0x81);
  for (size_t i = 0; i < number.size(); i += 2) {
    out += i + 1 < number.size() ? number[i + 1] : 'F';
    out += number[i];
  }
  return out;
}

}  // namespace

std::vector<std::string> deliver_pdus(std::string_view sender, std::string_view text, uint8_t reference) {
  const std::u16string units = utf16(text);
  std::vector<std::string> characters;
  bool gsm = true;
  for (const char16_t c : units) {
    const auto septets = septets_of(c);
    if (!septets) gsm = false;
    if (gsm) characters.push_back(*septets);
  }
  if (!gsm) {
    characters.clear();
    for (const char16_t c : units) {
      const std::string bytes{static_cast<char>(c >> 8U), static_cast<char>(c & 0xffU)};
      const bool low_surrogate = c >= 0xdc00 && c < 0xe000;
      if (low_surrogate && !characters.empty())
        characters.back() += bytes;
      else
        characters.push_back(bytes);
    }
  }
  const std::vector<std::string> parts = gsm ? cut(characters, 160, 153) : cut(characters, 140, 134);
  constexpr size_t kMostParts = 255;
  if (parts.size() > kMostParts) throw std::invalid_argument("the text needs more than 255 parts");
  std::vector<std::string> out;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool many = parts.size() > 1;
    std::string pdu = "00";               // no centre
    append_hex(pdu, many ? 0x44 : 0x04);  // SMS-DELIVER, no more to come; a header or none
    pdu += address(sender);
    append_hex(pdu, 0);  // protocol
    append_hex(pdu, gsm ? 0x00 : 0x08);
    pdu += "62110321000023";  // 26/11/30 12:00:00 +32
    constexpr size_t kHeader = 6;
    constexpr size_t kHeaderSeptets = 7;
    const size_t length = gsm ? parts[i].size() + (many ? kHeaderSeptets : 0) : parts[i].size() + (many ? kHeader : 0);
    append_hex(pdu, static_cast<unsigned>(length));
    if (many) {
      pdu += "050003";
      append_hex(pdu, reference);
      append_hex(pdu, static_cast<unsigned>(parts.size()));
      append_hex(pdu, static_cast<unsigned>(i + 1));
    }
    if (gsm)
      pdu += packed(parts[i], many ? 1 : 0);
    else
      for (const char c : parts[i]) append_hex(pdu, static_cast<uint8_t>(c));
    out.push_back(std::move(pdu));
  }
  return out;
}

}  // namespace sim::modem
