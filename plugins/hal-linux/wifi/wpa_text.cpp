#include "wifi/wpa_text.hpp"

#include <dtu/sdk/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>

#include "board/tree.hpp"

namespace hal_linux {
namespace {

constexpr size_t kMostKeys = 64, kMostNetworks = 64, kMac = 17;
constexpr std::string_view kHex = "0123456789abcdef";

int digit_of(char c) {
  const size_t at = kHex.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string_view next_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

bool to_int(std::string_view text, int& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

struct Word {
  std::string_view flag;
  const char* security;
};
// The first that the flags contain.
constexpr std::array kSecurity{Word{"EAP", "enterprise"}, Word{"SAE", "wpa3"}, Word{"[WPA2", "wpa2"},
                               Word{"[RSN", "wpa2"},      Word{"[WPA", "wpa"}, Word{"[WEP", "wep"}};

}  // namespace

std::string printf_decoded(std::string_view text) {
  constexpr std::string_view kNames = "\\\"enrt", kMeant = "\\\"\033\n\r\t";
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const char name = text[at] == '\\' && at + 1 < text.size() ? text[at + 1] : '\0';
    if (const size_t known = name == '\0' ? std::string_view::npos : kNames.find(name);
        known != std::string_view::npos) {
      out += kMeant[known];
      ++at;
    } else if (name == 'x' && at + 3 < text.size() && digit_of(text[at + 2]) >= 0 && digit_of(text[at + 3]) >= 0) {
      out += static_cast<char>(digit_of(text[at + 2]) * 16 + digit_of(text[at + 3]));
      at += 3;
    } else {
      out += text[at];
    }
  }
  return out;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    (hex += kHex[byte >> 4U]) += kHex[byte & 0xFU];
  }
  return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
  std::string bytes;
  if (hex.size() % 2 != 0) return std::nullopt;
  for (size_t at = 0; at < hex.size(); at += 2) {
    const int high = digit_of(hex[at]), low = digit_of(hex[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string ssid_member(std::string_view bytes) {
  if (is_printable_utf8(bytes)) return "\"ssid\":" + dtu::quoted(bytes);
  return "\"ssid_hex\":\"" + to_hex(bytes.substr(0, kMostSsid)) + "\"";
}

std::map<std::string, std::string, std::less<>> key_values(std::string_view text) {
  std::map<std::string, std::string, std::less<>> all;
  while (!text.empty() && all.size() < kMostKeys) {
    const std::string_view line = next_line(text);
    if (const size_t equal = line.find('='); equal != std::string_view::npos)
      all.emplace(line.substr(0, equal), line.substr(equal + 1));
  }
  return all;
}

std::optional<std::vector<ScannedNetwork>> scan_results(std::string_view text) {
  constexpr std::string_view kHeading = "bssid / frequency /";
  if (next_line(text).substr(0, kHeading.size()) != kHeading) return std::nullopt;
  std::vector<ScannedNetwork> all;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    std::array<std::string_view, 5> fields;  // bssid, frequency, signal level, flags, ssid
    size_t count = 0;
    for (; count < fields.size(); ++count) {
      const size_t end = count + 1 == fields.size() ? line.size() : line.find('\t');
      if (end == std::string_view::npos) break;
      fields.at(count) = line.substr(0, end);
      line.remove_prefix(std::min(end + 1, line.size()));
    }
    ScannedNetwork n;
    if (count != fields.size() || !is_mac(fields[0]) || !to_int(fields[1], n.frequency_mhz) ||
        !to_int(fields[2], n.signal_dbm))
      continue;
    n.bssid = fields[0];
    n.ssid = printf_decoded(fields[4]);
    if (n.ssid.size() > kMostSsid) continue;
    for (const Word& w : kSecurity)
      if (fields[3].find(w.flag) != std::string_view::npos) {
        n.security = w.security;
        break;
      }
    all.push_back(n);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.signal_dbm > b.signal_dbm; });
  if (all.size() > kMostNetworks) all.resize(kMostNetworks);
  return all;
}

int channel_of(int mhz) {
  constexpr int kStep = 5;
  if (mhz == 2484) return 14;
  if (mhz >= 2412 && mhz <= 2472) return (mhz - 2407) / kStep;
  if (mhz >= 5160 && mhz <= 5885) return (mhz - 5000) / kStep;
  return mhz >= 5955 && mhz <= 7115 ? (mhz - 5950) / kStep : 0;
}

std::string to_json(const ScannedNetwork& n) {
  return "{" + ssid_member(n.ssid) + ",\"bssid\":\"" + n.bssid + "\",\"frequency\":" + std::to_string(n.frequency_mhz) +
         ",\"channel\":" + std::to_string(channel_of(n.frequency_mhz)) +
         ",\"signal_dbm\":" + std::to_string(n.signal_dbm) + ",\"security\":\"" + n.security + "\"}";
}

std::string why_no_password(std::string_view password) {
  constexpr size_t kLeast = 8, kMost = 63;
  const bool printable = std::all_of(password.begin(), password.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (password.size() == kMost + 1 && from_hex(password)) return {};
  return password.size() >= kLeast && password.size() <= kMost && printable
             ? ""
             : "8 to 63 printable ASCII characters, or 64 hexadecimal digits, are allowed";
}

std::string why_no_answer(std::string_view program, std::string_view command, std::string_view reply) {
  return std::string(program) + " answers " + std::string(command) +
         " with: " + (reply.empty() ? "nothing" : shown(reply, 40));
}

std::string unavailable(std::string_view why) {
  return "\"state\":\"unavailable\",\"trouble\":" + dtu::quoted(shown(why, 160));
}

bool is_mac(std::string_view text) {
  if (text.size() != kMac) return false;
  for (size_t i = 0; i < kMac; ++i)
    if (i % 3 == 2 ? text[i] != ':' : digit_of(text[i]) < 0) return false;
  return true;
}

}  // namespace hal_linux
