#include "plugins/buffer.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace dtud {
namespace {

constexpr uint64_t kHeader = sizeof(dtu_buf);
// Whole blocks, header included, and how many of each a thread keeps.
struct SizeClass {
  uint64_t block;
  uint32_t kept;
};
constexpr std::array<SizeClass, 4> kClasses{{{192, 1024}, {640, 256}, {4352, 64}, {69632, 4}}};
constexpr uint32_t kUnpooled = kClasses.size();

// Blocks are counted by hand: this file is their owner. NOLINTBEGIN(cppcoreguidelines-owning-memory)
struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// What this thread has freed and may use again.
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    for (List& list : lists_)
      while (dtu_buf* b = list.first) {
        list.first = b->next;
        std::unique_ptr<void, Free>{b};
      }
  }
  dtu_buf* take(uint32_t size_class) {
    List& list = lists_[size_class];
    dtu_buf* b = list.first;
    if (b != nullptr) {
      list.first = b->next;
      --list.count;
    }
    return b;
  }
  bool give(dtu_buf* b) {
    List& list = lists_[b->size_class];
    if (list.count >= kClasses[b->size_class].kept) return false;
    b->next = list.first;
    list.first = b;
    ++list.count;
    return true;
  }

 private:
  struct List {
    dtu_buf* first = nullptr;
    uint32_t count = 0;
  };
  std::array<List, kClasses.size()> lists_;
};

Pool& pool() {
  thread_local Pool mine;
  return mine;
}

uint32_t class_for(uint64_t whole) {
  uint32_t c = 0;
  while (c < kUnpooled && kClasses[c].block < whole) ++c;
  return c;
}

}  // namespace

dtu_buf* allocate_buffer(uint64_t len) {
  if (len > uint64_t{DTU_PAYLOAD_MAX} + DTU_ROUTE_MAX + DTU_DEVICE_MAX) return nullptr;
  const uint64_t whole = kHeader + len;
  const uint32_t size_class = class_for(whole);
  if (size_class != kUnpooled) {
    if (dtu_buf* b = pool().take(size_class)) {
      b->refs.store(1, std::memory_order_relaxed);
      b->mark.store(dtu_buf::kMark, std::memory_order_relaxed);
      return b;
    }
  }
  const uint64_t block = size_class != kUnpooled ? kClasses[size_class].block : whole;
  void* memory = std::malloc(block);
  if (memory == nullptr) return nullptr;
  return ::new (memory) dtu_buf{{1}, size_class, static_cast<uint32_t>(block - kHeader), {dtu_buf::kMark}, nullptr};
}
// NOLINTEND(cppcoreguidelines-owning-memory)

void ref(dtu_buf* buffer) { buffer->refs.fetch_add(1, std::memory_order_relaxed); }

void unref(dtu_buf* buffer) {
  // Whoever sees 1 holds the only reference: most messages go without the atomic subtraction.
  if (buffer->refs.load(std::memory_order_acquire) != 1 && buffer->refs.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  buffer->mark.store(0, std::memory_order_relaxed);
  if (buffer->size_class != kUnpooled && pool().give(buffer)) return;
  std::unique_ptr<void, Free>{buffer};
}

KeptMessage KeptMessage::keep(const dtu_msg& msg) {
  KeptMessage kept;
  kept.source = msg.source;
  kept.time_ns = msg.time_ns;
  kept.flags = msg.flags;
  const uint64_t behind = msg.route.len + msg.device.len;
  // A large buffer held by a small message would make the queue's bound in bytes a lie.
  const bool share = dtu_buf::is_one(msg.owner) && behind == 0 &&
                     uint64_t{msg.owner->capacity} <= 2 * msg.payload.len + 128 && msg.owner->holds(msg.payload);
  if (share) {
    ref(msg.owner);
    kept.buffer_ = BufferRef(msg.owner);
    kept.payload_ = msg.payload.ptr;
  } else {
    kept.buffer_ = BufferRef(allocate_buffer(msg.payload.len + behind));
    if (!kept.buffer_) return {};
    auto* bytes = kept.buffer_.get()->bytes();
    if (msg.payload.len != 0) std::memcpy(bytes, msg.payload.ptr, msg.payload.len);
    if (msg.route.len != 0) std::memcpy(bytes + msg.payload.len, msg.route.ptr, msg.route.len);
    if (msg.device.len != 0) std::memcpy(bytes + msg.payload.len + msg.route.len, msg.device.ptr, msg.device.len);
    kept.payload_ = reinterpret_cast<const char*>(bytes);
  }
  kept.size_ = static_cast<uint32_t>(msg.payload.len);
  kept.route_size_ = static_cast<uint16_t>(msg.route.len);
  kept.device_size_ = static_cast<uint16_t>(msg.device.len);
  return kept;
}

KeptMessage KeptMessage::share() const {
  KeptMessage other;
  other.source = source;
  other.time_ns = time_ns;
  other.flags = flags;
  other.payload_ = payload_;
  other.size_ = size_;
  other.route_size_ = route_size_;
  other.device_size_ = device_size_;
  if (buffer_) {
    ref(buffer_.get());
    other.buffer_ = BufferRef(buffer_.get());
  }
  return other;
}

void KeptMessage::show(uint64_t token, dtu_msg& msg) const {
  msg.token = token;
  msg.source = source;
  msg.time_ns = time_ns;
  msg.flags = flags;
  msg.payload = {payload_, size_};
  msg.route = {payload_ + size_, route_size_};
  msg.owner = buffer_.get();
  msg.props = nullptr;
  msg.prop_count = 0;
  msg.device = {payload_ + size_ + route_size_, device_size_};
  msg.latest_ns = 0;
  msg.reserved[0] = msg.reserved[1] = 0;
}

}  // namespace dtud
