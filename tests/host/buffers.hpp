// The host's reference-counted buffers. Filled with 0xDD when the last reference goes, so that a late reader shows.
#pragma once
#include <dtu/host.h>

namespace dtu::test::buffers {

dtu_buf* alloc(uint64_t len, uint8_t** bytes);
void ref(dtu_buf* buf);
void unref(dtu_buf* buf);
[[nodiscard]] bool holds(const dtu_buf* buf, dtu_str piece);  // `piece` lies within the buffer

}  // namespace dtu::test::buffers
