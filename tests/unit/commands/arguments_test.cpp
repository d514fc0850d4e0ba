#include "commands/arguments.hpp"

#include <gtest/gtest.h>

namespace dtud::commands {
namespace {

constexpr char kSchema[] = R"({"type": "object", "properties": {"new_password": {"type": "string", "minLength": 1}},
                               "required": ["new_password"], "additionalProperties": false})";

TEST(Arguments, Right) {
  EXPECT_EQ(wrong_arguments("", "{}"), "");
  EXPECT_EQ(wrong_arguments("", R"({"anything": 1})"), "");
  EXPECT_EQ(wrong_arguments(kSchema, R"({"new_password": "x"})"), "");
}

TEST(Arguments, WrongOnesSayWhatIsWrong) {
  EXPECT_NE(wrong_arguments("", "[1]"), "");
  EXPECT_NE(wrong_arguments("", "{\"a\": "), "");
  EXPECT_NE(wrong_arguments(kSchema, "{}").find("new_password"), std::string::npos);
  EXPECT_NE(wrong_arguments(kSchema, R"({"new_password": ""})").find("/new_password"), std::string::npos);
  EXPECT_NE(wrong_arguments(kSchema, R"({"new_pasword": "x"})").find("new_pasword"), std::string::npos);
}

}  // namespace
}  // namespace dtud::commands
