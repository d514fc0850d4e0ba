// The host's reference-counted buffers. Filled with 0xDD when the last reference goes, so that a late reader shows.
#pragma once
#include <dtu/host.h>

namespace dtu::host {

// Where the bytes of buffers come from. Any thread.
class Storage {
 public:
  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  virtual ~Storage() = default;
  virtual uint8_t* take(uint64_t len) = 0;                    // null: none to be had
  virtual void seal(uint8_t* /*bytes*/, uint64_t /*len*/) {}  // from now on they are only read
  virtual void give_back(uint8_t* bytes, uint64_t len) = 0;
};
Storage& heap();

namespace buffers {

dtu_buf* alloc(uint64_t len, uint8_t** bytes, Storage& from = heap());  // `from` outlives the buffer
void ref(dtu_buf* buf);
void unref(dtu_buf* buf);
void seal(dtu_buf* buf);                                      // it was emitted: nobody writes to it any more
[[nodiscard]] bool holds(const dtu_buf* buf, dtu_str piece);  // `piece` lies within the buffer

}  // namespace buffers
}  // namespace dtu::host
