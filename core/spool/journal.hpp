// What one channel has not delivered and not yet on disk: records in mapped files of the runtime directory, which is
// memory (tmpfs). A process that is killed loses nothing of it, and flash is not touched. A chunk file holds records in
// order; it goes when all of them are done or on disk. docs/formats/spool.md. Main lane, but for Range.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lanes/descriptor.hpp"
#include "spool/record.hpp"
#include "spool/trouble.hpp"

namespace dtud::spool {

class Chunk;

class Journal {
 public:
  // Records that lie behind each other; stays readable, on any thread, while more is appended.
  struct Range {
    std::shared_ptr<const Chunk> chunk;
    uint32_t begin = 0, end = 0;
    void each(const std::function<void(const Record&)>& fn) const;
  };

  explicit Journal(std::string folder);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Takes up what an earlier process left there. Trouble: the folder cannot be used; everything works in plain memory
  // then, and dies with the process.
  [[nodiscard]] Trouble open();
  // A channel that keeps nothing any more: its files go.
  void remove_files();

  // All below this needs no delivery any more; kept, like the records. 0: not known.
  [[nodiscard]] uint64_t done() const;
  void set_done(uint64_t seq);
  // Larger than every sequence number it has; and, if it was there since the board started, than all it ever had.
  [[nodiscard]] uint64_t next() const;
  [[nodiscard]] bool is_of_this_boot() const { return of_this_boot_; }

  // Larger numbers each. False: memory is short.
  bool append(const Record& record);
  // It is done, or dropped: its place may be used again when the others of its chunk are, too.
  void forget(uint64_t seq);
  // All up to and with this one are on disk.
  void release(uint64_t through);

  // The first one that is not below `from`; false: none. The views are good until the next call of a function that is
  // not const. Reading one after the other is quick.
  [[nodiscard]] bool read(uint64_t from, Record& out) const;
  // All that comes after `seq`, for another thread: what it may be looking at is not used again until give_back().
  [[nodiscard]] std::vector<Range> lend_after(uint64_t seq);
  void give_back() { lent_ = false; }

  [[nodiscard]] uint64_t memory() const;  // bytes its files take
  [[nodiscard]] const Trouble& trouble() const { return trouble_; }

 private:
  struct State;
  struct Place {
    uint64_t chunk = 0;  // its number
    uint32_t offset = 0;
    uint64_t seq = 0;
  };
  [[nodiscard]] Trouble open_folder();
  [[nodiscard]] Trouble take_up();
  [[nodiscard]] bool begin_chunk(const Record& first);
  void end_chunk(size_t index);

  const std::string folder_;
  Trouble trouble_;
  Descriptor lock_;  // held while open: the state file
  State* state_ = nullptr;
  std::unique_ptr<State> plain_state_;         // where the file's stands otherwise
  std::deque<std::shared_ptr<Chunk>> chunks_;  // by sequence number
  std::shared_ptr<Chunk> spare_;
  uint64_t last_number_ = 0;
  bool lent_ = false, of_this_boot_ = false;
  mutable Place place_;  // where the last read ended
};

}  // namespace dtud::spool
