#include "commands/password_hash.hpp"

#include <gtest/gtest.h>

namespace dtud::commands {
namespace {

TEST(PasswordHash, MatchesWhatItWasMadeFromAndNothingElse) {
  const std::string hash = hash_password("640000");
  EXPECT_TRUE(is_password_hash(hash)) << hash;
  EXPECT_EQ(hash.find("640000"), std::string::npos);
  EXPECT_TRUE(password_matches(hash, "640000"));
  for (const char* wrong : {"", "640001", "64000", "6400000", "$7$"})
    EXPECT_FALSE(password_matches(hash, wrong)) << wrong;
  EXPECT_FALSE(password_matches(hash, std::string("640000\0x", 8))) << "crypt(3) would stop at the NUL";
}

TEST(PasswordHash, EveryOneHasASaltOfItsOwn) { EXPECT_NE(hash_password("a"), hash_password("a")); }

TEST(PasswordHash, LongAndForeignPasswords) {
  const std::string odd = "\xE6\xB8\xA9\xE5\xBA\xA6 " + std::string(57, 'x');
  EXPECT_TRUE(password_matches(hash_password(odd), odd));
  EXPECT_FALSE(password_matches(hash_password(odd), odd.substr(0, odd.size() - 1)));
}

TEST(PasswordHash, OnlyOurOwnCostIsTaken) {
  const std::string hash = hash_password("a");
  std::string dear = hash;
  dear[3] = 'N';  // 2^25: four gigabytes
  EXPECT_FALSE(is_password_hash(dear));
  EXPECT_TRUE(is_foreign_hash(dear));
  EXPECT_FALSE(password_matches(dear, "a"));
  for (const std::string& text : {std::string(), std::string("123456"), hash.substr(0, hash.size() - 1), hash + "x"})
    EXPECT_FALSE(is_password_hash(text)) << text;
  EXPECT_FALSE(is_foreign_hash("123456"));
  EXPECT_FALSE(is_foreign_hash(hash));
}

}  // namespace
}  // namespace dtud::commands
