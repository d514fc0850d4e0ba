#include "urc.hpp"

#include <algorithm>
#include <array>

#include "../at_text.hpp"

namespace hal_ec600::fota {
namespace {

struct Word {
  std::string_view word;
  Said::What what;
  bool numbered;
};
// corrections of the vendor's texts: EC200U says DOWNLOADING too, UPDATING runs from about 7 to 96
constexpr std::array kWords{
    Word{"HTTPSTART", Said::What::http_start, false}, Word{"DOWNLOADING", Said::What::downloading, true},
    Word{"HTTPEND", Said::What::http_end, true},      Word{"START", Said::What::start, false},
    Word{"UPDATING", Said::What::updating, true},     Word{"END", Said::What::end, true}};

struct ErrorWords {
  int64_t number;
  const char* words;
};
constexpr std::array kErrors{ErrorWords{507, "the package is for another version than the one that runs"},
                             ErrorWords{552, "the package is for another project"},
                             ErrorWords{553, "the package is for another baseline"}};

}  // namespace

std::optional<Said> said_in(std::string_view line) {
  const auto fields = at_fields(line);
  if (at_text(fields, 0) != "FOTA") return std::nullopt;
  const auto* const word =
      std::find_if(kWords.begin(), kWords.end(), [&](const Word& w) { return w.word == at_text(fields, 1); });
  if (word == kWords.end()) return std::nullopt;
  Said said;
  said.what = word->what;
  if (!word->numbered) return said;
  const auto number = at_number(fields, 2);
  if (!number) return std::nullopt;
  said.number = *number;
  return said;
}

std::string error_words(int64_t error) {
  const std::string number = " (" + std::to_string(error) + ")";
  for (const ErrorWords& e : kErrors)
    if (e.number == error) return e.words + number;
  return "the modem refused the package" + number;
}

int percent_of(const Said& said) {
  const int half = static_cast<int>(std::clamp<int64_t>(said.number, 0, 100) / 2);
  switch (said.what) {
    case Said::What::downloading:
      return half;
    case Said::What::updating:
      return 50 + half;
    case Said::What::http_end:
    case Said::What::start:
      return 50;
    default:
      return -1;
  }
}

}  // namespace hal_ec600::fota
