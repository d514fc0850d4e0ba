#include "host/buffers.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>

namespace dtu::host {
namespace {

class Heap final : public Storage {
 public:
  uint8_t* take(uint64_t len) override { return std::make_unique<uint8_t[]>(len == 0 ? 1 : len).release(); }
  void give_back(uint8_t* bytes, uint64_t len) override {
    const std::unique_ptr<uint8_t[]> last(bytes);
    std::memset(bytes, 0xDD, len);
  }
};

}  // namespace

Storage& heap() {
  static Heap the_heap;
  return the_heap;
}

namespace buffers {
namespace {

struct Buffer {
  std::atomic<int64_t> refs{1};
  uint64_t len = 0;
  uint8_t* bytes = nullptr;
  Storage* from = nullptr;
  std::atomic<bool> sealed{false};
};

Buffer& at(const dtu_buf* b) { return *reinterpret_cast<Buffer*>(const_cast<dtu_buf*>(b)); }

}  // namespace

dtu_buf* alloc(uint64_t len, uint8_t** bytes, Storage& from) {
  if (len > DTU_PAYLOAD_MAX) return nullptr;
  auto buffer = std::make_unique<Buffer>();
  buffer->len = len;
  buffer->bytes = from.take(len);
  buffer->from = &from;
  if (buffer->bytes == nullptr) return nullptr;
  if (bytes != nullptr) *bytes = buffer->bytes;
  return reinterpret_cast<dtu_buf*>(buffer.release());
}

void ref(dtu_buf* buf) { ++at(buf).refs; }

void unref(dtu_buf* buf) {
  if (buf == nullptr || --at(buf).refs != 0) return;
  const std::unique_ptr<Buffer> last(&at(buf));
  last->from->give_back(last->bytes, last->len);
}

void seal(dtu_buf* buf) {
  if (!at(buf).sealed.exchange(true)) at(buf).from->seal(at(buf).bytes, at(buf).len);
}

bool holds(const dtu_buf* buf, dtu_str piece) {
  const auto* begin = reinterpret_cast<const char*>(at(buf).bytes);
  const std::less_equal<> le;
  return piece.len <= at(buf).len && le(begin, piece.ptr) && le(piece.ptr + piece.len, begin + at(buf).len);
}

}  // namespace buffers
}  // namespace dtu::host
