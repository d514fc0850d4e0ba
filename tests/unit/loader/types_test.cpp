#include "plugins/loader/types.hpp"

#include <elf.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstring>
#include <iterator>
#include <random>

#include "folder.hpp"

namespace dtud::plugins {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Verdict = DeclaredTypes::Verdict;

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The smallest ELF with the three sections that matter, of either class, for the running machine unless told.
template <typename Header, typename Section>
std::string small_elf(unsigned char elf_class, const std::string& types) {
  const std::string names = std::string("\0.shstrtab\0dtu_types\0", 21);
  Header h{};
  std::memcpy(h.e_ident, ELFMAG, SELFMAG);
  h.e_ident[EI_CLASS] = elf_class;
  h.e_ident[EI_DATA] = ELFDATA2LSB;
  h.e_type = ET_DYN;
  h.e_machine = EM_X86_64;
  h.e_shentsize = sizeof(Section);
  h.e_shnum = 3;
  h.e_shstrndx = 1;
  h.e_shoff = static_cast<decltype(h.e_shoff)>(sizeof h + names.size() + types.size());
  Section s[3] = {};
  s[1].sh_type = SHT_STRTAB;
  s[1].sh_name = 1;
  s[1].sh_offset = sizeof h;
  s[1].sh_size = static_cast<decltype(s[1].sh_size)>(names.size());
  s[2].sh_type = SHT_PROGBITS;
  s[2].sh_name = 11;
  s[2].sh_offset = static_cast<decltype(s[2].sh_offset)>(sizeof h + names.size());
  s[2].sh_size = static_cast<decltype(s[2].sh_size)>(types.size());
  return std::string(reinterpret_cast<const char*>(&h), sizeof h) + names + types +
         std::string(reinterpret_cast<const char*>(s), sizeof s);
}

TEST(Types, AreReadWithoutRunningConstructors) {
  const Folder folder;
  const fs::path marker = folder.path() / "marker";
  setenv("DTU_FIXTURE_MARKER", marker.c_str(), 1);
  const DeclaredTypes out = read_types(folder.fixture("ctor_marker"));
  unsetenv("DTU_FIXTURE_MARKER");
  EXPECT_EQ(out.verdict, Verdict::declared);
  EXPECT_THAT(out.types, ElementsAre("channel:ctor-marker"));
  EXPECT_FALSE(fs::exists(marker));
}

TEST(Types, KeysStandBesideThem) {
  const Folder folder;
  const DeclaredTypes out = read_types(folder.fixture("keys/owner_1"));
  EXPECT_EQ(out.verdict, Verdict::declared);
  EXPECT_THAT(out.types, ElementsAre("command:owner-1"));
  EXPECT_THAT(out.keys, ElementsAre("cloud"));
}

TEST(Types, SeveralAndNone) {
  const Folder folder;
  EXPECT_THAT(read_types(folder.fixture("two_components")).types, ElementsAre("channel:two", "command:two"));
  EXPECT_EQ(read_types(folder.fixture("undeclared")).verdict, Verdict::undeclared);
  EXPECT_EQ(read_types(folder.fixture("empty")).verdict, Verdict::undeclared);
}

TEST(Types, WhatIsNotASharedObjectIsRefused) {
  const Folder folder;
  EXPECT_THAT(read_types(folder.fixture("text_file")).refusal, HasSubstr("is not a shared object"));
  EXPECT_THAT(read_types(folder.file("nothing.so")).refusal, HasSubstr("is not a shared object"));
  EXPECT_THAT(read_types(folder.path() / "none.so").refusal, HasSubstr("cannot be read: No such file"));
  EXPECT_THAT(read_types(folder.path()).refusal, HasSubstr("not a regular file"));
  ASSERT_EQ(mkfifo((folder.path() / "fifo.so").c_str(), 0600), 0);
  EXPECT_THAT(read_types(folder.path() / "fifo.so").refusal, HasSubstr("not a regular file"));
}

TEST(Types, AnotherProcessorIsNamed) {
  const Folder folder;
  std::string elf = bytes_of(folder.fixture("pure_c"));
  elf[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(elf[offsetof(Elf64_Ehdr, e_machine)] ^ 1);
  EXPECT_THAT(read_types(folder.file("foreign.so", elf)).refusal, HasSubstr("another processor"));
  elf = bytes_of(folder.path() / "pure_c.so");
  elf[EI_CLASS] = static_cast<char>(elf[EI_CLASS] == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64);
  EXPECT_THAT(read_types(folder.file("class.so", elf)).refusal, HasSubstr("another processor"));
}

// Every length: nothing beyond the end is read, and what is not there is not believed.
TEST(Types, TruncatedAnywhere) {
  const Folder folder;
  const std::string whole = bytes_of(folder.fixture("pure_c"));
  const fs::path cut = folder.file("cut.so", whole);
  EXPECT_EQ(read_types(cut).verdict, Verdict::declared);
  for (uint64_t len = whole.size() - 1; len > 0; len -= std::min<uint64_t>(len, len > 100 ? 37 : 1)) {
    fs::resize_file(cut, len);
    const DeclaredTypes out = read_types(cut);
    EXPECT_EQ(out.verdict, Verdict::refused) << "at length " << len;
  }
}

// dlopen of such a file is a segmentation fault: it must not come that far.
TEST(Types, TruncatedFixtureIsRefused) {
  const Folder folder;
  EXPECT_THAT(read_types(folder.fixture("truncated")).refusal, HasSubstr("is cut short: install the plugin again"));
}

// Stripped of its section table (sstrip) a file still loads; only its types are gone.
TEST(Types, WithoutSectionsItMustBeAsked) {
  const Folder folder;
  std::string elf = bytes_of(folder.fixture("pure_c"));
  std::memset(elf.data() + offsetof(Elf64_Ehdr, e_shoff), 0, sizeof(Elf64_Off));
  std::memset(elf.data() + offsetof(Elf64_Ehdr, e_shnum), 0, 2 * sizeof(uint16_t));
  EXPECT_EQ(read_types(folder.file("stripped.so", elf)).verdict, Verdict::undeclared);
}

#ifdef __x86_64__
TEST(Types, HandMadeFileIsRead) {
  const Folder folder;
  const auto file =
      folder.file("small.so", small_elf<Elf64_Ehdr, Elf64_Shdr>(ELFCLASS64, "hal:a  channel:b\0command:c"));
  EXPECT_THAT(read_types(file).types, ElementsAre("hal:a", "channel:b"));
  const std::string two("hal:a\0channel:b\0", 16);
  EXPECT_THAT(read_types(folder.file("two.so", small_elf<Elf64_Ehdr, Elf64_Shdr>(ELFCLASS64, two))).types,
              ElementsAre("hal:a", "channel:b"));
}

TEST(Types, MalformedListsCountAsNone) {
  const Folder folder;
  for (const std::string list :
       {"mqtt", "channel:", ":mqtt", "channel:MQTT", "channel:a channel", "channel:a\x01", " "})
    EXPECT_EQ(read_types(folder.file("bad.so", small_elf<Elf64_Ehdr, Elf64_Shdr>(ELFCLASS64, list))).verdict,
              Verdict::undeclared)
        << list;
  const std::string huge(8192, ' ');
  EXPECT_EQ(read_types(folder.file("huge.so", small_elf<Elf64_Ehdr, Elf64_Shdr>(ELFCLASS64, "hal:a" + huge))).verdict,
            Verdict::undeclared);
}

// Every header field of a sound file set to what an attacker would set it to.
TEST(Types, HostileNumbers) {
  const Folder folder;
  const std::string good = small_elf<Elf64_Ehdr, Elf64_Shdr>(ELFCLASS64, "hal:a");
  const size_t table = good.size() - 3 * sizeof(Elf64_Shdr);
  const auto poke = [&](size_t at, size_t width, uint64_t value) {
    std::string bad = good;
    std::memcpy(bad.data() + at, &value, width);
    return read_types(folder.file("poked.so", bad));
  };
  for (const uint64_t value : {uint64_t{0}, uint64_t{1}, uint64_t{0x7FFFFFFF}, uint64_t{0xFFFFFFFF},
                               uint64_t{0x7FFFFFFFFFFFFFFF}, UINT64_MAX - 63, UINT64_MAX}) {
    EXPECT_NE(poke(offsetof(Elf64_Ehdr, e_shoff), 8, value).verdict, Verdict::declared);
    EXPECT_NE(poke(offsetof(Elf64_Ehdr, e_shentsize), 2, value).verdict, Verdict::declared);
    EXPECT_NE(poke(table + 2 * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_name), 4, value).verdict,
              Verdict::declared);
    EXPECT_NE(poke(table + 2 * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_offset), 8, value).verdict,
              Verdict::declared);
    EXPECT_NE(poke(table + 2 * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_size), 8, value).verdict,
              Verdict::declared);
    EXPECT_NE(poke(table + 1 * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_offset), 8, value).verdict,
              Verdict::declared);
    (void)poke(offsetof(Elf64_Ehdr, e_shnum), 2, value);
    (void)poke(offsetof(Elf64_Ehdr, e_shstrndx), 2, value);
  }
}

TEST(Types, RandomBytesNeverHarm) {
  const Folder folder;
  const std::string good = small_elf<Elf64_Ehdr, Elf64_Shdr>(ELFCLASS64, "hal:a");
  std::mt19937 random(4711);  // the same every time, so that a failure can be repeated
  for (int round = 0; round < 500; ++round) {
    std::string bad = good;
    for (int k = 0; k < 3; ++k) bad[EI_NIDENT + random() % (bad.size() - EI_NIDENT)] = static_cast<char>(random());
    const DeclaredTypes out = read_types(folder.file("random.so", bad));
    EXPECT_EQ(out.verdict == Verdict::refused, !out.refusal.empty());
  }
}

TEST(Types, ThirtyTwoBitFilesAreForeignHere) {
  const Folder folder;
  EXPECT_THAT(read_types(folder.file("small32.so", small_elf<Elf32_Ehdr, Elf32_Shdr>(ELFCLASS32, "hal:a"))).refusal,
              HasSubstr("ELF class 1"));
}
#endif

}  // namespace
}  // namespace dtud::plugins
