// What wpa_supplicant and hostapd say, and what may be said to them. Names of networks are bytes from whoever has a
// transmitter: anything, up to 32 of them.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hal_linux {

inline constexpr size_t kMostSsid = 32;

// printf_encode of wpa_supplicant: \\ \" \e \n \r \t \xNN. An escape that is none stays as it is.
[[nodiscard]] std::string printf_decoded(std::string_view text);
[[nodiscard]] std::string to_hex(std::string_view bytes);
// Nothing: not pairs of hexadecimal digits.
[[nodiscard]] std::optional<std::string> from_hex(std::string_view hex);

// "ssid":"Café" where the bytes are printable UTF-8, else "ssid_hex":"ff00": a member of a JSON object.
[[nodiscard]] std::string ssid_member(std::string_view bytes);

// STATUS: lines of key=value. At most 64 of them, the first of each key.
[[nodiscard]] std::map<std::string, std::string, std::less<>> key_values(std::string_view text);

struct ScannedNetwork {
  std::string bssid, ssid;  // ssid: bytes
  int frequency_mhz = 0, signal_dbm = 0;
  const char* security = "open";  // "open", "wep", "wpa", "wpa2", "wpa3", "enterprise"
};
// SCAN_RESULTS: the strongest first, at most 64. Lines that are none are left out. Nothing: it does not begin with the
// heading, which is there also when no network is: it is no such answer (FAIL, noise).
[[nodiscard]] std::optional<std::vector<ScannedNetwork>> scan_results(std::string_view text);
[[nodiscard]] std::string to_json(const ScannedNetwork& network);
// 2412 -> 1, 5180 -> 36; 0: none.
[[nodiscard]] int channel_of(int frequency_mhz);

// "": it may be a password of WPA: 8 to 63 printable ASCII characters, or 64 hexadecimal digits.
[[nodiscard]] std::string why_no_password(std::string_view password);
// What to say of a reply that is no answer to `command`: "wpa_supplicant answers SCAN_RESULTS with: FAIL".
[[nodiscard]] std::string why_no_answer(std::string_view program, std::string_view command, std::string_view reply);
// Members of a JSON object: the state cannot be told, and why.
[[nodiscard]] std::string unavailable(std::string_view why);
[[nodiscard]] bool is_mac(std::string_view text);  // "02:00:00:00:00:01"

}  // namespace hal_linux
