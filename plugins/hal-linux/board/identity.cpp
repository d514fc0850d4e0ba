#include "board/identity.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <system_error>

namespace hal_linux {
namespace {

constexpr size_t kLongest = 64;

constexpr std::array kSerialFiles{"/proc/device-tree/serial-number", "/sys/firmware/devicetree/base/serial-number",
                                  "/sys/class/dmi/id/product_serial", "/sys/class/dmi/id/board_serial"};
constexpr std::array kModelFiles{"/proc/device-tree/model", "/sys/firmware/devicetree/base/model",
                                 "/sys/class/dmi/id/product_name"};

// In small letters; what firmware says when nobody has set it.
constexpr std::array<std::string_view, 9> kNothing{"to be filled",   "default string", "not specified",
                                                   "not applicable", "none",           "system serial",
                                                   "system product", "o.e.m.",         "unknown"};

bool means_nothing(const std::string& text) {
  std::string small;
  for (const char c : text) small += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (text.find_first_not_of("0 -.xX") == std::string::npos) return true;
  return std::any_of(kNothing.begin(), kNothing.end(),
                     [&](std::string_view word) { return small.compare(0, word.size(), word) == 0; });
}

// "": it can be used.
std::string why_not(const Tree::Text& read) {
  if (!read.ok()) return std::generic_category().message(read.error);
  if (means_nothing(read.text)) return "\"" + shown(read.text, 24) + "\" is none";
  if (read.text.size() > kLongest) return "longer than " + std::to_string(kLongest) + " bytes";
  return is_printable_utf8(read.text) ? "" : "not printable";
}

template <size_t n>
std::string first_of(const Tree& tree, const std::array<const char*, n>& files, const char* point, const char* key) {
  std::string tried;
  for (const char* file : files) {
    const Tree::Text read = tree.read(file);
    const std::string why = why_not(read);
    if (why.empty()) return read.text;
    if (read.error != ENOENT || tried.empty()) tried += (tried.empty() ? "" : "; ") + tree.path(file) + ": " + why;
  }
  throw dtu::Failure(DTU_E_UNSUPPORTED, std::string(point) + ": set \"" + key +
                                            "\" in board.json. Looked in device tree and DMI: " + tried);
}

}  // namespace

bool is_imei(const std::string& digits) {
  constexpr size_t kDigits = 15;
  if (digits.size() != kDigits || digits.find_first_not_of("0123456789") != std::string::npos) return false;
  int sum = 0;
  for (size_t i = 0; i < kDigits; ++i) {
    const int digit = digits[i] - '0';
    sum += i % 2 == 0 ? digit : digit * 2 / 10 + digit * 2 % 10;
  }
  return sum % 10 == 0;
}

std::string serial_number(const Tree& tree, const BoardConfig& config) {
  return config.serial.empty() ? first_of(tree, kSerialFiles, "device.serial", "serial") : config.serial;
}

std::string model(const Tree& tree, const BoardConfig& config) {
  return config.model.empty() ? first_of(tree, kModelFiles, "device.model", "model") : config.model;
}

std::string version(const Tree& tree, const BoardConfig& config) {
  if (!config.version.empty()) return config.version;
  const Tree::Text read = tree.read(config.version_file);
  std::string line = read.text.substr(0, read.text.find_first_of("\r\n"));
  std::string why = read.ok() ? "" : std::generic_category().message(read.error);
  if (read.ok() && (line.empty() || line.size() > kLongest || !is_printable_utf8(line)))
    why = "its first line has to be 1 to " + std::to_string(kLongest) + " printable bytes";
  if (!why.empty()) throw dtu::Failure(DTU_E_IO, "device.version: " + tree.path(config.version_file) + ": " + why);
  return line;
}

}  // namespace hal_linux
