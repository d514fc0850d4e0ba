// Memory that is lent to a plugin: it ends where a page begins that cannot be touched, is read-only once it is filled,
// and cannot be touched at all when it was given back. Who reads past the end, writes, or keeps a pointer too long dies
// at once, and the trail says of what.
#pragma once
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/annotations.hpp"
#include "host/buffers.hpp"
#include "host/records.hpp"
#include "trail.hpp"

namespace dtu::check {

class Guarded final : public host::Storage {
 public:
  explicit Guarded(Trail& trail);
  ~Guarded() override;
  uint8_t* take(uint64_t len) override;
  void seal(uint8_t* bytes, uint64_t len) override;
  void give_back(uint8_t* bytes, uint64_t len) override;

 private:
  struct Piece {
    uint8_t* base;
    size_t size;  // with the page behind
    Trail::Region* region;
  };
  Trail::Region* free_region() REQUIRES(mutex_);

  Trail& trail_;
  const size_t page_;
  host::Mutex mutex_;
  std::map<uint8_t*, Piece> live_ GUARDED_BY(mutex_);
  std::deque<Piece> gone_ GUARDED_BY(mutex_);  // unmapped when there are too many
  size_t next_region_ GUARDED_BY(mutex_) = 0;
};

// A text for the length of a call.
class LentText {
 public:
  LentText(host::Storage& storage, std::string_view text);
  LentText(const LentText&) = delete;
  LentText& operator=(const LentText&) = delete;
  ~LentText() { storage_.give_back(bytes_, len_); }
  [[nodiscard]] dtu_str get() const { return {reinterpret_cast<const char*>(bytes_), len_}; }

 private:
  host::Storage& storage_;
  uint64_t len_;
  uint8_t* bytes_;
};

// Messages for the length of a call, as a host hands them over: payloads in its buffers.
class Letters {
 public:
  Letters(host::Storage& storage, const std::vector<host::Message>& messages);
  Letters(const Letters&) = delete;
  Letters& operator=(const Letters&) = delete;
  ~Letters();
  [[nodiscard]] const dtu_msg* data() const { return msgs_; }
  [[nodiscard]] uint32_t size() const { return count_; }

 private:
  host::Storage& storage_;
  uint32_t count_;
  dtu_msg* msgs_;
  std::deque<LentText> texts_;
  std::vector<dtu_buf*> buffers_;
};

}  // namespace dtu::check
