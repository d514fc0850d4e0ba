// A capture file for Wireshark and tshark: pcapng, link type USER0 (147), one interface for each port or channel.
#pragma once
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace dtuctl {

class Pcapng {
 public:
  // "-": standard output. Throws Failure.
  explicit Pcapng(const std::string& file);

  struct Packet {
    std::string_view interface;  // "port 1"
    uint64_t time_ns = 0;        // since 1970
    bool incoming = false;
    std::string_view data;
    uint64_t length = 0;  // of the message, which may be longer than what was captured of it
    std::string_view comment;
  };
  void write(const Packet& packet);  // and flushes: what was seen is in the file whatever happens next

 private:
  uint32_t interface_id(std::string_view name);
  void put(const std::string& block);

  std::string file_;
  std::unique_ptr<FILE, int (*)(FILE*)> out_;
  std::map<std::string, uint32_t, std::less<>> interfaces_;
};

}  // namespace dtuctl
