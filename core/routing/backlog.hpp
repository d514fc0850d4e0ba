// What of an outbox's data outlives the process: a journal in memory that no kill takes away, and behind it, during an
// outage, the spool on disk. Every message gets a sequence number; the oldest wait in the outbox itself (the window),
// the rest here, and are loaded in order. Main lane; what waits for the disk is on the disk lane.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/documents.hpp"
#include "lanes/lane.hpp"
#include "log/log.hpp"
#include "plugins/buffer.hpp"
#include "routing/ring.hpp"
#include "spool/disk_lane.hpp"
#include "spool/journal.hpp"
#include "spool/spool.hpp"

namespace dtud::routing {

// What all backlogs share.
struct Storage {
  Lane& lane;
  Log& log;
  spool::DiskLane& disk;
  std::string spool_dir, journal_dir;  // a channel's are folders in them, by its id
  int64_t tick_ns = 1'000'000'000;     // how long memory is collected for one commit, in an outage
  int64_t retry_ns = 5'000'000'000;    // how long a disk that failed is left alone
};

struct BacklogSettings {
  config::Storage mode = config::Storage::on;  // off: what there is goes out, nothing is added to the disk
  uint64_t memory_messages = 4096, memory_bytes = 4U << 20U;
  spool::SpoolLimits disk;
  bool drop_oldest = false;  // a full disk makes room for what is new
  bool block = false;        // the sender can wait: memory never holds more than its bounds
};

class Backlog {
 public:
  // The outbox this belongs to.
  class Window {
   public:
    virtual bool wants_more() = 0;  // it has room for another message
    virtual void loaded(KeptMessage message, uint64_t seq) = 0;
    virtual void dropped(uint64_t below) = 0;  // those of it that wait and are older are gone from the disk: drop them
    // Those from `from` on and below `to` will not come, if they have not: dropped, as `why` says.
    virtual void gone(uint64_t from, uint64_t to, const char* why) = 0;
    virtual bool carries() = 0;  // its channel does
    virtual void changed() = 0;  // messages came, or there is room again

   protected:
    ~Window() = default;
  };
  struct Messages {
    uint64_t messages = 0, bytes = 0;
  };

  Backlog(Storage& storage, uint32_t channel, BacklogSettings settings, Window& window);
  ~Backlog();
  Backlog(const Backlog&) = delete;
  Backlog& operator=(const Backlog&) = delete;

  // Something is left on disk or in memory for this channel. `problem`: why nobody can tell.
  [[nodiscard]] static bool left_over(const Storage& storage, uint32_t channel, spool::Trouble* problem = nullptr);
  void set(BacklogSettings settings);
  [[nodiscard]] const BacklogSettings& settings() const { return settings_; }

  // Keeps it; its sequence number, 0: there is no memory for it. `in_window`: it is the next one to go, and the window
  // has to have it now.
  uint64_t append(const KeptMessage& message, bool window_has_room, bool& in_window);
  void done(uint64_t seq, uint64_t bytes);  // a message of the window was delivered, rejected or dropped
  void load();                              // gives the window as many as it wants
  // The window's messages up to this one may be sent (`always`: they are on disk).
  [[nodiscard]] uint64_t sendable() const;
  [[nodiscard]] bool on_disk(uint64_t seq) const { return seq <= spilled_; }
  // Its memory is full, and the disk does not help.
  [[nodiscard]] bool full() const;
  [[nodiscard]] bool has_room() const;
  // Drops the oldest message in memory that is not in the window. Its sequence number, 0: there is none.
  uint64_t drop_oldest();

  // Everything goes to the disk now, then `flushed` is called: before a stop that may be the board's.
  void flush(std::function<void()> flushed);
  // Drops what the window does not have; `cleared` gets how many those were.
  void clear(std::function<void(uint64_t messages, const spool::Trouble&)> cleared);
  struct Peeked {
    uint64_t seq, source;
    int64_t time_ns;
    uint32_t flags;
    std::string route, payload, device;
  };
  // What is kept from `from` on, the window's too, at most so many messages and about so many bytes.
  void peek(uint64_t from, uint32_t messages, uint64_t bytes,
            std::function<void(std::vector<Peeked>, const spool::Trouble&)> peeked);
  // Nothing is kept and nothing under way: it may be taken away with its files.
  [[nodiscard]] bool idle() const;
  void remove_files();

  [[nodiscard]] uint64_t messages() const { return total_; }    // not done, the window's included
  [[nodiscard]] Messages in_memory() const { return memory_; }  // not on disk
  [[nodiscard]] const spool::Spool::Facts& disk() const { return facts_; }
  [[nodiscard]] const std::vector<std::string>& notes() const { return journal_.notes(); }  // damage at the start
  [[nodiscard]] uint64_t journal_memory() const { return journal_.memory(); }
  [[nodiscard]] const spool::Trouble& trouble() const { return trouble_ ? trouble_ : journal_.trouble(); }
  [[nodiscard]] uint64_t dropped() const { return dropped_; }  // by the disk's bounds, never in the window
  // Stored messages that are destroyed or gone.
  [[nodiscard]] uint64_t damaged() const { return facts_.damaged + lost_; }
  [[nodiscard]] uint64_t done_seq() const { return done_; }
  [[nodiscard]] uint64_t next_seq() const { return next_; }

 private:
  struct Entry {
    uint64_t seq = 0;
    bool done = false;
  };
  struct Hole {  // or delivered by a life of dtud that could not read the spool
    uint64_t begin, end;
  };
  struct Opened {
    spool::Trouble trouble;
    spool::Spool::Facts facts;
    uint64_t done = 0;
  };
  struct Committed {
    spool::Spool::Appended appended;
    spool::Spool::Facts facts;
    uint64_t last = 0;
    bool tried = false, strange = false;  // something was appended; there were messages before the first
  };
  struct Read {
    spool::Trouble trouble;
    spool::Spool::Facts facts;
    uint64_t skipped = 0;  // delivered in a life of dtud that could not read the spool
    std::vector<std::pair<uint64_t, KeptMessage>> messages;
    bool end = false;  // there is no more
  };
  [[nodiscard]] static std::string folder_in(const std::string& dir, uint32_t channel);

  // backlog_start.cpp
  void open();
  [[nodiscard]] spool::Trouble open_journal(const std::vector<std::string>& names, bool listed);
  void opened(const Opened& result);
  void take_up(const spool::Spool::Facts& facts);
  void count_lost(const spool::Spool::Facts& facts);
  void go_on_without_spool();
  void remember_stored();

  // backlog.cpp
  void in_memory_no_more(uint64_t seq, uint64_t bytes);
  [[nodiscard]] bool in_journal(uint64_t from, spool::Record& out) const;
  void give(KeptMessage message, uint64_t seq);
  void none_up_to(uint64_t end, const char* why);
  void commit();
  void committed(const Committed& result);
  void read();
  void arrived(Read&& result);
  void advance_disk();
  void failed(const spool::Trouble& trouble);
  void works_again(const char* how);
  void step_done();
  void tick();
  void arm_tick();
  [[nodiscard]] bool has_unspilled() const { return memory_.messages != 0; }
  static void tick_due(void* self);

  Storage& storage_;
  const uint32_t channel_;
  const std::string who_;  // "channel 3"
  BacklogSettings settings_;
  Window& window_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);  // answers from the disk lane come only while it is
  spool::Journal journal_;
  std::shared_ptr<spool::Spool> spool_;  // the disk lane's
  spool::Spool::Facts facts_;            // as last heard
  Ring<Entry> entries_;                  // what the window has, by sequence number, from the oldest that is not done
  uint64_t done_ = 1;                    // all below are done
  uint64_t loaded_ = 1;                  // all below were given to the window
  uint64_t next_ = 1;                    // the next message's number
  uint64_t spilled_ = 0;                 // all up to this one are on disk, or done
  std::vector<Hole> holes_;              // what the journal still has, but was dropped; by sequence number
  uint64_t total_ = 0, dropped_ = 0, lost_ = 0;
  Messages memory_;             // not done, above spilled_
  Messages newer_;              // those of them above moving_to_
  uint64_t moving_to_ = 0;      // all up to this one are being written
  uint64_t told_done_ = 0;      // what the spool was last told
  uint64_t marks_[2] = {0, 0};  // next_ one and two ticks ago
  spool::Trouble trouble_;
  int64_t retry_ns_ = 0, read_retry_ns_ = 0;  // writing, reading is tried again then
  bool opening_ = false, unusable_ = false;   // the files on disk: being looked at; left alone until dtud starts again
  bool appended_ = false;                     // they were looked at, and are ours
  bool committing_ = false, reading_ = false, advancing_ = false, clearing_ = false;
  bool spilling_ = false;  // `on`: an outage, memory goes to the disk
  bool ticking_ = false;
  std::vector<std::function<void()>> flushed_;
  uint64_t tick_timer_ = 0;
};

}  // namespace dtud::routing
