// A file of a spool: first byte says whether the checksums of its headers are put right (else little gets past them)
// and where a second file of the same contents begins; the rest are the contents. Whatever they are: the check ends,
// the spool opens or says why not, gives messages in order, takes new ones, and has those when it is opened again.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "sim_disk.hpp"
#include "spool/check.hpp"
#include "spool/segment.hpp"
#include "spool/spool.hpp"

namespace {

using namespace dtud::spool;

constexpr const char* kFolder = "/spool/3";
constexpr uint64_t kFirst = 1;
constexpr SpoolLimits kLimits{1U << 20U, 100'000};

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "fuzz-spool: %s\n", what);
  std::abort();
}

template <typename T>
T field(const std::string& bytes, size_t at) {
  T out{};
  std::memcpy(&out, bytes.data() + at, sizeof out);
  return out;
}

// As put_header() and put_commit() lay them out; the fields stay what they are.
void put_right(std::string& bytes) {
  if (bytes.size() < kSegmentHeader) return;
  const SegmentHeader header{field<uint32_t>(bytes, 8), field<uint64_t>(bytes, 12), field<uint64_t>(bytes, 20),
                             field<uint64_t>(bytes, 28)};
  put_header(header, bytes.data());
  for (uint64_t at = kSegmentHeader; at + kCommitHeader <= bytes.size();) {
    CommitHeader commit;
    commit.id = header.id;
    uint64_t from = at + 16;
    for (uint32_t* n : {&commit.seed, &commit.length, &commit.count, &commit.span, &commit.payload}) {
      *n = field<uint32_t>(bytes, from);
      from += sizeof *n;
    }
    for (uint64_t* n : {&commit.first, &commit.last, &commit.before, &commit.done}) {
      *n = field<uint64_t>(bytes, from);
      from += sizeof *n;
    }
    commit.time_us = field<int64_t>(bytes, from);
    put_commit(commit, at, bytes.data() + at);
    at += kCommitHeader + commit.length;
  }
}

std::vector<uint64_t> read_all(Spool& spool) {
  std::vector<uint64_t> out;
  uint64_t bytes = 0;
  const Trouble trouble = spool.read(0, [&](const Record& record) {
    if (!out.empty() && record.seq <= out.back()) broken("out of order");
    for (const char c : record.payload) bytes += static_cast<uint8_t>(c);
    for (const char c : record.route) bytes += static_cast<uint8_t>(c);
    out.push_back(record.seq);
    return true;
  });
  if (trouble) broken("a disk without faults cannot be read");
  static_cast<void>(bytes);
  return out;
}

void run(const std::string& contents, uint64_t second) {
  SimDisk disk;
  const std::string file = std::string(kFolder) + "/" + segment_name(kFirst);
  disk.set_content(file, contents);
  if (second > kFirst) disk.set_content(std::string(kFolder) + "/" + segment_name(second), contents);
  int error = 0;
  const CheckReport report = check(*disk.open(file, false, error), segment_name(kFirst));
  if (report.meaning.empty() || report.trouble) broken("the check says nothing");
  Spool spool(disk, kFolder, kLimits);
  if (const Trouble trouble = spool.open(0)) {
    if (trouble.code != EOVERFLOW || disk.content(file) != contents) broken("it does not open");
    return;
  }
  const std::vector<uint64_t> found = read_all(spool);
  if (!found.empty() && found.back() > spool.facts().last_seq) broken("more than the last one");
  uint64_t removed = 0;
  if (second % 2 == 1 && spool.clear(removed)) broken("it cannot be cleared");
  const uint64_t next = std::max(spool.facts().last_seq + 1, spool.done());
  Record record;
  record.seq = next;
  record.payload = "new";
  const Spool::Appended appended = spool.append({record}, spool.done(), true);
  if (appended.trouble.code == EINVAL) return;  // the files say that no larger number is left
  if (appended.trouble) broken("it takes nothing new");
  Spool again(disk, kFolder, kLimits);
  if (again.open(0)) broken("it does not open again");
  const std::vector<uint64_t> all = read_all(again);
  if (all.empty() || all.back() != next) broken("what was stored is lost");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > (1U << 20U)) return 0;
  std::string contents(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1U) != 0) put_right(contents);
  run(contents, data[0] >> 1U);
  return 0;
}
