#include "frame.hpp"

#include <cstdint>

namespace e2e {

std::string crc32(const std::string& bytes) {
  uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return std::to_string(crc ^ 0xFFFFFFFFU);
}

std::string frame(const std::string& payload) {
  return std::to_string(payload.size()) + "," + crc32(payload) + "," + payload;
}

std::string command(const std::string& json) { return "99," + frame(json); }

std::string read_frame(Line& line) {
  const std::string length = line.read_until(",");
  const std::string crc = line.read_until(",");
  if (length.empty() || crc.empty() || length.find_first_not_of("0123456789,") != std::string::npos) return "";
  const std::string payload = line.read(std::stoul(length));
  return crc32(payload) + "," == crc ? payload : "";
}

Json ask(Line& line, const std::string& json) {
  line.write(command(json));
  return parse_json(read_frame(line));
}

}  // namespace e2e
