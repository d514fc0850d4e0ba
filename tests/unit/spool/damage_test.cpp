// Files that were harmed, cut, left over, or are not ours.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "messages.hpp"
#include "sim_disk.hpp"
#include "spool/check.hpp"
#include "spool/segment.hpp"

namespace dtud::spool {
namespace {

constexpr const char* kFolder = "/spool/3";
constexpr Sizes kSizes{5, 60};
const SpoolLimits kLimits{1U << 20U, 16'000};

class Damaged : public ::testing::Test {
 protected:
  // 24 messages in six commits, and a checkpoint: 1 and 2 are done.
  Damaged() {
    SimDisk disk;
    Spool spool(disk, kFolder, kLimits);
    EXPECT_EQ(spool.open(0).code, 0);
    for (uint64_t i = 0; i < 6; ++i) {
      EXPECT_EQ(put(spool, 1 + i * 4, 4, false, kSizes).trouble.code, 0);
      EXPECT_EQ(spool.advance(i == 2 ? 3 : 0, true).code, 0);
    }
    whole_ = disk.content(file_);
    used_ = check_of(whole_).used;
  }

  CheckReport check_of(const std::string& content, const std::string& name = segment_name(1)) const {
    SimDisk disk;
    disk.set_content("/" + name, content);
    int error = 0;
    return check(*disk.open("/" + name, false, error), name);
  }

  // Opens it, reads all, goes on with it.
  void judge(const std::string& content, const std::string& where, bool must_count) {
    SCOPED_TRACE(where);
    SimDisk disk;
    disk.set_content(file_, content);
    auto spool = std::make_unique<Spool>(disk, kFolder, kLimits);
    const Trouble trouble = spool->open(0);
    ASSERT_EQ(trouble.code, 0) << trouble.text;
    const std::vector<uint64_t> found = take(*spool, SIZE_MAX, kSizes);
    uint64_t before = 0, wanted = 0;
    for (const uint64_t seq : found) {
      EXPECT_GT(seq, before);
      before = seq;
      wanted += seq >= 3 && seq <= 24 ? 1 : 0;
    }
    const Spool::Facts facts = spool->facts();
    if (must_count) {
      EXPECT_EQ(wanted<22, facts.damaged + facts.torn> 0) << facts.damaged << " " << facts.torn;
      EXPECT_LE(facts.damaged, 24 - found.size());
    }
    const uint64_t next = facts.last_seq + 1;
    ASSERT_EQ(put(*spool, next, 2, false, kSizes).trouble.code, 0);
    EXPECT_EQ(take(*spool, SIZE_MAX, kSizes), range(next, 2));
    spool = std::make_unique<Spool>(disk, kFolder, kLimits);
    ASSERT_EQ(spool->open(0).code, 0);
    std::vector<uint64_t> all = found;
    for (const uint64_t seq : range(next, 2)) all.push_back(seq);
    EXPECT_EQ(take(*spool, SIZE_MAX, kSizes), all);
  }

  const std::string file_ = std::string(kFolder) + "/" + segment_name(1);
  std::string whole_;
  uint64_t used_ = 0;
};

TEST_F(Damaged, EveryFlippedBitCostsAtMostItsCommitAndIsCounted) {
  ASSERT_GT(used_, 700U);
  judge(whole_, "undamaged", true);
  for (uint64_t at = 0; at < used_ && !HasFailure(); ++at) {
    for (const uint32_t mask : {1U, 0x10U, 0x80U, 0xffU}) {
      std::string harmed = whole_;
      harmed[at] = static_cast<char>(static_cast<uint8_t>(harmed[at]) ^ mask);
      judge(harmed, "byte " + std::to_string(at) + " mask " + std::to_string(mask), true);
      const CheckReport report = check_of(harmed);
      EXPECT_EQ(report.kind, CheckReport::Kind::segment) << at;
      EXPECT_TRUE(report.damages > 0 || report.torn) << at << " " << report.meaning;
      EXPECT_GE(report.records, 20U) << at;
    }
  }
}

TEST_F(Damaged, CutAnywhereGivesWhatIsBeforeTheCut) {
  for (uint64_t size = 0; size <= used_ + 10 && !HasFailure(); ++size) {
    judge(whole_.substr(0, size), "cut to " + std::to_string(size), false);
    static_cast<void>(check_of(whole_.substr(0, size)));
  }
}

TEST_F(Damaged, ABlockIsGoneInTheMiddleOfALargeFile) {
  SimDisk disk;
  {
    Spool spool(disk, kFolder, kLimits);
    ASSERT_EQ(spool.open(0).code, 0);
    for (uint64_t i = 0; i < 8; ++i) ASSERT_EQ(put(spool, 1 + i * 10, 10, false, {700, 700}).trouble.code, 0);
  }
  std::string content = disk.content(file_);
  content.replace(16384, 4096, std::string(4096, '\xee'));
  disk.set_content(file_, content);
  Spool spool(disk, kFolder, kLimits);
  ASSERT_EQ(spool.open(0).code, 0);
  const std::vector<uint64_t> found = take(spool, SIZE_MAX, {700, 700});
  EXPECT_GE(found.size(), 60U);
  EXPECT_EQ(spool.facts().damaged, 80 - found.size());
  const CheckReport report = check_of(content);
  EXPECT_EQ(report.records, found.size());
  EXPECT_EQ(report.damages, 1U);
  EXPECT_EQ(report.damage[0].records, 80 - found.size());
  EXPECT_FALSE(report.torn);
}

// One of three files is destroyed: the numbers in the next one tell how many messages that were.
TEST_F(Damaged, AWholeFileIsDestroyedAndCountedExactly) {
  SimDisk disk;
  {
    Spool spool(disk, kFolder, kLimits);
    ASSERT_EQ(spool.open(0).code, 0);
    for (uint64_t i = 0; i < 18; ++i) ASSERT_EQ(put(spool, 1 + i * 10, 10, false, {1000, 1000}).trouble.code, 0);
    ASSERT_EQ(spool.facts().segments, 3U);
  }
  const std::string middle = disk.files()[1];
  disk.set_content(middle, std::string(65536, 'x'));
  Spool spool(disk, kFolder, kLimits);
  ASSERT_EQ(spool.open(0).code, 0);
  const std::vector<uint64_t> found = take(spool, SIZE_MAX, {1000, 1000});
  EXPECT_EQ(spool.facts().damaged, 180 - found.size());
  EXPECT_EQ(spool.facts().messages, found.size());
  EXPECT_LT(found.size(), 180U);
  EXPECT_GT(found.size(), 100U);
}

// It is read to its end, and what is new goes to a file of its own: a dtud of its time reads it no more, but it does
// not take what it does not know for damage.
TEST_F(Damaged, AnOlderVersionIsReadAndNotAddedTo) {
  SimDisk disk;
  std::string older = whole_;
  SegmentHeader header;
  ASSERT_TRUE(get_header(older, header));
  header.version = 1;
  put_header(header, older.data());
  disk.set_content(file_, older);
  Spool spool(disk, kFolder, kLimits);
  ASSERT_EQ(spool.open(0).code, 0);
  ASSERT_EQ(put(spool, 25, 4, false, kSizes).trouble.code, 0);
  EXPECT_EQ(disk.content(file_), older);
  EXPECT_EQ(take(spool, SIZE_MAX, kSizes), range(3, 26));
  EXPECT_EQ(check_of(older).version, 1U);
  EXPECT_TRUE(check_of(older).good());
  ASSERT_TRUE(get_header(disk.content(std::string(kFolder) + "/" + segment_name(25)), header));
  EXPECT_EQ(header.version, kFormatVersion);
}

TEST_F(Damaged, ANewerVersionIsSaidAndLeftAlone) {
  std::string newer = whole_;
  put_header({kFormatVersion + 1, 7, 1000, 0}, newer.data());
  SimDisk disk;
  disk.set_content(file_, whole_);
  disk.set_content(std::string(kFolder) + "/" + segment_name(1000), newer);
  disk.set_content(std::string(kFolder) + "/" + segment_name(2000), "junk");
  Spool spool(disk, kFolder, kLimits);
  const Trouble trouble = spool.open(0);
  EXPECT_EQ(trouble.code, EOVERFLOW);
  EXPECT_NE(trouble.text.find("newer dtud"), std::string::npos) << trouble.text;
  EXPECT_NE(trouble.text.find(segment_name(1000)), std::string::npos) << trouble.text;
  EXPECT_EQ(disk.files().size(), 3U);
  EXPECT_EQ(disk.written(), 0U);
  EXPECT_EQ(check_of(newer, segment_name(1000)).kind, CheckReport::Kind::newer);
}

TEST_F(Damaged, NamesThatAreNotOursAreLeftAlone) {
  SimDisk disk;
  disk.set_content(file_, whole_);
  for (const char* name : {"notes.txt", "0000000000000001.seg.bak", "0000000000000001.SEG", "00000000000000AB.seg",
                           "1.seg", ".hidden", "000000000000000001.seg"})
    disk.set_content(std::string(kFolder) + "/" + name, whole_);
  const size_t files = disk.files().size();
  Spool spool(disk, kFolder, kLimits);
  ASSERT_EQ(spool.open(0).code, 0);
  EXPECT_EQ(take(spool, SIZE_MAX, kSizes), range(3, 22));
  ASSERT_EQ(spool.advance(25, true).code, 0);
  EXPECT_EQ(disk.files().size(), files);  // ours became the spare
  EXPECT_EQ(disk.content(std::string(kFolder) + "/notes.txt"), whole_);
}

TEST_F(Damaged, ASpareOfACrashIsUsedAndNotRead) {
  for (const std::string& content : {whole_, std::string(), std::string(100, 'x'), whole_ + whole_ + whole_}) {
    SimDisk disk;
    disk.set_content(std::string(kFolder) + "/" + std::string(kSpare), content);
    Spool spool(disk, kFolder, kLimits);
    ASSERT_EQ(spool.open(0).code, 0);
    EXPECT_TRUE(take(spool, SIZE_MAX, kSizes).empty());
    ASSERT_EQ(put(spool, 100, 1, false, kSizes).trouble.code, 0);
    EXPECT_EQ(disk.files(), std::vector<std::string>{std::string(kFolder) + "/" + segment_name(100)});
    EXPECT_EQ(disk.content(disk.files()[0]).size(), 65536U);
    Spool again(disk, kFolder, kLimits);
    ASSERT_EQ(again.open(0).code, 0);
    EXPECT_EQ(take(again, SIZE_MAX, kSizes), range(100, 1));
  }
}

// The file has the name of a segment, but its header is that of its life before.
TEST_F(Damaged, AFileOfAnotherLifeIsNotRead) {
  SimDisk disk;
  disk.set_content(std::string(kFolder) + "/" + segment_name(500), whole_);
  Spool spool(disk, kFolder, kLimits);
  ASSERT_EQ(spool.open(0).code, 0);
  EXPECT_TRUE(take(spool, SIZE_MAX, kSizes).empty());
  ASSERT_EQ(put(spool, 500, 1, false, kSizes).trouble.code, 0);
  EXPECT_EQ(take(spool, SIZE_MAX, kSizes), range(500, 1));
}

// The commits of the life before stand at the same places with records of the same size; whatever of the new ones is
// destroyed, the old ones do not take their place.
TEST_F(Damaged, StaleContentsNeverComeBack) {
  SimDisk disk;
  Spool spool(disk, kFolder, kLimits);
  ASSERT_EQ(spool.open(0).code, 0);
  for (uint64_t i = 0; i < 20; ++i) ASSERT_EQ(put(spool, 1 + i * 10, 10).trouble.code, 0);
  ASSERT_EQ(take(spool).size(), 200U);
  ASSERT_EQ(spool.advance(201, true).code, 0);
  for (uint64_t i = 0; i < 5; ++i) ASSERT_EQ(put(spool, 1001 + i * 10, 10).trouble.code, 0);
  ASSERT_EQ(disk.files().size(), 1U);
  const std::string name = disk.files()[0], content = disk.content(name);
  ASSERT_NE(content.find("200:"), std::string::npos) << "the old records are not there: this tests nothing";
  const uint64_t used = check_of(content, segment_name(1001)).used;
  for (uint64_t at = 0; at < used + 200; at += 16) {
    SimDisk harmed;
    std::string bytes = content;
    for (uint64_t i = at; i < std::min<uint64_t>(at + 40, bytes.size()); ++i) bytes[i] = '\x55';
    harmed.set_content(name, bytes);
    Spool left(harmed, kFolder, kLimits);
    ASSERT_EQ(left.open(0).code, 0);
    for (const uint64_t seq : take(left)) ASSERT_GE(seq, 1001U) << at;
  }
}

// Bytes of another file at the same place, with checksums that are right.
TEST_F(Damaged, ACommitOfAnotherFileIsNotTaken) {
  CommitHeader commit;
  ASSERT_TRUE(get_commit(std::string_view(whole_).substr(kSegmentHeader), kSegmentHeader, commit));
  EXPECT_FALSE(get_commit(std::string_view(whole_).substr(kSegmentHeader), kSegmentHeader + 1, commit));
  ++commit.id;
  std::string alien = whole_;
  put_commit(commit, kSegmentHeader, alien.data() + kSegmentHeader);
  EXPECT_EQ(check_of(alien).records, 20U);
  judge(alien, "of another file", true);
}

// Else a torn commit could be completed by what was at its place before: by one that was torn too.
TEST_F(Damaged, NoTwoCommitsShareTheSeedOfTheirChecksums) {
  std::set<uint32_t> seeds;
  uint64_t at = kSegmentHeader;
  for (CommitHeader commit; get_commit(std::string_view(whole_).substr(at), at, commit);) {
    if (commit.count > 0) seeds.insert(commit.seed);
    at += kCommitHeader + commit.length;
  }
  EXPECT_EQ(seeds.size(), 6U);
}

TEST_F(Damaged, CheckSaysWhatIsInAFile) {
  const CheckReport report = check_of(whole_);
  EXPECT_TRUE(report.good()) << report.meaning;
  EXPECT_EQ(report.version, kFormatVersion);
  EXPECT_EQ(report.first, 1U);
  EXPECT_EQ(report.commits, 6U);
  EXPECT_EQ(report.records, 24U);
  EXPECT_EQ(report.first_seq, 1U);
  EXPECT_EQ(report.last_seq, 24U);
  EXPECT_EQ(report.first_time_ns, Batch::time_of(1));
  EXPECT_EQ(report.last_time_ns, Batch::time_of(24));
  EXPECT_EQ(report.done, 3U);
  EXPECT_EQ(report.size, 65536U);
  EXPECT_EQ(report.meaning, "undamaged");
  EXPECT_FALSE(report.torn);
}

TEST_F(Damaged, CheckSaysOfAnyFileWhatItIs) {
  EXPECT_EQ(check_of("", "notes.txt").kind, CheckReport::Kind::other);
  EXPECT_EQ(check_of("hello", "notes.txt").meaning, "not a file of a spool");
  EXPECT_EQ(check_of(std::string(100'000, '\0')).kind, CheckReport::Kind::other);
  EXPECT_EQ(check_of(whole_, "copy of it").records, 24U);
  EXPECT_EQ(check_of(whole_, std::string(kSpare)).kind, CheckReport::Kind::spare);
  EXPECT_NE(check_of(whole_, segment_name(5)).meaning.find("the first sequence number"), std::string::npos);
  EXPECT_FALSE(check_of("hello", "notes.txt").good());
}

}  // namespace
}  // namespace dtud::spool
