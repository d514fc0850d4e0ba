// The variants of the module: what they are called and what they lack.
#pragma once
#include <array>
#include <string_view>

namespace sim::modem {

// Bits, so that a command says in one number which variants have it.
constexpr unsigned kEc600n = 1;
constexpr unsigned kEc600u = 2;
constexpr unsigned kBare = 4;  // no GNSS, no temperature
constexpr unsigned kEvery = kEc600n | kEc600u | kBare;

struct Profile {
  std::string_view name;  // of --variant
  unsigned bit;
  std::string_view model;
  std::string_view version;      // AT+CGMR
  std::string_view sub_version;  // what AT+QGMR adds
  bool says_downloading;         // the "DOWNLOADING" lines of a firmware update
};

constexpr std::array<Profile, 3> kProfiles{{
    {"ec600n", kEc600n, "EC600N", "EC600NCNLCR06A01M08", "_OCPU_V01", false},
    {"ec600u", kEc600u, "EC600U", "EC600UCNLBR03A01M08", "_V01", true},
    {"bare", kBare, "EC600S", "EC600SCNAAR02A01M08", "_V01", false},
}};

// Null when there is none of that name.
[[nodiscard]] constexpr const Profile* find_profile(std::string_view name) {
  for (const Profile& profile : kProfiles)
    if (profile.name == name) return &profile;
  return nullptr;
}

}  // namespace sim::modem
