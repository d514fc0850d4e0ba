// What an outbox holds at most, why it gives a message up, and what it counts.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace dtud::routing {

enum class Policy { block, drop_oldest, drop_newest };

// Why a message is rejected: it will never be delivered, and is not sent again.
enum class Rejected : uint8_t {
  refused,      // the channel said so (DTU_E_INVALID)
  closed,       // the peer closes whenever it is sent (Suspicion)
  max_message,  // longer than OutboxLimits::max_message
};
constexpr size_t kRejections = 3;
[[nodiscard]] const char* name_of(Rejected reason);

struct OutboxCounters {
  struct Rejection {
    uint64_t messages = 0, bytes = 0;
    uint64_t last_bytes = 0;  // of the last one
  };
  uint64_t accepted = 0, delivered = 0, dropped = 0, rejected = 0, resent = 0, cleared = 0;
  uint64_t unconfirmed = 0;  // sent over a protocol that confirms nothing
  uint64_t no_receiver = 0;  // of `dropped`: by the channel, because nobody was there
  uint64_t overtaken = 0;    // of `delivered`: after a newer one (Suspicion)
  std::array<Rejection, kRejections> rejections;
  Rejected last_rejected = Rejected::refused;
};

struct OutboxLimits {
  uint32_t messages = 4096;
  uint64_t bytes = 4U << 20U;
  Policy policy = Policy::drop_oldest;
  uint64_t max_message = UINT64_MAX;  // bytes; what is longer is rejected
};

}  // namespace dtud::routing
