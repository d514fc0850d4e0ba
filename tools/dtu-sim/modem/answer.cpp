#include "answer.hpp"

#include <array>
#include <string_view>

namespace sim::modem {
namespace {

struct Text {
  int number;
  std::string_view text;
};

constexpr std::array<Text, 15> kCme{{{3, "operation not allowed"},
                                     {4, "operation not supported"},
                                     {10, "SIM not inserted"},
                                     {11, "SIM PIN required"},
                                     {12, "SIM PUK required"},
                                     {13, "SIM failure"},
                                     {14, "SIM busy"},
                                     {16, "incorrect password"},
                                     {21, "invalid index"},
                                     {30, "no network service"},
                                     {50, "incorrect parameters"},
                                     {58, "invalid command line"},
                                     {504, "DSAT_CME_GNSS_SESSION_IS_ONGOING"},
                                     {505, "DSAT_CME_GNSS_SESSION_NOT_ACTIVE"},
                                     {516, "DSAT_CME_GNSS_NOT_FIXED_NOW"}}};

constexpr std::array<Text, 11> kSocket{{{0, "operate successfully"},
                                        {550, "unknown error"},
                                        {552, "invalid parameters"},
                                        {555, "operation not supported"},
                                        {561, "open PDP context failed"},
                                        {563, "socket identity has been used"},
                                        {565, "DNS parse failed"},
                                        {566, "socket connect failed"},
                                        {567, "socket has been closed"},
                                        {570, "PDP context broken down"},
                                        {572, "operation not allowed"}}};

template <size_t N>
std::string text_of(const std::array<Text, N>& table, int number, std::string_view otherwise) {
  for (const Text& row : table)
    if (row.number == number) return std::string(row.text);
  return std::string(otherwise);
}

}  // namespace

std::string cme_text(int number) { return text_of(kCme, number, "unknown"); }
std::string socket_error_text(int number) { return text_of(kSocket, number, "unknown error"); }

}  // namespace sim::modem
