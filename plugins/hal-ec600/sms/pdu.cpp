#include "pdu.hpp"

#include <dtu/sdk/host.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

#include "alphabet.hpp"

namespace hal_ec600::sms {
namespace {

constexpr size_t kMostOctets = 200;  // 12 of a service centre and 176 of the message are the most there can be
constexpr size_t kUserOctets = 140;
constexpr uint8_t kHasHeader = 0x40;
constexpr uint8_t kInternational = 0x91, kUnknownNumber = 0x81;

[[noreturn]] void broken(const std::string& why) { throw dtu::Failure(DTU_E_INVALID, "the SMS is broken: " + why); }

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string octets_in(std::string_view hex) {
  if (hex.size() > 2 * kMostOctets) broken("it has " + std::to_string(hex.size()) + " digits, at most 400 are allowed");
  if (hex.size() % 2 != 0) broken("it has an odd number of hexadecimal digits");
  std::string out;
  for (size_t at = 0; at < hex.size(); at += 2) {
    const int high = digit(hex[at]), low = digit(hex[at + 1]);
    if (high < 0 || low < 0) broken("digit " + std::to_string(at + 1) + " or the next is not hexadecimal");
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

// Reads octet by octet, and says which field was not there.
class Reader {
 public:
  explicit Reader(std::string_view octets) : left_(octets) {}
  uint8_t octet(const char* field) { return static_cast<uint8_t>(take(1, field)[0]); }
  std::string_view take(size_t count, const char* field) {
    if (left_.size() < count) broken("it ends within " + std::string(field));
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }
  [[nodiscard]] std::string_view rest() const { return left_; }

 private:
  std::string_view left_;
};

unsigned low(char octet) { return static_cast<uint8_t>(octet) & 0xFU; }
unsigned high(char octet) { return static_cast<uint8_t>(octet) >> 4U; }

Address read_address(Reader& in, const char* field) {
  const size_t digits = in.octet(field);
  if (digits > kMostDigits)
    broken(std::string(field) + " has " + std::to_string(digits) + " digits, at most 20 are allowed");
  const uint8_t type = in.octet(field);
  const std::string_view octets = in.take((digits + 1) / 2, field);
  const unsigned kind = (type >> 4U) & 7U;
  if (kind == 5) return {from_septets(unpacked(octets, 0, digits * 4 / 7)), true};
  Address address;
  if (kind == 1) address.text = "+";
  for (size_t i = 0; i < digits; ++i) {
    const unsigned code = i % 2 == 0 ? low(octets[i / 2]) : high(octets[i / 2]);
    if (code == 0xF) break;  // some networks count the filler
    address.text += "0123456789*#abc"[code];
  }
  return address;
}

// Seven octets with their digits swapped. "" when a digit or the date is impossible: a false time is worse than none.
std::string read_time(Reader& in, const char* field) {
  const std::string_view octets = in.take(7, field);
  std::array<unsigned, 6> part{};  // year, month, day, hour, minute, second
  for (size_t i = 0; i < part.size(); ++i) {
    if (low(octets[i]) > 9 || high(octets[i]) > 9) return "";
    part.at(i) = low(octets[i]) * 10 + high(octets[i]);
  }
  constexpr std::array<unsigned, 12> kDays{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const auto [year, month, day, hour, minute, second] = part;
  if (month < 1 || month > 12 || day < 1 || day > kDays.at(month - 1) || hour > 23 || minute > 59 || second > 59)
    return "";
  if (month == 2 && day == 29 && year % 4 != 0) return "";
  const unsigned tens = low(octets[6]) & 7U, ones = high(octets[6]);
  const unsigned quarters = tens * 10 + ones;
  constexpr unsigned kMostQuarters = 14 * 4;
  if (ones > 9 || quarters > kMostQuarters) return "";
  std::array<char, 48> text{};
  const int length = std::snprintf(text.data(), text.size(), "20%02u-%02u-%02uT%02u:%02u:%02u%c%02u:%02u", year, month,
                                   day, hour, minute, second, (low(octets[6]) & 8U) != 0 && quarters != 0 ? '-' : '+',
                                   quarters / 4, quarters % 4 * 15);
  return {text.data(), static_cast<size_t>(length)};
}

// 23.038, 4: what the data coding scheme says about the alphabet. Reserved ones are the default alphabet.
Coding coding_of(uint8_t scheme) {
  const unsigned group = scheme >> 4U;
  if (group < 8) {
    if ((scheme & 0x20U) != 0) return Coding::octets;  // compressed: nobody does that, so the octets are shown
    constexpr std::array<Coding, 4> kAlphabets{Coding::gsm7, Coding::octets, Coding::ucs2, Coding::gsm7};
    return kAlphabets.at((scheme >> 2U) & 3U);
  }
  if (group == 0xE) return Coding::ucs2;
  if (group == 0xF && (scheme & 4U) != 0) return Coding::octets;
  return Coding::gsm7;
}

uint16_t wide(std::string_view octets, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned>(static_cast<uint8_t>(octets[at])) << 8U |
                               static_cast<uint8_t>(octets[at + 1]));
}

// Elements that are not known, or whose content is impossible, are left out (23.040, 9.2.3.24).
void read_element(Pdu& pdu, uint8_t id, std::string_view data) {
  if ((id == 0 && data.size() == 3) || (id == 8 && data.size() == 4)) {
    Part part;
    part.wide = id == 8;
    part.reference = part.wide ? wide(data, 0) : static_cast<uint8_t>(data[0]);
    part.total = static_cast<uint8_t>(data[data.size() - 2]);
    part.number = static_cast<uint8_t>(data[data.size() - 1]);
    if (part.number >= 1 && part.number <= part.total && part.total > 1) pdu.part = part;
  } else if (id == 4 && data.size() == 2) {
    pdu.port = static_cast<uint8_t>(data[0]);
  } else if (id == 5 && data.size() == 4) {
    pdu.port = wide(data, 0);
  }
}

void read_header(Pdu& pdu, std::string_view header) {
  Reader in(header);
  while (!in.rest().empty()) {
    const uint8_t id = in.octet("its header");
    const uint8_t length = in.octet("its header");
    read_element(pdu, id, in.take(length, "its header"));
  }
}

void read_user_data(Pdu& pdu, Reader& in, bool has_header) {
  const size_t length = in.octet("the length of its text");
  const size_t octets = pdu.coding == Coding::gsm7 ? (length * 7 + 7) / 8 : length;
  if (octets > kUserOctets) broken("its text has " + std::to_string(octets) + " octets, at most 140 are allowed");
  const std::string_view data = in.take(octets, "its text");
  size_t header = 0;
  if (has_header) {
    Reader inside(data);
    header = size_t{inside.octet("its header")} + 1;
    read_header(pdu, inside.take(header - 1, "its header"));
  }
  if (pdu.coding != Coding::gsm7) {
    pdu.body = data.substr(header);
    return;
  }
  const size_t taken = (header * 8 + 6) / 7;  // the text begins at the next whole septet
  if (taken > length) broken("its header is longer than its text");
  pdu.body = unpacked(data, taken * 7, length - taken);
}

void read_received(Pdu& pdu, Reader& in, uint8_t first) {
  pdu.peer = read_address(in, "the sender");
  in.octet("the protocol identifier");
  pdu.coding = coding_of(in.octet("the coding scheme"));
  pdu.time = read_time(in, "the time");
  read_user_data(pdu, in, (first & kHasHeader) != 0);
}

void read_sent(Pdu& pdu, Reader& in, uint8_t first) {
  in.octet("the reference");
  pdu.peer = read_address(in, "the receiver");
  in.octet("the protocol identifier");
  pdu.coding = coding_of(in.octet("the coding scheme"));
  constexpr std::array<size_t, 4> kValidity{0, 7, 1, 7};
  in.take(kValidity.at((first >> 3U) & 3U), "the validity");
  read_user_data(pdu, in, (first & kHasHeader) != 0);
}

void read_report(Pdu& pdu, Reader& in, uint8_t /*first*/) {
  in.octet("the reference");
  pdu.peer = read_address(in, "the receiver");
  in.take(7, "the time");
  pdu.time = read_time(in, "the time of the report");
  pdu.status = in.octet("the status");
}

struct Layout {
  Pdu::Kind kind;
  void (*read)(Pdu&, Reader&, uint8_t first);
};
constexpr std::array<Layout, 3> kLayouts{{{Pdu::Kind::received, read_received},  // by the type of the message, 9.2.3.1
                                          {Pdu::Kind::sent, read_sent},
                                          {Pdu::Kind::report, read_report}}};

// --- sending

std::string destination(std::string_view number) {
  const bool international = !number.empty() && number[0] == '+';
  const std::string_view digits = number.substr(international ? 1 : 0);
  if (digits.empty() || digits.find_first_not_of("0123456789*#") != std::string_view::npos)
    throw dtu::Failure(DTU_E_INVALID, "/number: digits, * and # are allowed, and a + before them");
  if (digits.size() > kMostDigits)
    throw dtu::Failure(DTU_E_INVALID,
                       "/number has " + std::to_string(digits.size()) + " digits, at most 20 are allowed");
  std::string out{static_cast<char>(digits.size()), static_cast<char>(international ? kInternational : kUnknownNumber)};
  const auto code = [](char c) { return c == '*' ? 0xAU : c == '#' ? 0xBU : static_cast<unsigned>(c - '0'); };
  for (size_t i = 0; i < digits.size(); i += 2)
    out += static_cast<char>(code(digits[i]) | (i + 1 < digits.size() ? code(digits[i + 1]) : 0xFU) << 4U);
  return out;
}

// Pieces of whole characters, each up to `most` bytes; one empty piece of none.
std::vector<std::string> pieces(const std::vector<std::string>& characters, size_t most) {
  std::vector<std::string> out(1);
  for (const std::string& c : characters) {
    if (out.back().size() + c.size() > most) out.emplace_back();
    out.back() += c;
  }
  return out;
}

struct Sizes {
  size_t alone, together;  // bytes of a piece, as pieces() counts
};
constexpr Sizes kSeptets{160, 153}, kUtf16{140, 134};

}  // namespace

Pdu decode(std::string_view hex) {
  const std::string octets = octets_in(hex);
  Reader in(octets);
  in.take(in.octet("the service centre"), "the service centre");
  const uint8_t first = in.octet("the type of the message");
  const size_t type = first & 3U;
  if (type >= kLayouts.size()) broken("its type 3 is reserved");
  Pdu pdu;
  pdu.kind = kLayouts.at(type).kind;
  kLayouts.at(type).read(pdu, in, first);
  return pdu;
}

std::string text_of(Coding coding, std::string_view body) {
  constexpr std::array<std::string (*)(std::string_view), 3> kReaders{from_septets, hex_of, from_utf16};
  return kReaders.at(static_cast<size_t>(coding))(body);
}

std::vector<Submit> encode(std::string_view number, std::string_view text, uint8_t reference) {
  const std::string to = destination(number);
  const std::u32string characters = from_utf8(text.substr(0, kMostCharacters * 4 + 4));
  if (characters.size() > kMostCharacters)
    throw dtu::Failure(DTU_E_INVALID, "/text is too long: at most 1,600 characters are allowed");
  std::vector<std::string> coded;
  bool gsm = true;
  for (const char32_t c : characters) {
    const auto septets = septets_of(c);
    gsm = septets.has_value();
    if (!gsm) break;
    coded.push_back(*septets);
  }
  if (!gsm) {
    coded.clear();
    for (const char32_t c : characters) coded.push_back(utf16_of(c));
  }
  const Sizes sizes = gsm ? kSeptets : kUtf16;
  std::vector<std::string> parts = pieces(coded, sizes.alone);
  const bool several = parts.size() > 1;
  if (several) parts = pieces(coded, sizes.together);

  std::vector<Submit> out;
  for (const std::string& part : parts) {
    std::string header;
    if (several)
      header = {
          5, 0, 3, static_cast<char>(reference), static_cast<char>(parts.size()), static_cast<char>(out.size() + 1)};
    constexpr size_t kHeaderSeptets = 7;  // six octets and a bit that is left free
    std::string pdu{static_cast<char>(0x01U | (several ? kHasHeader : 0U)), 0};
    pdu += to;
    pdu += '\0';
    pdu += static_cast<char>(gsm ? 0 : 8);
    pdu += static_cast<char>(gsm ? part.size() + (several ? kHeaderSeptets : 0) : header.size() + part.size());
    pdu += header;
    pdu += gsm ? packed(part, several ? 1 : 0) : part;
    out.push_back({"00" + hex_of(pdu), pdu.size()});
  }
  return out;
}

}  // namespace hal_ec600::sms
