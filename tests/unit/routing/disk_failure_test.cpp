// offline_storage on a disk that fails at the n-th operation, for every n, and one that loses power at any moment.
#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <random>

#include "../spool/sim_disk.hpp"
#include "offline_rig.hpp"

namespace dtud::routing {
namespace {

using config::Storage;
using spool::SimDisk;
constexpr OutboxLimits kLimits{4096, 4U << 20U, Policy::block};
constexpr int64_t kMs = 1'000'000;

// The disk lane owns its disk; the test looks at it meanwhile.
class Lent : public spool::Disk {
 public:
  explicit Lent(std::shared_ptr<SimDisk> disk) : disk_(std::move(disk)) {}
  std::unique_ptr<spool::File> open(const std::string& file, bool create, int& error) override {
    return disk_->open(file, create, error);
  }
  int rename(const std::string& from, const std::string& to) override { return disk_->rename(from, to); }
  int remove(const std::string& file) override { return disk_->remove(file); }
  int make_folder(const std::string& folder) override { return disk_->make_folder(folder); }
  int list(const std::string& folder, std::vector<std::string>& names) override { return disk_->list(folder, names); }
  int sync_folder(const std::string& folder) override { return disk_->sync_folder(folder); }
  Space space(const std::string& folder) override { return disk_->space(folder); }

 private:
  std::shared_ptr<SimDisk> disk_;
};

// An outage, a drain in the middle of it, another outage, the rest. True: there was such an operation.
bool survives(const SimDisk::Fault& fault, uint64_t& met) {
  SCOPED_TRACE("operation " + std::to_string(fault.at) + ", " + std::to_string(fault.times) + " times, error " +
               std::to_string(-fault.error));
  OfflineRig rig;
  rig.tick_ns = 2 * kMs;
  rig.retry_ns = 5 * kMs;
  auto disk = std::make_shared<SimDisk>();
  disk->set_fault(fault);
  rig.begin(kLimits, Storage::on, {}, std::make_unique<Lent>(disk));
  const auto settled = [&] { return rig.backlog().in_memory().messages == 0 || rig.backlog().trouble(); };
  rig.push(1, 300, 200);
  EXPECT_TRUE(rig.eventually(settled));
  rig.push(301, 600, 200);
  EXPECT_TRUE(rig.eventually(settled));
  EXPECT_EQ(rig.deliver(450), from_to(1, 450));
  rig.push(601, 1200, 200);
  EXPECT_TRUE(rig.eventually(settled));
  EXPECT_EQ(rig.deliver(750), from_to(451, 1200));
  rig.on_lane([&] {
    EXPECT_EQ(rig.outbox->messages(), 0U);
    EXPECT_EQ(rig.outbox->counters().dropped, 0U);
  });
  if (fault.times < 1000) {
    EXPECT_TRUE(rig.eventually([&] { return !rig.backlog().trouble(); }));
  }
  rig.end();
  met += disk->fault_hit() ? 1 : 0;
  return disk->operations() > fault.at;
}

class DiskFailureTest : public testing::TestWithParam<SimDisk::Fault> {};

TEST_P(DiskFailureTest, AtAnyOperationCostsNoMessage) {
  SimDisk::Fault fault = GetParam();
  uint64_t met = 0;
  while (survives(fault, met) && !HasFailure()) ++fault.at;
  EXPECT_GT(met, 10U);
}

INSTANTIATE_TEST_SUITE_P(Errors, DiskFailureTest,
                         testing::Values(SimDisk::Fault{0, 1, -EIO, false}, SimDisk::Fault{0, 3, -ENOSPC, false},
                                         SimDisk::Fault{0, UINT64_MAX, -EROFS, false}),
                         [](const auto& info) {
                           return std::string(info.param.error == -EIO      ? "EIO"
                                              : info.param.error == -ENOSPC ? "ENOSPC"
                                                                            : "EROFS");
                         });

// A disk that fails says so at the first commit, and dtud goes on.
TEST(DiskFailure, IsSaidAndOverWhenTheDiskWorksAgain) {
  OfflineRig rig;
  rig.tick_ns = 2 * kMs;
  rig.retry_ns = 5 * kMs;
  auto disk = std::make_shared<SimDisk>();
  disk->set_fault({0, 20, -EROFS, false});
  rig.begin(kLimits, Storage::on, {}, std::make_unique<Lent>(disk));
  rig.push(1, 100);
  EXPECT_TRUE(rig.eventually([&] { return rig.backlog().trouble().code == EROFS; }));
  EXPECT_TRUE(rig.has_logged("its messages stay in memory, the disk is tried again"));
  EXPECT_TRUE(rig.eventually([&] { return rig.backlog().disk().messages == 100; }));
  EXPECT_TRUE(rig.has_logged("stores its messages on disk again"));
}

TEST(DiskFailure, UnderDropOldestMemoryStaysBoundedAndTheCountsAreExact) {
  OfflineRig rig;
  rig.tick_ns = 2 * kMs;
  auto disk = std::make_shared<SimDisk>();
  disk->set_fault({0, UINT64_MAX, -EIO, false});
  rig.begin({1000, 1U << 20U, Policy::drop_oldest}, Storage::on, {}, std::make_unique<Lent>(disk));
  rig.push(1, 10);
  EXPECT_TRUE(rig.eventually([&] { return bool(rig.backlog().trouble()); }));
  rig.push(11, 100'000);
  uint64_t left = 0;
  rig.on_lane([&] {
    left = rig.outbox->messages();
    EXPECT_LE(left, 1000U);
    EXPECT_EQ(rig.outbox->counters().dropped + left, 100'000U);
    EXPECT_LE(rig.backlog().journal_memory(), 4U * 65536U);
  });
  EXPECT_EQ(rig.deliver(left), from_to(100'001 - static_cast<uint32_t>(left), 100'000));
}

TEST(DiskFailure, ASpoolOfANewerVersionIsLeftAloneAndDtudGoesOn) {
  OfflineRig rig;
  rig.tick_ns = 2 * kMs;
  rig.begin(kLimits, Storage::on);
  rig.push(1, 100);
  ASSERT_TRUE(rig.eventually([&] { return rig.backlog().disk().messages == 100; }));
  rig.end();
  rig.forget_memory();
  std::string file;
  for (const auto& entry : std::filesystem::directory_iterator(rig.dir + "/spool/3"))
    if (entry.path().extension() == ".seg") file = entry.path();
  ASSERT_FALSE(file.empty());
  const auto size = std::filesystem::file_size(file);
  std::filesystem::permissions(file, std::filesystem::perms::group_write, std::filesystem::perm_options::add);
  rig.begin(kLimits, Storage::on);
  ASSERT_TRUE(rig.eventually([&] { return rig.backlog().trouble().code == EPERM; }));
  rig.push(101, 200);
  EXPECT_EQ(rig.deliver(100), from_to(101, 200));
  rig.end();
  EXPECT_EQ(std::filesystem::file_size(file), size);
}

// Power goes at random moments: under `always` all that could have been sent is there afterwards, in order.
TEST(PowerCut, UnderAlwaysWhatCountedAsTakenComesBack) {
  const auto seed = static_cast<unsigned>(std::chrono::steady_clock::now().time_since_epoch().count());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed), disk_random(seed);
  auto disk = std::make_shared<SimDisk>();
  OfflineRig rig;
  rig.tick_ns = 2 * kMs;
  uint32_t last = 0, safe = 0, delivered = 0;  // numbers: pushed, counted as taken, delivered
  for (int round = 0; round < 150; ++round) {
    rig.begin(kLimits, Storage::always, {}, std::make_unique<Lent>(disk));
    ASSERT_TRUE(rig.eventually([&] { return rig.backlog().done_seq() != 0; }));
    // What is left comes first, in order, nothing of it missing; some of it may have been delivered before.
    size_t left = 0;
    ASSERT_TRUE(rig.eventually([&] {
      left = rig.outbox->messages();
      return left == 0 || rig.outbox->has_waiting();
    }));
    const auto back = rig.deliver(left);
    if (!back.empty()) {
      EXPECT_LE(back.front(), delivered + 1);
      EXPECT_GE(back.back(), safe);
      EXPECT_EQ(back, from_to(back.front(), back.back()));
    } else {
      EXPECT_GE(delivered, safe);
    }
    delivered = std::max(delivered, back.empty() ? 0 : back.back());
    // The power goes at one of the next operations of the disk, in the middle of a commit or between two.
    std::unique_ptr<SimDisk> snapshot;
    std::atomic<bool> gone{false};
    rig.on_disk_lane([&] {
      disk->on_change([&, left = random() % 40]() mutable {
        if (gone || left-- != 0) return;
        gone = true;
        snapshot = disk->after_power_cut(SimDisk::Unsynced::mixed, disk_random);
      });
    });
    std::map<uint64_t, uint32_t> numbers;
    last = delivered;
    for (int burst = 0; burst < 10 && !gone; ++burst) {
      rig.on_lane([&] {
        for (uint64_t n = random() % 40; n != 0; --n) {
          numbers[rig.backlog().next_seq()] = ++last;
          rig.push_one(last, 50);
        }
      });
      const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 1000);
      do
        rig.on_lane([&] {
          // What is seen before the power is seen to be gone counted as taken before it went.
          uint32_t taken = delivered;
          for (const auto& [seq, number] : numbers)
            if (seq <= rig.backlog().sendable()) taken = std::max(taken, number);
          if (gone) return;
          safe = taken;
          std::vector<uint32_t> now;
          (void)rig.take_batch(now, random() % 16);
          for (const uint32_t n : now) delivered = std::max(delivered, n);
        });
      while (std::chrono::steady_clock::now() < until && !gone);
    }
    rig.end();
    rig.forget_memory();
    disk->on_change(nullptr);
    disk = snapshot ? std::shared_ptr<SimDisk>(std::move(snapshot))
                    : disk->after_power_cut(SimDisk::Unsynced::mixed, disk_random);
    ASSERT_FALSE(testing::Test::HasFailure()) << "round " << round;
  }
}

}  // namespace
}  // namespace dtud::routing
