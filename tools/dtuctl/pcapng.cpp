// Block and option numbers: draft-ietf-opsawg-pcapng, sections 4.1 (section header), 4.2 (interface), 4.3 (packet).
#include "pcapng.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include "failure.hpp"

namespace dtuctl {
namespace {

constexpr uint32_t kSection = 0x0A0D0D0A;
constexpr uint32_t kInterface = 1;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint16_t kLinkTypeUser0 = 147;
constexpr uint16_t kOptComment = 1;
constexpr uint16_t kUserApplication = 4;  // of a section
constexpr uint16_t kInterfaceName = 2;
constexpr uint16_t kTimeResolution = 9;
constexpr uint16_t kPacketFlags = 2;
constexpr uint32_t kInbound = 1;
constexpr uint32_t kOutbound = 2;

template <typename T>
void put_number(std::string& out, T value) {
  for (size_t i = 0; i < sizeof value; ++i) out.push_back(static_cast<char>((value >> (8U * i)) & 0xFFU));
}

void put_padded(std::string& out, std::string_view bytes) {
  out.append(bytes);
  while (out.size() % 4 != 0) out.push_back('\0');
}

void put_option(std::string& out, uint16_t code, std::string_view value) {
  value = value.substr(0, UINT16_MAX);
  put_number(out, code);
  put_number(out, static_cast<uint16_t>(value.size()));
  put_padded(out, value);
}

std::string block(uint32_t type, const std::string& body) {
  constexpr size_t frame = 12;  // type and twice the length
  std::string out;
  put_number(out, type);
  put_number(out, static_cast<uint32_t>(body.size() + frame));
  out += body;
  put_number(out, static_cast<uint32_t>(body.size() + frame));
  return out;
}

void end_options(std::string& out) { put_number<uint32_t>(out, 0); }

}  // namespace

Pcapng::Pcapng(const std::string& file)
    : file_(file),
      out_(file == "-" ? stdout : std::fopen(file.c_str(), "wbe"), file == "-" ? std::fflush : std::fclose) {
  if (out_ == nullptr) throw Failure(kFailed, "cannot write " + file + ": " + std::generic_category().message(errno));
  std::string body;
  put_number<uint32_t>(body, 0x1A2B3C4D);  // byte order: this one
  put_number<uint16_t>(body, 1);           // version 1.0
  put_number<uint16_t>(body, 0);
  put_number<uint64_t>(body, UINT64_MAX);  // length of the section: not known
  put_option(body, kUserApplication, "dtuctl " DTUKIT_VERSION);
  end_options(body);
  put(block(kSection, body));
}

uint32_t Pcapng::interface_id(std::string_view name) {
  if (const auto at = interfaces_.find(name); at != interfaces_.end()) return at->second;
  std::string body;
  put_number(body, kLinkTypeUser0);
  put_number<uint16_t>(body, 0);
  put_number<uint32_t>(body, 0);  // no limit on the length of a packet
  put_option(body, kInterfaceName, name);
  put_option(body, kTimeResolution, "\x09");  // nanoseconds
  end_options(body);
  put(block(kInterface, body));
  const auto id = static_cast<uint32_t>(interfaces_.size());
  interfaces_.emplace(name, id);
  return id;
}

void Pcapng::write(const Packet& packet) {
  std::string body;
  put_number(body, interface_id(packet.interface));
  put_number(body, static_cast<uint32_t>(packet.time_ns >> 32U));
  put_number(body, static_cast<uint32_t>(packet.time_ns & UINT32_MAX));
  put_number(body, static_cast<uint32_t>(packet.data.size()));
  put_number(body, static_cast<uint32_t>(packet.length));
  put_padded(body, packet.data);
  std::string flags;
  put_number(flags, packet.incoming ? kInbound : kOutbound);
  put_option(body, kPacketFlags, flags);
  put_option(body, kOptComment, packet.comment);
  end_options(body);
  put(block(kEnhancedPacket, body));
}

void Pcapng::put(const std::string& block) {
  if (std::fwrite(block.data(), 1, block.size(), out_.get()) != block.size() || std::fflush(out_.get()) != 0)
    throw Failure(kFailed, "cannot write " + file_ + ": " + std::generic_category().message(errno));
}

}  // namespace dtuctl
