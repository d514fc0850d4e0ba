// What is stored and cannot be read at one start is there at the next, whatever was delivered in between; what is gone
// is counted.
#include <gmock/gmock.h>

#include <fstream>

#include "offline_rig.hpp"

namespace dtud::routing {
namespace {

namespace fs = std::filesystem;
using config::Storage;
constexpr OutboxLimits kLimits{4096, 4U << 20U, Policy::block};
constexpr int64_t kMs = 1'000'000;

// A way in which a file or a folder cannot be read for a while.
struct Way {
  const char* name;
  void (*apply)(const fs::path& path);
  void (*mend)(const fs::path& path);
};
fs::path away(const fs::path& path) { return path.string() + ".away"; }
void back(const fs::path& path) {
  fs::remove_all(path);
  fs::rename(away(path), path);
}
constexpr Way kWritable{
    "others_may_write_it",
    [](const fs::path& path) { fs::permissions(path, fs::perms::group_write, fs::perm_options::add); },
    [](const fs::path& path) { fs::permissions(path, fs::perms::group_write, fs::perm_options::remove); }};
constexpr Way kFile{"it_is_another_kind_of_file",
                    [](const fs::path& path) {
                      const bool folder = fs::is_directory(path);
                      fs::rename(path, away(path));
                      if (folder)
                        std::ofstream(path) << "x";
                      else
                        fs::create_directory(path);
                    },
                    back};
constexpr Way kLink{"it_is_a_link_to_nothing",
                    [](const fs::path& path) {
                      fs::rename(path, away(path));
                      fs::create_symlink("/nonexistent/place", path);
                    },
                    back};
constexpr Way kGone{"it_is_not_mounted", [](const fs::path& path) { fs::rename(path, away(path)); }, back};

struct Case {
  const char* what;
  Way way;
};
std::string name_of(const testing::TestParamInfo<Case>& info) {
  return std::string(info.param.what) + "_" + info.param.way.name;
}
void PrintTo(const Case& c, std::ostream* out) { *out << c.what << ", " << c.way.name; }

class Unreadable : public testing::TestWithParam<Case> {
 protected:
  Unreadable() { rig.tick_ns = 2 * kMs; }
  [[nodiscard]] fs::path place() const {
    const std::string what = GetParam().what;
    if (what == "spool_dir") return rig.dir + "/spool";
    if (what == "spool") return rig.dir + "/spool/3";
    if (what == "journal") return rig.dir + "/journal/3";
    if (what == "state") return rig.dir + "/journal/3/state";
    const std::string folder = rig.dir + (what == "chunk" ? "/journal/3" : "/spool/3");
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().extension() == (what == "chunk" ? ".jnl" : ".seg")) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return what == "first_segment" ? files.front() : files.back();
  }
  void fill(Storage mode, uint32_t count) {
    rig.begin(kLimits, mode);
    rig.push(1, count, 200);
    ASSERT_TRUE(rig.eventually([&] { return rig.backlog().disk().messages == count; }));
    rig.end();
  }
  // At least so many, and until nothing is left.
  std::vector<uint32_t> rest(size_t least) {
    std::vector<uint32_t> numbers;
    EXPECT_TRUE(rig.eventually([&] {
      while (rig.take_batch(numbers, 100'000)) continue;
      return numbers.size() >= least && rig.outbox->messages() == 0;
    }));
    return numbers;
  }
  OfflineRig rig;
};

class UnreadableSpool : public Unreadable {};

// Issue 9, row 18: 1,000 stored, one start that cannot read them and delivers 20 others.
TEST_P(UnreadableSpool, CostsNoMessageAndNoneComesTwice) {
  fill(Storage::always, 1000);
  const fs::path path = place();
  GetParam().way.apply(path);
  rig.begin(kLimits, Storage::always);
  rig.push(1001, 1020);
  std::vector<uint32_t> now = rig.deliver(20);
  EXPECT_EQ(now.back(), 1020U);
  rig.on_lane([&] {
    const bool said = rig.has_logged("what is stored there waits") || rig.has_logged("that were in");
    EXPECT_TRUE(said);
  });
  rig.end();
  if (GetParam().way.name == kGone.name) fs::remove_all(path);  // what was stored meanwhile lies under the mount
  GetParam().way.mend(path);
  rig.begin(kLimits, Storage::always);
  EXPECT_EQ(rest(1000), from_to(1, 1000));
  rig.on_lane([&] { EXPECT_EQ(rig.backlog().damaged(), 0U); });
}

// The board was started in between, so that nobody knows the numbers; some of what came is not delivered.
TEST_P(UnreadableSpool, AfterAStartOfTheBoardAsWell) {
  fill(Storage::always, 300);
  rig.forget_memory();
  const fs::path path = place();
  if (GetParam().way.name == kGone.name) GTEST_SKIP() << "an empty folder is all there is to see";
  GetParam().way.apply(path);
  for (int life = 0; life < 2; ++life) {
    rig.begin(kLimits, Storage::always);
    rig.push(301 + 20 * life, 320 + 20 * life);
    EXPECT_EQ(rig.deliver(10), from_to(301 + 10 * life, 310 + 10 * life));
    rig.end();
  }
  GetParam().way.mend(path);
  rig.begin(kLimits, Storage::always);
  std::vector<uint32_t> all = from_to(1, 300);
  const auto more = from_to(321, 340);
  all.insert(all.end(), more.begin(), more.end());
  rig.push(341, 345);
  const auto last = from_to(341, 345);
  all.insert(all.end(), last.begin(), last.end());
  EXPECT_EQ(rest(all.size()), all);
}

INSTANTIATE_TEST_SUITE_P(Storage, UnreadableSpool,
                         testing::Values(Case{"spool", kWritable}, Case{"spool", kFile}, Case{"spool", kLink},
                                         Case{"spool", kGone}, Case{"spool_dir", kFile}, Case{"spool_dir", kLink},
                                         Case{"spool_dir", kGone}, Case{"first_segment", kWritable},
                                         Case{"last_segment", kWritable}, Case{"last_segment", kFile},
                                         Case{"first_segment", kLink}),
                         name_of);

class UnreadableJournal : public Unreadable {};

// What waits in memory waits on; what comes meanwhile goes to the disk and is not taken for done later.
TEST_P(UnreadableJournal, CostsNoMessage) {
  rig.carries = true;
  rig.tick_ns = 3'600'000 * kMs;  // nothing of it goes to the disk, however long it takes
  rig.begin(kLimits, Storage::on);
  rig.push(1, 500);
  EXPECT_EQ(rig.deliver(450), from_to(1, 450));
  rig.end();
  const fs::path path = place();
  GetParam().way.apply(path);
  rig.carries = false;
  rig.tick_ns = 2 * kMs;
  rig.begin(kLimits, Storage::on);
  EXPECT_TRUE(rig.eventually([&] { return rig.has_logged("its messages are in plain memory"); }));
  rig.push(501, 520);
  ASSERT_TRUE(rig.eventually([&] { return rig.backlog().disk().messages == 20; }));
  rig.end();
  GetParam().way.mend(path);
  rig.begin(kLimits, Storage::on);
  std::vector<uint32_t> all = rest(70);
  std::sort(all.begin(), all.end());
  EXPECT_THAT(from_to(451, 520), testing::IsSubsetOf(all));
  rig.push(521, 530);
  EXPECT_EQ(rest(10), from_to(521, 530));
  rig.end();
  rig.begin(kLimits, Storage::on);
  EXPECT_EQ(rest(0), from_to(1, 0));
}

INSTANTIATE_TEST_SUITE_P(Storage, UnreadableJournal,
                         testing::Values(Case{"journal", kWritable}, Case{"journal", kFile}, Case{"journal", kLink},
                                         Case{"state", kFile}, Case{"state", kLink}, Case{"chunk", kWritable},
                                         Case{"chunk", kFile}, Case{"chunk", kLink}),
                         name_of);

class Missing : public Unreadable {};

// The folder comes back while dtud runs: it is not written to, and not taken for done.
TEST_F(Missing, ASpoolThatAppearsLaterIsLeftForTheNextStart) {
  for (const bool new_board : {false, true}) {
    OfflineRig rig;
    rig.tick_ns = 2 * kMs;
    rig.begin(kLimits, Storage::always);
    rig.push(1, 300, 200);
    ASSERT_TRUE(rig.eventually([&] { return rig.backlog().disk().messages == 300; }));
    rig.end();
    if (new_board) rig.forget_memory();
    const fs::path path = rig.dir + "/spool";
    fs::rename(path, away(path));
    rig.begin(kLimits, Storage::always);
    rig.on_lane([&] { fs::rename(away(path), path); });
    rig.push(301, 320);
    EXPECT_EQ(rig.deliver(20), from_to(301, 320));
    EXPECT_TRUE(rig.has_logged("that could not be seen when dtud started"));
    rig.end();
    rig.begin(kLimits, Storage::always);
    EXPECT_EQ(rig.deliver(300), from_to(1, 300));
  }
}

std::vector<fs::path> segments_of(const OfflineRig& rig) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(rig.dir + "/spool/3"))
    if (entry.path().extension() == ".seg") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// Row 19: what is destroyed at the end, where no later commit tells of it.
TEST_F(Missing, ADamagedLastCommitIsCounted) {
  rig.begin(kLimits, Storage::always);
  rig.push(1, 400, 200);
  ASSERT_TRUE(rig.eventually([&] { return rig.backlog().disk().messages == 400; }));
  rig.push(401, 600, 200);  // in other commits
  ASSERT_TRUE(rig.eventually([&] { return rig.backlog().disk().messages == 600; }));
  rig.end();
  const auto files = segments_of(rig);
  ASSERT_FALSE(files.empty());
  std::fstream file(files.back(), std::ios::in | std::ios::out | std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const size_t commit = bytes.rfind("dtuc");
  ASSERT_NE(commit, std::string::npos);
  file.clear();
  file.seekp(static_cast<std::streamoff>(commit) + 20);
  file << "XXXXXXXX";
  file.close();
  rig.begin(kLimits, Storage::always);
  uint64_t lost = 0, left = 0;
  ASSERT_TRUE(rig.eventually([&] {
    lost = rig.backlog().damaged();
    left = rig.outbox->messages();
    return lost != 0;
  }));
  EXPECT_EQ(lost + left, 600U);
  EXPECT_TRUE(rig.has_logged("that were in"));
  EXPECT_EQ(rest(left).size(), left);
  rig.end();
  rig.begin(kLimits, Storage::always);
  rig.on_lane([&] { EXPECT_EQ(rig.backlog().damaged(), 0U); });  // counted once
}

TEST_F(Missing, ASegmentThatIsGoneIsCounted) {
  for (const char* which : {"first", "middle", "last", "all"}) {
    SCOPED_TRACE(which);
    OfflineRig rig;
    rig.tick_ns = 2 * kMs;
    rig.begin(kLimits, Storage::always, {1U << 20U, 1'000'000});
    rig.push(1, 2000, 200);
    ASSERT_TRUE(rig.eventually([&] { return rig.backlog().disk().messages == 2000; }));
    EXPECT_EQ(rig.deliver(100), from_to(1, 100));
    ASSERT_TRUE(rig.eventually([&] { return rig.backlog().disk().messages == 1900; }));
    rig.end();
    const auto files = segments_of(rig);
    ASSERT_GT(files.size(), 3U);
    const std::string name = which;
    for (size_t i = 0; i < files.size(); ++i)
      if (name == "all" || i == (name == "first" ? 0 : name == "middle" ? files.size() / 2 : files.size() - 1))
        fs::remove(files[i]);
    rig.begin(kLimits, Storage::always, {1U << 20U, 1'000'000});
    uint64_t lost = 0, left = 0;
    ASSERT_TRUE(rig.eventually([&] {
      lost = rig.backlog().damaged();
      left = rig.outbox->messages();
      return lost != 0;
    }));
    EXPECT_EQ(lost + left, 1900U);
  }
}

class StateWord : public Unreadable {
 protected:
  void set_word(size_t at, uint64_t value) const {
    std::fstream file(rig.dir + "/journal/3/state", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.write(reinterpret_cast<const char*>(&value), sizeof value);
  }
};

// Row 19: no value of any word costs a message.
TEST_F(StateWord, OfAnyValueCostsNothing) {
  for (size_t at = 0; at < 120; at += 8)
    for (const uint64_t value : {uint64_t{0}, uint64_t{1}, uint64_t{150}, uint64_t{301}, uint64_t{1} << 40U,
                                 uint64_t{1} << 62U, ~uint64_t{0} - 400, ~uint64_t{0}}) {
      SCOPED_TRACE("byte " + std::to_string(at) + ", value " + std::to_string(value));
      fs::remove_all(rig.dir + "/spool");
      rig.forget_memory();
      fill(Storage::always, 300);
      set_word(at, value);
      rig.begin(kLimits, Storage::always);
      rig.push(301, 310);
      const auto all = rest(310);
      EXPECT_THAT(all, testing::IsSupersetOf(from_to(1, 310)));
      rig.end();
      if (HasFailure()) return;
    }
}

TEST_F(StateWord, DoneBeyondNextIsSaid) {
  fill(Storage::always, 300);
  set_word(8, 5000);
  set_word(64, ~uint64_t{5000});
  rig.begin(kLimits, Storage::always);
  EXPECT_EQ(rest(300), from_to(1, 300));
  EXPECT_TRUE(rig.has_logged("state is damaged"));
}

// As some flash, or a memory that is short, leaves a file. Nobody said so, and all came again without a word.
TEST_F(StateWord, OfZerosIsSaid) {
  fill(Storage::always, 300);
  const fs::path state = rig.dir + "/journal/3/state";
  const auto bytes = fs::file_size(state);
  fs::resize_file(state, 0);
  fs::resize_file(state, bytes);
  rig.begin(kLimits, Storage::always);
  EXPECT_THAT(rest(300), testing::IsSupersetOf(from_to(1, 300)));
  EXPECT_TRUE(rig.has_logged("state is damaged"));
  rig.on_lane([&] { EXPECT_EQ(rig.backlog().notes().size(), 1U); });
}

// As a dtud of before wrote it: 64 bytes.
TEST_F(StateWord, OfAnOlderDtudIsRead) {
  fill(Storage::always, 300);
  fs::resize_file(rig.dir + "/journal/3/state", 64);
  rig.begin(kLimits, Storage::always);
  EXPECT_EQ(rig.deliver(200), from_to(1, 200));
  rig.end();
  fs::resize_file(rig.dir + "/journal/3/state", 64);
  rig.begin(kLimits, Storage::always);
  EXPECT_EQ(rest(100), from_to(201, 300));
}

}  // namespace
}  // namespace dtud::routing
