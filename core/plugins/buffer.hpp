// The buffers behind dtu_buf: reference-counted, in a few sizes, kept for reuse by the thread that frees them, so that
// a message costs no allocation. Any thread.
#pragma once
#include <dtu/message.h>

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

struct alignas(8) dtu_buf {  // also on 32 bits: what follows is aligned as malloc aligns
  std::atomic<uint32_t> refs;
  uint32_t size_class;
  uint32_t capacity;
  std::atomic<uint32_t> mark;  // kMark while it is in use
  dtu_buf* next;               // while it waits for reuse

  static constexpr uint32_t kMark = 0x64746275;
  // It is one that was allocated and not freed: for pointers of plugins. Null, a pointer into the middle of something
  // and a buffer given back too often are found; an address without memory is not.
  [[nodiscard]] static bool is_one(const dtu_buf* b) {
    return b != nullptr && reinterpret_cast<uintptr_t>(b) % alignof(dtu_buf) == 0 &&
           b->mark.load(std::memory_order_relaxed) == kMark;
  }

  [[nodiscard]] uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
  // Those bytes are in it, as a plugin says.
  [[nodiscard]] bool holds(dtu_str s) {
    const auto first = reinterpret_cast<uintptr_t>(bytes()), at = reinterpret_cast<uintptr_t>(s.ptr);
    return at >= first && at - first <= capacity && s.len <= capacity - (at - first);
  }
};

namespace dtud {

// One reference, or null when memory is short or len is over DTU_PAYLOAD_MAX plus a route and a device.
[[nodiscard]] dtu_buf* allocate_buffer(uint64_t len);
void ref(dtu_buf* buffer);
void unref(dtu_buf* buffer);

// Owns one reference.
class BufferRef {
 public:
  BufferRef() = default;
  explicit BufferRef(dtu_buf* adopted) : buffer_(adopted) {}
  BufferRef(BufferRef&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  BufferRef& operator=(BufferRef&& other) noexcept {
    if (this != &other) {
      reset();
      buffer_ = std::exchange(other.buffer_, nullptr);
    }
    return *this;
  }
  BufferRef(const BufferRef&) = delete;
  BufferRef& operator=(const BufferRef&) = delete;
  ~BufferRef() { reset(); }
  void reset() {
    if (buffer_ != nullptr) unref(std::exchange(buffer_, nullptr));
  }
  [[nodiscard]] dtu_buf* get() const { return buffer_; }
  explicit operator bool() const { return buffer_ != nullptr; }

 private:
  dtu_buf* buffer_ = nullptr;
};

// A message that stays valid: its payload in a buffer it holds, its route and its device in the same buffer behind the
// payload. Neither its token nor its latest time: those are of the queue it is in.
class KeptMessage {
 public:
  KeptMessage() = default;
  // Shares the sender's buffer when that wastes little, copies otherwise. Empty when memory is short.
  static KeptMessage keep(const dtu_msg& msg);

  // Another reference to the same bytes.
  [[nodiscard]] KeptMessage share() const;

  explicit operator bool() const { return static_cast<bool>(buffer_); }
  [[nodiscard]] uint64_t payload_size() const { return size_; }
  [[nodiscard]] std::string_view payload() const { return {payload_, size_}; }
  // Valid as long as this object.
  [[nodiscard]] dtu_msg view(uint64_t token) const {
    dtu_msg msg;
    show(token, msg);
    return msg;
  }
  void show(uint64_t token, dtu_msg& msg) const;  // the same in place, whatever was there

  uint64_t source = 0;
  int64_t time_ns = 0;
  uint32_t flags = 0;
  bool followed = false;  // of this place in a queue, which knows by whom: what becomes of it is told

 private:
  BufferRef buffer_;
  const char* payload_ = nullptr;
  uint32_t size_ = 0;
  uint16_t route_size_ = 0;   // the route follows the payload
  uint16_t device_size_ = 0;  // and the device the route
};

}  // namespace dtud
