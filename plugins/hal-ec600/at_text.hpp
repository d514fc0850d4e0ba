// The words of an AT modem: the fields of a line, the form of a line, and errors in words. Nothing here keeps anything.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hal_ec600 {

struct AtField {
  std::string_view text;  // without quotes and the blanks around
  bool quoted = false;
};

// The fields behind the first colon of a line: +CEREG: 2,1,"07D0",7 has four. A comma within quotes or brackets
// separates nothing. At most 64; what comes behind is left out. Views into the line.
std::vector<AtField> at_fields(std::string_view line);

// A whole number, or nothing: "", "-", "12a" and what does not fit are no numbers.
std::optional<int64_t> at_number(std::string_view text);
std::optional<int64_t> at_number(const std::vector<AtField>& fields, size_t index);
// Hexadecimal, as a cell's identity is written.
std::optional<int64_t> at_hex(std::string_view text);
// The text of a field, "" where there is none.
std::string_view at_text(const std::vector<AtField>& fields, size_t index);

// Has the line this form? A form is a prefix with its colon, and what the fields are:
//   n  a whole number         t  a quoted text      w  anything that is not quoted, also nothing
//   _  anything, also nothing *  any further fields, also none (at the end)
// "+CEREG: n,n,*" is the answer to AT+CEREG?, "+CEREG: n" and "+CEREG: n,t,*" are the line that comes by itself: a
// prefix alone cannot tell them apart (A1). Forms without a prefix:
//   "n"  digits only (an IMEI)  "h"  hexadecimal digits only (a PDU)  "~"  a line that does not begin with + or ^
bool at_has_form(std::string_view line, std::string_view form);

// "SIM busy" for 14, "error 999" for one without a name. 27.007 and Quectel's (501 and up).
std::string cme_words(int code);
std::string cms_words(int code);

constexpr int kCmeSimMissing = 10, kCmeSimPin = 11, kCmeSimPuk = 12, kCmeSimFailure = 13, kCmeSimBusy = 14;
constexpr int kCmsBadIndex = 321, kCmsSimBusy = 314;

struct AtError {
  int code = -1;      // -1: the modem gave a text that has no number
  std::string words;  // never empty
};
// Of "+CME ERROR: 14", "+CME ERROR: SIM busy" (CMEE=2), "+CMS ERROR: 321".
AtError at_error(std::string_view line);

// The vendor's time-out of a command in ms; of several in one line ("AT+CSQ;+CREG?") the longest.
uint32_t at_timeout_ms(std::string_view command);

}  // namespace hal_ec600
