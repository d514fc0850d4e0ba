// SMS as a modem gives and takes them in PDU mode (AT+CMGF=0; 3GPP TS 23.040). Pure. Text mode is not used: it shows no
// header of parts and depends on CSCS and CSMP (field-troubles A10). [any]
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hal_ec600::sms {

constexpr size_t kMostCharacters = 1600;  // of a text that is sent
constexpr size_t kMostDigits = 20;        // of a number (23.040, 9.1.2.5)

struct Address {
  std::string text;           // "+8613800138000", "10086", or the name of an alphanumeric sender
  bool alphanumeric = false;  // a name, which anybody may choose: never to be taken for a number
};

// Which piece of a long message this is.
struct Part {
  uint16_t reference = 0;
  bool wide = false;  // the reference has 16 bits
  uint8_t total = 1, number = 1;
};

enum class Coding { gsm7, octets, ucs2 };

struct Pdu {
  enum class Kind { received, sent, report };
  Kind kind = Kind::received;
  Address peer;      // who sent it, or to whom it went
  std::string time;  // of the service centre: "2026-11-30T18:05:00+08:00"; "" = none, or no valid one
  Coding coding = Coding::gsm7;
  std::string body;              // as `coding` says, without the header: septets one a byte, octets, UTF-16 big endian
  std::optional<Part> part;      // nothing: it is whole
  std::optional<uint16_t> port;  // of an application that it is for (WAP push); such messages are seldom for people
  uint8_t status = 0;            // of a report: 0 = delivered (23.040, 9.2.3.15)
};

// `hex` as +CMGR, +CMGL and +CMT give it, with the address of the service centre. At most 200 octets.
// Throws dtu::Failure(DTU_E_INVALID) that says what is wrong with it; never reads beyond it.
[[nodiscard]] Pdu decode(std::string_view hex);

// The body in UTF-8; octets as hexadecimal digits.
[[nodiscard]] std::string text_of(Coding coding, std::string_view body);

struct Submit {
  std::string hex;    // what follows the prompt of AT+CMGS, without 1A
  size_t length = 0;  // the n of AT+CMGS=n: octets without the address of the service centre
};

// The parts of a message, in order. GSM 7 bit when the alphabet has all its characters, else UCS-2. One part has 160
// septets or 70 UTF-16 units; parts of a long message have 153 or 67, and end neither within an escape nor within a
// surrogate pair. `reference` tells long messages apart: another one for each.
// Throws dtu::Failure(DTU_E_INVALID): the number is no phone number, or has over 20 digits, or the text is longer than
// 1,600 characters.
[[nodiscard]] std::vector<Submit> encode(std::string_view number, std::string_view text, uint8_t reference);

}  // namespace hal_ec600::sms
