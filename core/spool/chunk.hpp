// A piece of a journal: a mapped file, or plain memory where there is no file. Written by one thread; what was written
// may be read by others.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "spool/record.hpp"

namespace dtud::spool {

class Chunk {
 public:
  static constexpr uint32_t kUsual = 64U << 10U;
  static constexpr uint32_t kLargest = 4U << 20U;
  static constexpr uint32_t kFirst = 64;  // where records begin

  // A new file of so many bytes; "" or a failure (errno in `error`): plain memory. Null: memory is short.
  static std::shared_ptr<Chunk> make(const std::string& file, uint32_t size, int& error);
  // What a file holds. Null: it cannot be read now, or is not ours to read (errno in `error`; EOVERFLOW: a newer dtud
  // wrote it); error 0: it is damaged.
  static std::shared_ptr<Chunk> take_up(const std::string& file, int& error);
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;
  ~Chunk();  // leaves the file

  void begin(uint64_t number, const Base& base);  // empty, whatever was in it
  void may_grow();  // one taken up, also of an older format: records of this one may follow
  // False: does not fit.
  bool append(const Record& record);
  // The record at an offset; the next one's offset, 0: none there.
  [[nodiscard]] uint32_t read(uint32_t offset, uint32_t end, Record& out) const;
  [[nodiscard]] uint32_t used() const;
  [[nodiscard]] Base base() const;
  [[nodiscard]] uint32_t size() const { return size_; }
  void remove_file();

  uint64_t number = 0;
  uint64_t last_seq = 0;  // 0: it is empty
  uint64_t left = 0;      // records that are not done

 private:
  struct Header;
  Chunk(void* memory, uint32_t size, std::string file) : memory_(memory), size_(size), file_(std::move(file)) {}
  [[nodiscard]] Header& header() const;
  void seed_from_base();

  void* memory_;
  uint32_t size_;
  std::string file_;
  uint32_t seed_ = 0;  // of the checksums: a harmed header makes all records void
};

}  // namespace dtud::spool
