// Packages, good ones and those made to do harm.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "release.hpp"
#include "tar_reader.hpp"

namespace dtu_package {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A header as tar writes it, and the bytes behind it.
std::string entry(const std::string& name, char type, const std::string& bytes = "", const std::string& target = "",
                  const std::string& size = "", const char* mode = "0000644") {
  std::string head(512, '\0');
  const auto put = [&](size_t at, const std::string& text) { head.replace(at, text.size(), text); };
  put(0, name.substr(0, 100));
  put(100, mode);
  char digits[16];
  std::snprintf(digits, sizeof digits, "%011zo", bytes.size());
  put(124, size.empty() ? digits : size);
  put(136, "00000000000");
  head[156] = type;
  put(157, target.substr(0, 100));
  put(257, std::string("ustar\0"
                       "00",
                       8));
  put(148, "        ");
  unsigned sum = 0;
  for (const char c : head) sum += static_cast<unsigned char>(c);
  std::snprintf(digits, sizeof digits, "%06o", sum);
  put(148, std::string(digits) + '\0' + " ");
  return head + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
}
std::string file(const std::string& name, const std::string& bytes = "x") { return entry(name, '0', bytes); }
std::string pax(const std::string& key, const std::string& value) {
  const size_t body = key.size() + value.size() + 3;  // blank, '=', end of line
  size_t length = body + 1;
  while (std::to_string(length).size() + body != length) ++length;
  return entry("pax", 'x', std::to_string(length) + " " + key + "=" + value + "\n");
}
const std::string kEnd(1024, '\0');

struct Package : testing::Test {
  std::string root = (fs::temp_directory_path() / "package.XXXXXX").string();
  Limits limits;
  void SetUp() override { ASSERT_NE(::mkdtemp(root.data()), nullptr); }
  void TearDown() override { fs::remove_all(root); }
  [[nodiscard]] std::string to() const { return root + "/inner/app"; }
  // "" or why it was refused.
  std::string installs(const std::string& tar, const std::string& version = "1") {
    std::ofstream(root + "/package.tar", std::ios::binary) << tar;
    try {
      install(root + "/package.tar", to(), version, limits, [](int) {});
      return "";
    } catch (const Refused& r) {
      return r.what();
    }
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(to() + "/" + name).rdbuf();
    return text.str();
  }
  // Nothing was written but where packages go.
  void expect_nothing_outside() const {
    std::vector<std::string> outside;
    for (const auto& e : fs::directory_iterator(root)) outside.push_back(e.path().filename().string());
    for (const auto& e : fs::directory_iterator(root + "/inner")) outside.push_back(e.path().filename().string());
    EXPECT_THAT(outside, testing::IsSubsetOf({"package.tar", "inner", "app", "app.d"}));
  }
};

TEST_F(Package, FilesFoldersAndLinks) {
  const std::string tar = entry("./", '5') + entry("bin/", '5') + entry("bin/run", '0', "#!", "", "", "0004777") +
                          file("./etc/deep/er/conf", std::string(1000, 'c')) +
                          entry("etc/link", '2', "", "../bin/run") + kEnd;
  EXPECT_EQ(installs(tar, "1.5"), "");
  EXPECT_EQ(content("etc/deep/er/conf"), std::string(1000, 'c'));
  EXPECT_EQ(content("etc/link"), "#!");
  EXPECT_EQ(fs::read_symlink(to()), "app.d/1-1.5");
  EXPECT_EQ(installed_version(to()), "1.5");
  struct stat info {};
  ASSERT_EQ(::stat((to() + "/bin/run").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0755U) << "neither setuid nor writable by others";
  expect_nothing_outside();
}

TEST_F(Package, TheOneBeforeStaysAndOlderOnesGo) {
  for (const char* version : {"1", "2", "3"}) {
    EXPECT_EQ(installs(file("version", version) + kEnd, version), "");
    EXPECT_EQ(content("version"), version);
  }
  EXPECT_FALSE(fs::exists(to() + ".d/1-1"));
  EXPECT_TRUE(fs::exists(to() + ".d/2-2"));
  EXPECT_EQ(installs(file("version", "2 again") + kEnd, "2"), "");
  EXPECT_EQ(content("version"), "2 again");
}

TEST_F(Package, OneThatIsRefusedChangesNothing) {
  ASSERT_EQ(installs(file("version", "1") + kEnd), "");
  EXPECT_NE(installs(file("version", "2") + file("../x") + kEnd, "2"), "");
  EXPECT_EQ(content("version"), "1");
  EXPECT_EQ(installed_version(to()), "1");
  EXPECT_FALSE(fs::exists(to() + ".d/.new"));
}

TEST_F(Package, WhatAPowerCutLeftIsNoHindrance) {
  fs::create_directories(to() + ".d/.new/half");
  fs::create_symlink("nowhere", to() + ".new");
  EXPECT_EQ(installs(file("a") + kEnd), "");
  EXPECT_EQ(content("a"), "x");
}

TEST_F(Package, ItDoesNotReplaceWhatIsNotItsOwn) {
  fs::create_directories(to());
  EXPECT_THAT(installs(file("a") + kEnd), HasSubstr("is not a link"));
}

struct Bad {
  const char* what;
  std::string tar;
  const char* says;
};

TEST_F(Package, MadeToDoHarm) {
  const std::string deep = [] {
    std::string name;
    for (int i = 0; i < 40; ++i) name += "d/";
    return name + "f";
  }();
  const std::string absolute_long = entry("././@LongLink", 'L', "/etc/" + std::string(200, 'x'));
  const std::vector<Bad> bad{
      {"absolute", file("/etc/passwd"), "relative"},
      {"up", file("../evil"), "leads out"},
      {"up in the middle", file("a/../../evil"), "leads out"},
      {"up as a folder", entry("..", '5'), "leads out"},
      {"up at the end", entry("a/..", '5'), "leads out"},
      {"absolute by a long name", absolute_long + file("x"), "relative"},
      {"up by a long name", entry("././@LongLink", 'L', "a/../../evil") + file("x"), "leads out"},
      {"up by an extended header", pax("path", "../evil") + file("x"), "leads out"},
      {"a link to the root", entry("l", '2', "", "/"), "not relative"},
      {"a link out", entry("l", '2', "", ".."), "leads out"},
      {"a link out of a folder", entry("a/l", '2', "", "../../x"), "leads out"},
      {"a link by detour", entry("a/b/l", '2', "", "x/../../.."), "leads out"},
      {"a link by an extended header", pax("linkpath", "/etc") + entry("l", '2', "", "x"), "not relative"},
      {"a link to nothing", entry("l", '2', "", ""), "not relative"},
      {"through a link", entry("l", '2', "", "real") + entry("real/", '5') + file("l/x"), "is not a folder"},
      {"a file over a link", entry("l", '2', "", "target") + file("l"), "cannot make"},
      {"twice", file("a") + file("a"), "cannot make"},
      {"a file as a folder", file("a") + file("a/b"), "is not a folder"},
      {"a hard link", entry("h", '1', "", "/etc/shadow"), "hard link"},
      {"a character device", entry("d", '3'), "device"},
      {"a block device", entry("d", '4'), "device"},
      {"a pipe", entry("d", '6'), "device"},
      {"a file with holes", entry("d", 'S'), "device"},
      {"holes by an extended header", pax("GNU.sparse.major", "1") + file("x"), "sparse"},
      {"too deep", file(deep), "too deep"},
      {"no name", file(""), "relative"},
      {"only dots", file("./."), "not a file name"},
      {"a negative size", entry("x", '0', "", "", "-0000000001"), "number in a header"},
      {"a size in base 256", entry("x", '0', "", "", std::string("\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 12)),
       "number in a header"},
      {"a huge size", entry("x", '0', "", "", "77777777777"), "bytes when unpacked"},
      {"a huge size by an extended header", pax("size", "18446744073709551615") + file("x"), "bytes when unpacked"},
      {"a broken extended header", entry("x", 'x', "99999 path=x\n"), "extended header"},
      {"an extended header without an end", entry("x", 'x', "", "", "77777777777"), "header is longer"},
      {"a long name without an end", entry("x", 'L', "", "", "00000100000"), "header is longer"},
      {"nothing in it", kEnd, "empty"},
      {"nothing at all", "", "empty"},
      {"another file", std::string(5000, 'x'), "this is not a .tar"},
      {"compressed", "\x1f\x8b" + std::string(1000, '\x08'), "compressed"}};
  for (const Bad& b : bad) {
    SCOPED_TRACE(b.what);
    EXPECT_THAT(installs(b.tar + (b.tar.size() > 512 || b.tar.empty() ? "" : kEnd)), HasSubstr(b.says));
    EXPECT_FALSE(fs::exists(to()));
    expect_nothing_outside();
  }
}

TEST_F(Package, ABombIsNotUnpacked) {
  limits.bytes = 10'000;
  limits.entries = 50;
  std::string many;
  for (int i = 0; i < 51; ++i) many += entry("d" + std::to_string(i), '5');
  EXPECT_THAT(installs(many + kEnd), HasSubstr("more than 50 entries"));
  EXPECT_THAT(installs(file("a", std::string(6000, 'a')) + file("b", std::string(6000, 'b')) + kEnd),
              HasSubstr("more than 10000 bytes"));
  EXPECT_FALSE(fs::exists(to() + ".d/.new"));
}

TEST_F(Package, CutAtEveryByte) {
  const std::string tar = file("a", "bytes") + entry("l", '2', "", "a") + pax("path", "b") + file("x") + kEnd;
  for (size_t n = 0; n < tar.size() - 1024; n += 37) EXPECT_NE(installs(tar.substr(0, n)), "") << n;
  EXPECT_FALSE(fs::exists(to()));
}

TEST_F(Package, ABitTurnedInAHeaderIsSeen) {
  const std::string tar = file("a", "bytes") + kEnd;
  for (size_t at = 0; at < 345; ++at) {
    if (at == 155) continue;  // the blank behind the sum
    std::string broken = tar;
    broken[at] ^= 1;
    EXPECT_NE(installs(broken), "") << at;
  }
}

}  // namespace
}  // namespace dtu_package
