// The power goes after every single operation of a long scenario. Writes that were not synced are kept, lost or torn.
// DTUKIT_POWER_CUTS=n looks at n mixtures of them after each operation instead of one, DTUKIT_SEED picks the run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "messages.hpp"
#include "sim_disk.hpp"

namespace dtud::spool {
namespace {

constexpr const char* kFolder = "/spool/3";
constexpr Sizes kSizes{20, 1500};
const SpoolLimits kLimits{256U << 10U, 400};

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// What the spool has promised, and what it may do.
struct Promise {
  std::set<uint64_t> stored;    // append() returned; each must be there unless it is below `may_go`
  std::set<uint64_t> possible;  // may be there: what an append() under way, or one that failed, or a clear() leaves
  uint64_t may_go = 0;          // done or dropped: need not be there
  uint64_t never = 0;           // done was on disk: must not come again
};

class PowerCut : public ::testing::Test {
 protected:
  struct Snapshot {
    std::unique_ptr<SimDisk> disk;
    const char* kind;
  };

  PowerCut() : seed_(from_environment("DTUKIT_SEED", 20261121)), random_(seed_) {
    per_change_ = from_environment("DTUKIT_POWER_CUTS", 1);
  }

  void watch() {
    disk_->on_change([this] {
      ++changes_;
      // Of one after every change, and each mixture in turn.
      const uint64_t turn = changes_ % 4;
      if (turn == 0) snapshot(SimDisk::Unsynced::lost, "lost");
      if (turn == 2) snapshot(SimDisk::Unsynced::kept, "kept");
      for (uint64_t i = turn % 2 == 0 ? 1 : 0; i < per_change_; ++i)
        if (random_() % 3 == 0)
          snapshot(SimDisk::Unsynced::any, "any");
        else
          snapshot(SimDisk::Unsynced::mixed, "mixed");
    });
  }

  void snapshot(SimDisk::Unsynced unsynced, const char* kind) {
    snapshots_.push_back({disk_->after_power_cut(unsynced, random_), kind});
  }

  // Opens what a power cut left. What may be there is what `was` or `is` allows; what must be there, what both demand.
  std::set<uint64_t> judge(SimDisk& disk, const Promise& was, const Promise& is, const std::string& where) {
    Spool spool(disk, kFolder, kLimits);
    const Trouble trouble = spool.open(0);
    EXPECT_EQ(trouble.code, 0) << where << ": " << trouble.text;
    // A file that was removed and comes back, while one removed later stays away: no file system with a journal does
    // that. Then what is done still stays done and nothing is lost, but what was cleared may come back, and the hole
    // between two files seems to be damage.
    const bool disordered = where.find("unsynced any") != std::string::npos;
    std::set<uint64_t> found;
    uint64_t before = 0;
    const Trouble read = spool.read(0, [&](const Record& record) {
      EXPECT_TRUE(is_what_was_stored(record, kSizes)) << where << ": " << record.seq;
      EXPECT_GT(record.seq, before) << where;
      EXPECT_GE(record.seq, was.never) << where << ": was done";
      EXPECT_TRUE(was.stored.count(record.seq) + is.stored.count(record.seq) + was.possible.count(record.seq) +
                      is.possible.count(record.seq) + old_.count(record.seq) +
                      (disordered ? cleared_.count(record.seq) : 0) >
                  0)
          << where << ": " << record.seq << " was never stored, or is cleared";
      before = record.seq;
      found.insert(record.seq);
      return true;
    });
    EXPECT_EQ(read.code, 0) << where << ": " << read.text;
    for (const uint64_t seq : was.stored) {
      if (seq < is.may_go || is.stored.count(seq) == 0) continue;
      EXPECT_TRUE(found.count(seq) == 1) << where << ": " << seq << " is lost";
    }
    if (!disordered) {
      EXPECT_EQ(spool.facts().damaged, 0U) << where;
    }
    EXPECT_EQ(spool.facts().messages, found.size()) << where;
    ++judged_;
    if (judged_ % 8 == 0 && &disk != disk_.get()) go_on(disk, spool, found, where);
    return found;
  }

  // After the power cut it goes on, and the power goes again.
  void go_on(SimDisk& disk, Spool& spool, const std::set<uint64_t>& found, const std::string& where) {
    const uint64_t next = next_ + 1000;
    const Spool::Appended appended = put(spool, next, 3, false, kSizes);
    if (appended.trouble.code == ENOSPC) return;
    ASSERT_EQ(appended.trouble.code, 0) << where << ": " << appended.trouble.text;
    std::vector<uint64_t> all(found.begin(), found.end());
    for (const uint64_t seq : range(next, 3)) all.push_back(seq);
    const auto again = disk.after_power_cut(SimDisk::Unsynced::lost, random_);
    Spool second(*again, kFolder, kLimits);
    ASSERT_EQ(second.open(0).code, 0) << where;
    EXPECT_EQ(take(second, SIZE_MAX, kSizes), all) << where << ", after going on";
  }

  // The call is over: judges the disks that a power cut in the middle of it would have left.
  void judge_all(const Promise& was, const Promise& is, const std::string& call) {
    for (size_t i = 0; i < snapshots_.size() && !HasFailure(); ++i)
      judge(*snapshots_[i].disk, was, is,
            "seed " + std::to_string(seed_) + ", call " + std::to_string(calls_) + " (" + call + "), cut " +
                std::to_string(i) + " of " + std::to_string(snapshots_.size()) + ", unsynced " + snapshots_[i].kind);
    snapshots_.clear();
  }

  void append() {
    Promise is = promise_;
    std::vector<uint64_t> seqs;
    const uint64_t count = 1 + random_() % 12;
    for (uint64_t i = 0; i < count; ++i) seqs.push_back(next_ += 1 + (random_() % 8 == 0 ? random_() % 50 : 0));
    promise_.possible.insert(seqs.begin(), seqs.end());
    const Batch batch(seqs, kSizes);
    const bool make_room = random_() % 4 != 0;
    const Spool::Appended appended = spool_->append(batch.records(), spool_->done(), make_room);
    if (appended.trouble) {
      EXPECT_EQ(appended.trouble.code, ENOSPC) << appended.trouble.text;
      EXPECT_FALSE(make_room);
    } else {
      is.stored.insert(seqs.begin(), seqs.end());
      is.never = spool_->done();
      drops_ += appended.dropped;
    }
    is.may_go = std::max(is.may_go, spool_->done());
    judge_all(promise_, is, "append");
    promise_ = is;
    const auto end = promise_.stored.lower_bound(promise_.may_go);
    old_.insert(promise_.stored.begin(), end);
    promise_.stored.erase(promise_.stored.begin(), end);
  }

  void read() {
    const auto got = take(*spool_, random_() % 40, kSizes);
    if (!got.empty()) read_ = got.back() + 1;
  }

  void advance(bool write) {
    Promise is = promise_;
    const uint64_t done = random_() % 3 == 0 ? read_ : spool_->done() + (read_ - std::min(read_, spool_->done())) / 2;
    is.may_go = std::max(is.may_go, done);
    const Trouble trouble = spool_->advance(done, write);
    EXPECT_EQ(trouble.code, 0) << trouble.text;
    if (write) is.never = spool_->done();
    judge_all(promise_, is, "advance");
    promise_ = is;
  }

  void clear() {
    Promise is = promise_;
    const uint64_t floor = std::max(read_, spool_->done());
    uint64_t removed = 0, promised = 0;
    for (auto at = is.stored.lower_bound(floor); at != is.stored.end(); at = is.stored.erase(at)) {
      cleared_.insert(*at);
      promised += *at >= is.may_go ? 1 : 0;
    }
    promise_.possible.insert(old_.lower_bound(floor), old_.end());
    cleared_.insert(old_.lower_bound(floor), old_.end());
    old_.erase(old_.lower_bound(floor), old_.end());
    const uint64_t messages = spool_->facts().messages;
    const Trouble trouble = spool_->clear(removed);
    EXPECT_EQ(trouble.code, 0) << trouble.text;
    EXPECT_GE(removed, promised);
    EXPECT_EQ(spool_->facts().messages, messages - removed);
    judge_all(promise_, is, "clear");
    promise_ = is;
  }

  // The process ends; the page cache stays.
  void reopen() {
    const Promise is = promise_;
    spool_ = std::make_unique<Spool>(*disk_, kFolder, kLimits);
    const Trouble trouble = spool_->open(0);
    EXPECT_EQ(trouble.code, 0) << trouble.text;
    judge_all(promise_, is, "reopen");
    read_ = 0;
  }

  // The scenario itself loses power, and goes on with what is left.
  void cut() {
    disk_->on_change({});
    spool_.reset();
    disk_ = disk_->after_power_cut(SimDisk::Unsynced::mixed, random_);
    promise_.stored = judge(*disk_, promise_, promise_, "seed " + std::to_string(seed_) + ", a cut between calls");
    promise_.possible.clear();
    cleared_.clear();
    old_.clear();
    watch();
    reopen();
    promise_.may_go = promise_.never = spool_->done();
  }

  // Of 1000 calls so many append; others read, advance, clear, reopen, and cut the power for the scenario itself.
  void run(uint64_t appends) {
    watch();
    reopen();
    for (; calls_ < kCalls && !HasFailure(); ++calls_) {
      const uint64_t choice = random_() % 1000;
      if (choice < appends) {
        append();
      } else if (choice < 775) {
        read();
      } else if (choice < 970) {
        advance(choice % 2 == 0);
      } else if (choice < 980) {
        clear();
      } else if (choice < 995) {
        reopen();
      } else {
        cut();
      }
    }
    std::printf("seed %llu: %llu calls, %llu changes of the disk, %llu power cuts judged, %llu messages dropped\n",
                static_cast<unsigned long long>(seed_), static_cast<unsigned long long>(calls_),
                static_cast<unsigned long long>(changes_), static_cast<unsigned long long>(judged_),
                static_cast<unsigned long long>(drops_));
    EXPECT_GE(changes_, kCalls);
  }

#if defined(__SANITIZE_THREAD__)  // one thread, twenty times slower: there is nothing to find
  static constexpr uint64_t kCalls = 1'000;
#else
  static constexpr uint64_t kCalls = 10'000;
#endif
  uint64_t seed_, per_change_ = 1;
  std::mt19937_64 random_;
  std::unique_ptr<SimDisk> disk_ = std::make_unique<SimDisk>();
  std::unique_ptr<Spool> spool_;
  std::vector<Snapshot> snapshots_;
  Promise promise_;
  std::set<uint64_t> cleared_, old_;  // old_: stored, and need not be there any more
  uint64_t next_ = 0, read_ = 0, calls_ = 0, changes_ = 0, judged_ = 0, drops_ = 0;
};

TEST_F(PowerCut, WhileItDrains) { run(430); }

TEST_F(PowerCut, WhileItOverflows) { run(600); }

}  // namespace
}  // namespace dtud::spool
