#include "board/tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dtu/kit/port/descriptor.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <system_error>

namespace hal_linux {
namespace {

// Bytes of the character that begins `text`, 0: it is no UTF-8, or a control character.
size_t printable(std::string_view text) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  constexpr unsigned kDelete = 0x7F, kFirstC1 = 0x80, kLastC1 = 0x9F;
  const unsigned lead = byte(0);
  if (lead < kDelete) return lead >= ' ' ? 1 : 0;
  const size_t length = lead >= 0xF0 && lead <= 0xF4 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (length == 0 || lead > 0xF4 || text.size() < length) return 0;
  unsigned code = lead & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
    code = code << 6U | (byte(i) & 0x3FU);
  }
  constexpr std::array<unsigned, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  const bool control = code >= kFirstC1 && code <= kLastC1;
  return code < kLeast.at(length) || code > 0x10FFFF || surrogate || control ? 0 : length;
}

}  // namespace

Tree::Text Tree::read(std::string_view file) const {
  const dtu_port::Descriptor fd(::open(path(file).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return {{}, errno};
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return {{}, errno};
  if (!S_ISREG(st.st_mode)) return {{}, S_ISDIR(st.st_mode) ? EISDIR : EINVAL};
  std::array<char, 4096> bytes{};
  const ssize_t n = ::read(fd.get(), bytes.data(), bytes.size());
  if (n < 0) return {{}, errno};
  std::string text(bytes.data(), static_cast<size_t>(n));
  constexpr std::string_view kEnd(" \t\r\n\0", 5);  // files of the device tree end with a NUL
  text.erase(text.find_last_not_of(kEnd) + 1);
  return {text, 0};
}

bool Tree::has(std::string_view file) const {
  std::error_code none;
  return std::filesystem::exists(path(file), none) && !none;
}

std::vector<std::string> Tree::entries(std::string_view directory) const {
  constexpr size_t kMost = 1024;
  std::vector<std::string> names;
  std::error_code none;
  for (std::filesystem::directory_iterator at(path(directory), none), end; !none && at != end && names.size() < kMost;
       at.increment(none))
    names.push_back(at->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool to_number(std::string_view text, double& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(number);
}

std::string shown(std::string_view text, size_t longest) {
  std::string out;
  while (!text.empty()) {
    const size_t length = printable(text);
    if (out.size() + std::max<size_t>(length, 1) > longest) break;
    out += length == 0 ? "?" : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

bool is_printable_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = printable(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace hal_linux
