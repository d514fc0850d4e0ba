// What an outbox holds at most, and why it gives a message up.
#pragma once
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

struct OutboxLimits {
  uint32_t messages = 4096;
  uint64_t bytes = 4U << 20U;
  Policy policy = Policy::drop_oldest;
  uint64_t max_message = UINT64_MAX;  // bytes; what is longer is rejected
};

}  // namespace dtud::routing
