#include <gtest/gtest.h>

#include <dtu/kit/tls/hmac.hpp>

namespace tls {
namespace {

// RFC 2202 and RFC 4231, test case 2.
TEST(Hmac, IsThatOfTheStandards) {
  const char* text = "what do ya want for nothing?";
  EXPECT_EQ(hex(hmac(Hash::md5, "Jefe", text)), "750c783e6ab0b503eaa86e310a5db738");
  EXPECT_EQ(hex(hmac(Hash::sha1, "Jefe", text)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(hex(hmac(Hash::sha256, "Jefe", text)), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Hmac, TakesAnEmptyKeyAndAnEmptyText) {
  EXPECT_EQ(hex(hmac(Hash::sha256, "", "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  EXPECT_EQ(hex(hmac(Hash::sha256, {}, {})), hex(hmac(Hash::sha256, "", "")));
}

TEST(Base64, IsThatOfTheStandard) {  // RFC 4648, section 10
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64(std::string("\xff\0\xfe", 3)), "/wD+");
}

}  // namespace
}  // namespace tls
