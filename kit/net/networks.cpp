#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <dtu/kit/net/networks.hpp>

namespace net {
namespace {

constexpr std::array<uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;
constexpr size_t kLongest = INET6_ADDRSTRLEN + 4;  // with "/128"

bool is_ipv4(const IpBytes& ip) { return std::equal(kMapped.begin(), kMapped.end(), ip.begin()); }

IpBytes mapped(const in_addr& v4) {
  IpBytes ip{};
  std::copy(kMapped.begin(), kMapped.end(), ip.begin());
  std::memcpy(&ip[kMapped.size()], &v4, sizeof v4);
  return ip;
}

std::optional<IpBytes> parse(const std::string& text, unsigned* most_bits) {
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    *most_bits = 32;
    return mapped(v4);
  }
  IpBytes ip{};
  *most_bits = 128;
  if (::inet_pton(AF_INET6, text.c_str(), ip.data()) != 1) return std::nullopt;
  return ip;
}

IpBytes masked(IpBytes ip, unsigned bits) {
  for (size_t i = 0; i < ip.size(); ++i) {
    const unsigned kept = std::min<unsigned>(8, bits);
    ip[i] = static_cast<uint8_t>(ip[i] & (0xFF00U >> kept));
    bits -= kept;
  }
  return ip;
}

std::string text_of(const IpBytes& ip, bool v4) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* at = v4 ? &ip[kMapped.size()] : ip.data();
  return ::inet_ntop(v4 ? AF_INET : AF_INET6, at, text.data(), text.size()) == nullptr ? "" : text.data();
}

ReadNetwork wrong(std::string problem) { return {{}, std::move(problem)}; }

}  // namespace

std::optional<IpBytes> ip_of(const Address& address) {
  if (address.length == 0) return std::nullopt;
  if (address.storage.ss_family == AF_INET)
    return mapped(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr);
  if (address.storage.ss_family != AF_INET6) return std::nullopt;
  IpBytes ip{};
  std::memcpy(ip.data(), &reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr, ip.size());
  return ip;
}

bool Network::contains(const IpBytes& ip) const {
  return (bits >= kMappedBits && is_ipv4(first)) == is_ipv4(ip) && masked(ip, bits) == first;
}

ReadNetwork read_network(std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  unsigned most = 0;
  const auto ip = text.size() <= kLongest ? parse(std::string(text.substr(0, slash)), &most) : std::nullopt;
  if (!ip) return wrong("an address as 10.0.0.5 or fd00::5 is required, or a network as 192.168.1.0/24 or fd00::/8");
  unsigned bits = most;
  if (slash < text.size()) {
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + slash + 1, end, bits);
    if (error != std::errc{} || at != end || bits > most)
      return wrong("after the / the number of bits of the network is required, 0 to " + std::to_string(most));
  }
  const bool v4 = most == 32;
  if (v4) bits += kMappedBits;
  const Network network{masked(*ip, bits), bits};
  if (network.first == *ip) return {network, ""};
  // Which of the two was meant decides who gets in.
  return wrong("the address has bits after its first " + std::string(text.substr(slash + 1)) + ": write " +
               text_of(network.first, v4) + std::string(text.substr(slash)) + " for the network, or " +
               text_of(*ip, v4) + " for the one address");
}

bool any_contains(const Networks& networks, const Address& address) {
  const auto ip = ip_of(address);
  return ip && std::any_of(networks.begin(), networks.end(), [&](const Network& n) { return n.contains(*ip); });
}

}  // namespace net
