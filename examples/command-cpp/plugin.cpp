// Commands in C++17: check sums of serial protocols. The host checks the arguments before it calls, so what arrives
// here has the one member the schema names, and in it nothing but hexadecimal digits.
#include <dtu/sdk.hpp>

#include <array>
#include <vector>

namespace {

using Bytes = std::vector<uint8_t>;

constexpr char kArguments[] = R"({
  "type": "object", "additionalProperties": false, "required": ["hex"],
  "properties": {"hex": {"title": "The frame", "description": "Hexadecimal digits, two for each byte", "type": "string",
                         "pattern": "^[0-9A-Fa-f]+$", "maxLength": 4096}}
})";

Bytes modbus(const Bytes& frame) {
  constexpr unsigned kPolynomial = 0xA001;  // x^16 + x^15 + x^2 + 1, bits in the order of the wire
  unsigned crc = 0xFFFF;
  for (const uint8_t byte : frame) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1U) ^ kPolynomial : crc >> 1U;
  }
  return {static_cast<uint8_t>(crc), static_cast<uint8_t>(crc >> 8U)};
}

Bytes lrc(const Bytes& frame) {
  uint8_t sum = 0;
  for (const uint8_t byte : frame) sum = static_cast<uint8_t>(sum + byte);
  return {static_cast<uint8_t>(-sum)};
}

Bytes exclusive_or(const Bytes& frame) {
  uint8_t sum = 0;
  for (const uint8_t byte : frame) sum ^= byte;
  return {sum};
}

struct Command {
  const char *name, *title;
  Bytes (*sum)(const Bytes& frame);
};
constexpr std::array kCommands{Command{"checksum.modbus", "CRC-16 of Modbus RTU", modbus},
                               Command{"checksum.lrc", "LRC of Modbus ASCII", lrc},
                               Command{"checksum.xor", "Exclusive or of NMEA 0183", exclusive_or}};

// The digits between the last two quotation marks: by the schema the only value there is.
std::string_view hex_of(std::string_view arguments) {
  const size_t end = arguments.rfind('"');
  const size_t begin = arguments.rfind('"', end - 1) + 1;
  return arguments.substr(begin, end - begin);
}

Bytes bytes_of(std::string_view hex) {
  if (hex.size() % 2 != 0)
    throw dtu::Failure(DTU_E_INVALID, "/hex: has " + std::to_string(hex.size()) + " digits; give two for each byte");
  Bytes bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

std::string hex_of(const Bytes& bytes) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string hex;
  for (const uint8_t byte : bytes) {
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 15U];
  }
  return hex;
}

class Checksum : public dtu::Component, public dtu::CommandsIface {
 public:
  Checksum(dtu::Host host, std::string_view /*config*/) : Component(host) {}

  void list_commands(const Each& each) override {
    for (const Command& command : kCommands) {
      dtu_command_info info{};
      info.struct_size = sizeof info;
      info.flags = DTU_COMMAND_WHEN_STOPPED;
      info.name = dtu::str(command.name);
      info.title = dtu::str(command.title);
      info.args_schema = dtu::str(kArguments);
      each(info);
    }
  }

  dtu_status invoke(uint64_t call, std::string_view name, std::string_view arguments,
                    const dtu_caller& /*caller*/) override {
    for (const Command& command : kCommands) {
      if (name != command.name) continue;
      const Bytes frame = bytes_of(hex_of(arguments));
      const std::string sum = hex_of(command.sum(frame));
      return host_.reply(call, "{\"sum\": \"" + sum + "\", \"frame\": \"" + hex_of(frame) + sum + "\"}");
    }
    throw dtu::Failure(DTU_E_NOT_FOUND, "there is no command \"" + std::string(name) + "\"");
  }
};

DTU_COMPONENT(checksum, Checksum, DTU_KIND_COMMAND, "checksum", "Check sums of serial protocols",
              R"({"title": "Check sums", "type": "object", "additionalProperties": false})", 0,
              dtu::commands_iface<Checksum>);

}  // namespace

DTU_PLUGIN("org.example.command-checksum", "1.0.0", "Example Ltd", "Apache-2.0", "command:checksum", &checksum);
