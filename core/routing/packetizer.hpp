// Cuts the bytes of a raw port into messages: at a delimiter, at a length, after an idle gap, or at a maximum,
// whichever comes first. Without any of them each read is a message. Main lane.
//
// A message that is cut at the maximum does not end within a delimiter: the next one would begin with the rest of it,
// and so would all that follow.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "config/documents.hpp"

namespace dtud::routing {

class Packetizer {
 public:
  using Packet = std::function<void(std::string_view bytes)>;

  explicit Packetizer(config::PacketConfig rule);

  // Calls `packet` for each message that is complete with these bytes, which it may show without a copy.
  void add(std::string_view bytes, const Packet& packet);
  // The idle gap has passed: what is there is a message. True: a short one, of a rule with a length.
  [[nodiscard]] bool idle(const Packet& packet);
  size_t clear();  // forgets the packet begun: so many bytes
  [[nodiscard]] bool pending() const { return !held_.empty(); }
  [[nodiscard]] bool passes_through() const { return passes_through_; }

 private:
  [[nodiscard]] size_t cut(std::string_view bytes) const;
  [[nodiscard]] size_t end_of_packet(std::string_view bytes, size_t from) const;

  config::PacketConfig rule_;
  bool passes_through_;
  size_t limit_;  // the smaller of length and max
  std::string held_;
};

}  // namespace dtud::routing
