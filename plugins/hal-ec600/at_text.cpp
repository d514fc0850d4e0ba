#include "at_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace hal_ec600 {
namespace {

constexpr size_t kMostFields = 64;

bool starts_with(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

std::string_view trimmed(std::string_view t) {
  while (!t.empty() && t.front() == ' ') t.remove_prefix(1);
  while (!t.empty() && t.back() == ' ') t.remove_suffix(1);
  return t;
}

// Takes the next field off the front of `rest`. False: nothing is left.
bool take_field(std::string_view& rest, bool& more, AtField& field) {
  if (!more) return false;
  bool in_text = false;
  int brackets = 0;
  size_t end = 0;
  for (; end < rest.size(); ++end) {
    const char c = rest[end];
    if (c == '"') in_text = !in_text;
    if (in_text) continue;
    if (c == '(') ++brackets;
    if (c == ')' && brackets > 0) --brackets;
    if (c == ',' && brackets == 0) break;
  }
  more = end < rest.size();
  std::string_view text = trimmed(rest.substr(0, end));
  rest = more ? rest.substr(end + 1) : std::string_view();
  field.quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  field.text = field.quoted ? text.substr(1, text.size() - 2) : text;
  return true;
}

bool all_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_kind(const AtField& field, char kind) {
  switch (kind) {
    case 'n':
      return !field.quoted && at_number(field.text).has_value();
    case 't':
      return field.quoted;
    case 'w':
      return !field.quoted;
    default:
      return kind == '_';
  }
}

struct Word {
  int code;
  const char* text;
};
constexpr std::array kCme{Word{0, "phone failure"},
                          Word{1, "no connection to phone"},
                          Word{3, "operation not allowed"},
                          Word{4, "operation not supported"},
                          Word{5, "phone SIM PIN required"},
                          Word{10, "SIM not inserted"},
                          Word{11, "SIM PIN required"},
                          Word{12, "SIM PUK required"},
                          Word{13, "SIM failure"},
                          Word{14, "SIM busy"},
                          Word{15, "SIM wrong"},
                          Word{16, "incorrect password"},
                          Word{17, "SIM PIN2 required"},
                          Word{18, "SIM PUK2 required"},
                          Word{20, "memory full"},
                          Word{21, "invalid index"},
                          Word{22, "not found"},
                          Word{23, "memory failure"},
                          Word{24, "text string too long"},
                          Word{25, "invalid characters in text string"},
                          Word{26, "dial string too long"},
                          Word{27, "invalid characters in dial string"},
                          Word{30, "no network service"},
                          Word{31, "network timeout"},
                          Word{32, "network not allowed, emergency calls only"},
                          Word{40, "network personalization PIN required"},
                          Word{47, "service provider personalization PIN required"},
                          Word{50, "incorrect parameters"},
                          Word{53, "invalid parameter"},
                          Word{58, "command aborted"},
                          Word{100, "unknown error"},
                          Word{103, "illegal mobile station"},
                          Word{106, "illegal mobile equipment"},
                          Word{107, "GPRS services not allowed"},
                          Word{111, "PLMN not allowed"},
                          Word{112, "location area not allowed"},
                          Word{113, "roaming not allowed in this location area"},
                          Word{132, "service option not supported"},
                          Word{133, "requested service option not subscribed"},
                          Word{134, "service option temporarily out of order"},
                          Word{148, "unspecified GPRS error"},
                          Word{149, "PDP authentication failure"},
                          Word{150, "invalid mobile class"},
                          Word{302, "operation not allowed"},
                          Word{303, "operation not supported"},
                          Word{505, "GNSS is not on"},
                          Word{504, "GNSS is on already"},
                          Word{516, "no position fix yet"},
                          Word{522, "GNSS is working now"},
                          Word{549, "GNSS unknown error"},
                          Word{550, "unknown error"},
                          Word{551, "operation blocked"},
                          Word{552, "invalid parameters"},
                          Word{553, "memory not enough"},
                          Word{561, "PDP context open failed"},
                          Word{562, "PDP context already open"},
                          Word{565, "DNS parse failed"},
                          Word{566, "socket connect failed"},
                          Word{569, "operation timeout"},
                          Word{571, "operation not allowed"},
                          Word{572, "APN not configured"}};
constexpr std::array kCms{Word{1, "unassigned number"},
                          Word{8, "operator determined barring"},
                          Word{10, "call barred"},
                          Word{21, "short message transfer rejected"},
                          Word{27, "destination out of service"},
                          Word{28, "unidentified subscriber"},
                          Word{29, "facility rejected"},
                          Word{30, "unknown subscriber"},
                          Word{38, "network out of order"},
                          Word{41, "temporary failure"},
                          Word{42, "congestion"},
                          Word{47, "resources unavailable"},
                          Word{50, "requested facility not subscribed"},
                          Word{69, "requested facility not implemented"},
                          Word{96, "invalid mandatory information"},
                          Word{111, "protocol error"},
                          Word{127, "interworking error"},
                          Word{300, "modem failure"},
                          Word{301, "SMS service of the modem reserved"},
                          Word{302, "operation not allowed"},
                          Word{303, "operation not supported"},
                          Word{304, "invalid PDU mode parameter"},
                          Word{305, "invalid text mode parameter"},
                          Word{310, "SIM not inserted"},
                          Word{311, "SIM PIN required"},
                          Word{312, "phone SIM PIN required"},
                          Word{313, "SIM failure"},
                          Word{314, "SIM busy"},
                          Word{315, "SIM wrong"},
                          Word{316, "SIM PUK required"},
                          Word{317, "SIM PIN2 required"},
                          Word{318, "SIM PUK2 required"},
                          Word{320, "memory failure"},
                          Word{321, "invalid memory index"},
                          Word{322, "memory full"},
                          Word{330, "service center address unknown"},
                          Word{331, "no network service"},
                          Word{332, "network timeout"},
                          Word{340, "no acknowledgement expected"},
                          Word{500, "unknown error"},
                          Word{512, "SIM is not ready"}};

template <size_t N>
std::string words_of(const std::array<Word, N>& table, int code) {
  for (const Word& w : table)
    if (w.code == code) return w.text;
  return "error " + std::to_string(code);
}

bool same_text(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

// By the vendor's manuals; a command that is not here is answered within 5 s.
struct TimeOut {
  std::string_view begin;
  uint32_t ms;
};
constexpr uint32_t kDefaultMs = 5'000;
constexpr std::array kTimeOuts{TimeOut{"+CFUN=", 15'000},
                               TimeOut{"+CGACT=", 150'000},
                               TimeOut{"+CGATT=", 140'000},
                               TimeOut{"+CLCK", 5'000},
                               TimeOut{"+CMGD=", 25'000},
                               TimeOut{"+CMGL", 20'000},
                               TimeOut{"+CMGS=", 120'000},
                               TimeOut{"+CMSS=", 120'000},
                               TimeOut{"+CNUM", 10'000},
                               TimeOut{"+COPS=", 180'000},
                               TimeOut{"+COPS?", 10'000},
                               TimeOut{"+CPIN=", 15'000},
                               TimeOut{"+CUSD=", 120'000},
                               TimeOut{"+QFOTADL=", 30'000},
                               TimeOut{"+QGPS", 10'000},
                               TimeOut{"+QIACT=", 150'000},
                               TimeOut{"+QIACTEX=", 150'000},
                               TimeOut{"+QICLOSE=", 15'000},
                               TimeOut{"+QIDEACT=", 40'000},
                               TimeOut{"+QIOPEN=", 150'000},
                               TimeOut{"+QISEND=", 15'000},
                               TimeOut{"+QLBS", 65'000},
                               TimeOut{"+QNETDEVCTL=", 30'000},
                               TimeOut{"+QPOWD", 65'000},
                               TimeOut{"D", 30'000},
                               TimeOut{"H", 90'000}};

uint32_t part_timeout_ms(std::string_view part) {
  if (part == "+QLBSCFG" || starts_with(part, "+QLBSCFG=")) return kDefaultMs;
  uint32_t ms = kDefaultMs;
  size_t longest = 0;
  for (const TimeOut& t : kTimeOuts) {
    if (t.begin.size() <= longest || !starts_with(part, t.begin)) continue;
    longest = t.begin.size();
    ms = t.ms;
  }
  return ms;
}

}  // namespace

std::vector<AtField> at_fields(std::string_view line) {
  std::vector<AtField> fields;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return fields;
  std::string_view rest = line.substr(colon + 1);
  bool more = true;
  AtField field;
  while (fields.size() < kMostFields && take_field(rest, more, field)) fields.push_back(field);
  return fields;
}

std::optional<int64_t> at_number(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || at != end) return std::nullopt;
  return value;
}

std::optional<int64_t> at_number(const std::vector<AtField>& fields, size_t index) {
  return index < fields.size() ? at_number(fields[index].text) : std::nullopt;
}

std::optional<int64_t> at_hex(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, 16);
  if (text.empty() || text.front() == '-' || error != std::errc() || at != end) return std::nullopt;
  return value;
}

std::string_view at_text(const std::vector<AtField>& fields, size_t index) {
  return index < fields.size() ? fields[index].text : std::string_view();
}

bool at_has_form(std::string_view line, std::string_view form) {
  if (form == "n") return all_of(line, "0123456789");
  if (form == "h") return all_of(line, "0123456789ABCDEFabcdef");
  if (form == "~") return !line.empty() && line.front() != '+' && line.front() != '^';
  const size_t colon = form.find(':');
  if (colon == std::string_view::npos) return line == form;
  if (!starts_with(line, form.substr(0, colon + 1))) return false;
  std::string_view kinds = trimmed(form.substr(colon + 1));
  std::string_view rest = line.substr(colon + 1);
  bool more = true;
  AtField field;
  while (!kinds.empty() && kinds.front() != '*') {
    if (!take_field(rest, more, field) || !is_kind(field, kinds.front())) return false;
    kinds.remove_prefix(std::min<size_t>(2, kinds.size()));  // with its comma
  }
  return !kinds.empty() || !more;
}

std::string cme_words(int code) { return words_of(kCme, code); }
std::string cms_words(int code) { return words_of(kCms, code); }

AtError at_error(std::string_view line) {
  const bool cms = starts_with(line, "+CMS");
  const size_t colon = line.find(':');
  const std::string_view text = colon == std::string_view::npos ? std::string_view() : trimmed(line.substr(colon + 1));
  constexpr int64_t kHighest = 65'535;
  if (const auto code = at_number(text); code && *code >= 0 && *code <= kHighest) {
    const int number = static_cast<int>(*code);
    return {number, cms ? cms_words(number) : cme_words(number)};
  }
  const auto find = [&](const auto& table) {
    const auto at = std::find_if(table.begin(), table.end(), [&](const Word& w) { return same_text(w.text, text); });
    return at == table.end() ? -1 : at->code;
  };
  return {cms ? find(kCms) : find(kCme), text.empty() ? "an error without a text" : std::string(text.substr(0, 100))};
}

uint32_t at_timeout_ms(std::string_view command) {
  if (starts_with(command, "AT") || starts_with(command, "at")) command.remove_prefix(2);
  uint32_t longest = kDefaultMs;
  bool in_text = false;
  for (size_t begin = 0, end = 0; end <= command.size(); ++end) {
    if (end < command.size() && command[end] == '"') in_text = !in_text;
    if (end < command.size() && (command[end] != ';' || in_text)) continue;
    longest = std::max(longest, part_timeout_ms(command.substr(begin, end - begin)));
    begin = end + 1;
  }
  return longest;
}

}  // namespace hal_ec600
