// What dtud reads from the process of an isolated plugin, which may have lost its senses: the first byte picks the kind
// of component, then frames follow, each a byte of type and two of length. Whatever they say, nothing here breaks.
#include <cstdint>
#include <string_view>

#include "rig.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dtud::plugins::isolation;
  if (size < 1) return 0;
  dtud::test::IsolationRig rig(DTU_KIND_CHANNEL + data[0] % 3U);
  rig.room = (data[0] & 0x80U) != 0;
  void* port = nullptr;
  void* session = nullptr;
  (void)rig.proxy->open({"1", 1}, {}, 1, &port);
  (void)rig.proxy->open_session(dtu_link_info{}, &session);
  dtu_msg msg{};
  uint32_t taken = 0;
  dtu_error error{};
  (void)rig.proxy->send(&msg, 1, &taken);
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (rest.size() >= 3) {
    const auto type = static_cast<uint8_t>(rest[0]);
    size_t length = static_cast<uint8_t>(rest[1]) + 256U * static_cast<uint8_t>(rest[2]);
    rest.remove_prefix(3);
    length = std::min(length, rest.size());
    (void)rig.hand(static_cast<Frame>(type), rest.substr(0, length));
    rest.remove_prefix(length);
    if (rig.proxy == nullptr) break;
    (void)rig.proxy->write(*static_cast<Proxy::Port*>(port), &msg, 1, &taken, &error);
    rig.proxy->writable(0);
  }
  return 0;
}
