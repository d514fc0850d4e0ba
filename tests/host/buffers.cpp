#include "host/buffers.hpp"

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <new>

namespace dtu::test::buffers {
namespace {

struct Buffer {
  explicit Buffer(uint64_t n) : len(n), bytes(std::make_unique<uint8_t[]>(n == 0 ? 1 : n)) {}
  std::atomic<int64_t> refs{1};
  uint64_t len;
  std::unique_ptr<uint8_t[]> bytes;
};

Buffer& at(const dtu_buf* b) { return *reinterpret_cast<Buffer*>(const_cast<dtu_buf*>(b)); }

}  // namespace

dtu_buf* alloc(uint64_t len, uint8_t** bytes) {
  if (len > DTU_PAYLOAD_MAX) return nullptr;
  auto buffer = std::make_unique<Buffer>(len);
  *bytes = buffer->bytes.get();
  return reinterpret_cast<dtu_buf*>(buffer.release());
}

void ref(dtu_buf* buf) { ++at(buf).refs; }

void unref(dtu_buf* buf) {
  if (buf == nullptr || --at(buf).refs != 0) return;
  const std::unique_ptr<Buffer> last(&at(buf));
  std::memset(last->bytes.get(), 0xDD, last->len);
}

bool holds(const dtu_buf* buf, dtu_str piece) {
  const auto* begin = reinterpret_cast<const char*>(at(buf).bytes.get());
  const std::less_equal<> le;
  return piece.len <= at(buf).len && le(begin, piece.ptr) && le(piece.ptr + piece.len, begin + at(buf).len);
}

}  // namespace dtu::test::buffers
