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

// Numbers from here on are given while nobody knows which ones the spool has: renumber() replaces them.
constexpr uint64_t kProvisional = uint64_t{1} << 62U;

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

  // Takes up what an earlier process left there. Trouble: the folder, or a file in it, cannot be used; the files are as
  // they were, and everything works in plain memory then, and dies with the process.
  [[nodiscard]] Trouble open();
  // What open() found damaged, for a person; and how many messages that cost, as far as the files tell.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  [[nodiscard]] uint64_t damaged() const { return damaged_; }
  // A channel that keeps nothing any more: its files go.
  void remove_files();

  // All below this needs no delivery any more; kept, like the records. 0: not known.
  [[nodiscard]] uint64_t done() const;
  void set_done(uint64_t seq);
  // What is below `from` and not done cannot be read in this life of dtud: done() stays as it is, and set_done() tells
  // of what comes from `from` on.
  void hold_done(uint64_t from);
  // The spool turned out to have messages up to `through` that were taken for done: they are not. All from there on and
  // below `done` is.
  void take_back_done(uint64_t through, uint64_t done);
  // What an earlier life, which held done(), delivered of what comes later.
  struct Later {
    uint64_t begin = 0, end = 0;
  };
  [[nodiscard]] Later later() const;

  // What the spool had, as last told: its last record, and how many of its records were not done when all below
  // `done` were. last 0: not known.
  struct Stored {
    uint64_t last = 0, waiting = 0, done = 0;
  };
  [[nodiscard]] Stored stored() const;
  void set_stored(const Stored& stored);

  // Gives all that is not done new numbers, from `first` on; what was known of done and of the spool is forgotten. How
  // many had no room in memory and are lost.
  uint64_t renumber(uint64_t first);
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
  void check_state();
  void drop_mapping();
  [[nodiscard]] Trouble take_up();
  void take_up(std::shared_ptr<Chunk> chunk, uint64_t number);
  void count_damage();
  [[nodiscard]] bool is_done(uint64_t seq) const;
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
  bool lent_ = false, of_this_boot_ = false, held_ = false;
  std::vector<std::string> notes_;
  uint64_t damaged_ = 0;
  mutable Place place_;  // where the last read ended
};

}  // namespace dtud::spool
