// What one command answers: lines, a result, and what follows from it later.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace sim::modem {

class Modem;

enum class Result {
  ok,
  error,
  cme,     // +CME ERROR: number, or ERROR or its text as AT+CMEE wants it
  cms,     // +CMS ERROR: number
  prompt,  // "> ": the host sends data now, and the result comes after them
  silent,  // none
};

struct Answer {
  std::vector<std::string> lines;
  Result result = Result::ok;
  int number = 0;        // of cme and cms
  int64_t delay_ms = 0;  // before anything of it is sent
  struct Later {
    int64_t ms;  // after the answer was sent
    std::function<void(Modem&)> act;
  };
  std::vector<Later> later;

  void line(std::string text) { lines.push_back(std::move(text)); }
  void error() { result = Result::error; }
  void cme(int n) { result = Result::cme, number = n; }
  void cms(int n) { result = Result::cms, number = n; }
  void after(int64_t ms, std::function<void(Modem&)> act) { later.push_back({ms, std::move(act)}); }
};

// The errors of 3GPP TS 27.007 and 27.005 that the commands here answer, and Quectel's.
constexpr int kCmeNotAllowed = 3;
constexpr int kCmeNotSupported = 4;
constexpr int kCmeSimAbsent = 10;
constexpr int kCmeSimPin = 11;
constexpr int kCmeSimPuk = 12;
constexpr int kCmeSimFailure = 13;
constexpr int kCmeSimBusy = 14;
constexpr int kCmeWrongPassword = 16;
constexpr int kCmeNoNetwork = 30;
constexpr int kCmeParameter = 50;
constexpr int kCmeGnssOn = 504;
constexpr int kCmeGnssOff = 505;
constexpr int kCmeGnssNoFix = 516;
constexpr int kCmsSimAbsent = 310;
constexpr int kCmsPdu = 304;
constexpr int kCmsSimPin = 311;
constexpr int kCmsSimBusy = 314;
constexpr int kCmsSimPuk = 316;
constexpr int kCmsIndex = 321;
constexpr int kCmsNoNetwork = 331;

// For AT+CMEE=2. "unknown" for a number without a text.
[[nodiscard]] std::string cme_text(int number);
// For AT+QIGETERROR.
[[nodiscard]] std::string socket_error_text(int number);

}  // namespace sim::modem
