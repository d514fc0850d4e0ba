#include "spool/journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace dtud::spool {
namespace {

namespace fs = std::filesystem;

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    std::string pattern = (fs::temp_directory_path() / "dtukit-journal-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    dir_ = pattern;
  }
  ~JournalTest() override {
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
  }
  [[nodiscard]] std::string folder() const { return dir_ + "/journal/3"; }

  std::unique_ptr<Journal> opened(int code = 0) const {
    auto journal = std::make_unique<Journal>(folder());
    EXPECT_EQ(journal->open().code, code) << journal->trouble().text;
    return journal;
  }
  static void append(Journal& journal, uint64_t from, uint64_t to, const std::string& payload = "payload ") {
    for (uint64_t seq = from; seq <= to; ++seq) {
      const std::string text = payload + std::to_string(seq);
      ASSERT_TRUE(journal.append({seq, static_cast<int64_t>(seq) * 1000, 0, 0, "0", text, {}}));
    }
  }
  static std::vector<uint64_t> numbers(const Journal& journal, uint64_t from = 0) {
    std::vector<uint64_t> all;
    Record record;
    for (; journal.read(from, record); from = record.seq + 1) all.push_back(record.seq);
    return all;
  }
  [[nodiscard]] size_t files() const {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder())) count += entry.path().extension() == ".jnl" ? 1 : 0;
    return count;
  }

  std::string dir_;
};

std::vector<uint64_t> from_to(uint64_t from, uint64_t to) {
  std::vector<uint64_t> all;
  for (; from <= to; ++from) all.push_back(from);
  return all;
}

TEST_F(JournalTest, OutlivesTheProcessButNotWhatIsDone) {
  {
    const auto journal = opened();
    append(*journal, 1, 10'000);
    for (uint64_t seq = 1; seq < 6'001; ++seq) journal->forget(seq);
    journal->set_done(6'001);
  }
  const auto journal = opened();
  EXPECT_EQ(journal->done(), 6'001U);
  EXPECT_EQ(journal->next(), 10'001U);
  EXPECT_EQ(numbers(*journal, journal->done()), from_to(6'001, 10'000));
  Record record;
  ASSERT_TRUE(journal->read(7'000, record));
  EXPECT_EQ(record.payload, "payload 7000");
  EXPECT_EQ(record.route, "0");
  EXPECT_EQ(record.time_ns, 7'000'000);
  append(*journal, 10'001, 10'010);
  EXPECT_EQ(numbers(*journal, 9'990), from_to(9'990, 10'010));
}

// A channel that was removed before it sent anything, and comes back.
TEST_F(JournalTest, OneThatWasNeverUsedIsNotDamaged) {
  { opened()->set_done(1); }
  const auto journal = opened();
  EXPECT_TRUE(journal->notes().empty());
  EXPECT_EQ(journal->done(), 1U);
}

TEST_F(JournalTest, MemoryIsOnlyWhatIsNotDone) {
  const auto journal = opened();
  for (uint64_t seq = 1; seq <= 300'000; ++seq) {
    append(*journal, seq, seq);
    if (seq > 100) journal->forget(seq - 100);
    ASSERT_LE(journal->memory(), 3U * 65536U);
  }
  for (uint64_t seq = 299'901; seq <= 300'000; ++seq) journal->forget(seq);
  EXPECT_LE(journal->memory(), 2U * 65536U);
  EXPECT_LE(files(), 2U);
}

TEST_F(JournalTest, OneMessageAfterTheOtherStaysInOnePage) {
  const auto journal = opened();
  for (uint64_t seq = 1; seq <= 10'000; ++seq) {
    append(*journal, seq, seq);
    journal->forget(seq);
  }
  EXPECT_EQ(journal->memory(), 65536U);
}

TEST_F(JournalTest, WhatIsOnDiskIsReleased) {
  const auto journal = opened();
  append(*journal, 1, 5'000);
  const auto ranges = journal->lend_after(0);
  journal->release(5'000);
  append(*journal, 5'001, 20'000);  // the ranges are being written still
  std::vector<uint64_t> seen;
  for (const auto& range : ranges) range.each([&](const Record& r) { seen.push_back(r.seq); });
  EXPECT_EQ(seen, from_to(1, 5'000));
  EXPECT_EQ(numbers(*journal), from_to(5'001, 20'000));
}

TEST_F(JournalTest, ALargeMessageHasRoom) {
  const std::string large((1U << 20U) - 1, 'L');
  {
    const auto journal = opened();
    append(*journal, 1, 3);
    append(*journal, 4, 5, large);
    append(*journal, 6, 8);
    EXPECT_EQ(numbers(*journal), from_to(1, 8));
  }
  const auto journal = opened();
  Record record;
  ASSERT_TRUE(journal->read(5, record));
  EXPECT_EQ(record.payload, large + "5");
  for (uint64_t seq = 1; seq <= 8; ++seq) journal->forget(seq);
  EXPECT_LE(journal->memory(), 2U * 65536U);
}

TEST_F(JournalTest, AnotherDtudKeepsItsHandsOff) {
  const auto mine = opened();
  append(*mine, 1, 10);
  const auto other = opened(EBUSY);
  EXPECT_THAT(other->trouble().text, testing::HasSubstr("in use by another dtud"));
  append(*other, 1, 5);  // in plain memory
  EXPECT_EQ(numbers(*other), from_to(1, 5));
  EXPECT_EQ(numbers(*mine), from_to(1, 10));
}

TEST_F(JournalTest, AFolderThatOthersMayWriteToIsNotUsed) {
  { append(*opened(), 1, 10); }
  fs::permissions(folder(), fs::perms::group_write, fs::perm_options::add);
  const auto journal = opened(EPERM);
  EXPECT_THAT(journal->trouble().text, testing::HasSubstr("others may write to it"));
  append(*journal, 11, 12);
  EXPECT_EQ(numbers(*journal), from_to(11, 12));
}

TEST_F(JournalTest, ANewFolderIsForNobodyElse) {
  const auto journal = opened();
  append(*journal, 1, 1);
  for (const auto& entry : fs::directory_iterator(folder())) {
    struct stat info {};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << entry.path();
  }
  struct stat info {};
  ASSERT_EQ(::stat(folder().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

// Whatever happened to the file: what is given is whole, in order, and was written.
TEST_F(JournalTest, DamageNeverBecomesAMessage) {
  { append(*opened(), 1, 20); }
  std::string file;
  for (const auto& entry : fs::directory_iterator(folder()))
    if (entry.path().extension() == ".jnl") file = entry.path();
  std::string good(2048, '\0');
  std::ifstream(file, std::ios::binary).read(good.data(), static_cast<std::streamsize>(good.size()));
  const auto expect_sane = [&] {
    const auto journal = opened();
    uint64_t last = 0;
    Record record;
    for (uint64_t from = 0; journal->read(from, record); from = record.seq + 1) {
      EXPECT_GT(record.seq, last);
      last = record.seq;
      EXPECT_EQ(record.payload.substr(0, 8), "payload ");
    }
    append(*journal, std::max<uint64_t>(journal->next(), 100), std::max<uint64_t>(journal->next(), 100));
    journal->remove_files();
  };
  for (size_t at = 0; at < 1000; ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(static_cast<uint8_t>(bad[at]) ^ (1U << (at % 8)));
    fs::create_directories(folder());
    fs::permissions(folder(), fs::perms::owner_all);
    std::ofstream(file, std::ios::binary) << bad;
    expect_sane();
  }
  for (size_t size = 0; size < 1000; size += 7) {
    fs::create_directories(folder());
    fs::permissions(folder(), fs::perms::owner_all);
    std::ofstream(file, std::ios::binary) << good.substr(0, size);
    expect_sane();
  }
}

// A chunk whose file cannot be had is plain memory: the message is not lost for that.
// The last digit of a chunk's magic is its format.
TEST_F(JournalTest, OlderChunksAreReadAndNewerOnesAreKeptForTheDtudThatWroteThem) {
  append(*opened(), 1, 3);
  std::string chunk;
  for (const auto& entry : fs::directory_iterator(folder()))
    if (entry.path().extension() == ".jnl") chunk = entry.path().string();
  const auto format = [&](char digit) {
    std::fstream file(chunk, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(7).put(digit);
  };
  format('1');
  {
    const auto journal = opened();
    EXPECT_EQ(numbers(*journal), (std::vector<uint64_t>{1, 2, 3}));
    ASSERT_TRUE(journal->append({4, 0, 0, 0, "", "new", "meter"}));
  }
  Record record;
  {
    const auto journal = opened();
    ASSERT_TRUE(journal->read(4, record));
    EXPECT_EQ(record.device, "meter");
  }
  format('3');
  const auto journal = opened(EOVERFLOW);
  EXPECT_NE(journal->trouble().text.find(chunk + " was written by a newer dtud"), std::string::npos);
  EXPECT_TRUE(fs::exists(chunk));
}

TEST_F(JournalTest, NoRoomForFilesIsSaidAndSurvived) {
  const auto journal = opened();
  append(*journal, 1, 1);
  fs::remove_all(folder());
  append(*journal, 2, 5'000);
  EXPECT_EQ(numbers(*journal), from_to(1, 5'000));
  EXPECT_EQ(journal->trouble().code, ENOENT);
}

}  // namespace
}  // namespace dtud::spool
