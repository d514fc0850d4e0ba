// The schema of an object with simple members, as nearly all commands have: judged on the text itself, without making
// values of it. It only ever says yes; everything else is for Validator.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/json_value.hpp"

namespace dtud::config {

class PlainSchema {
 public:
  explicit PlainSchema(const Json& schema);

  // `text` is one JSON value (check_syntax). True: it satisfies the schema. False: this cannot tell.
  [[nodiscard]] bool surely_accepts(std::string_view text) const;

 private:
  enum class Type { unsure, any, text, integer, boolean };
  struct Member {
    std::string name;
    Type type = Type::unsure;
    bool required = false;
    int64_t least = 0, most = 0;  // the value of an integer; the characters of a text
  };
  [[nodiscard]] static Member member_of(const std::string& name, const Json& schema);
  [[nodiscard]] static bool fits(const Member& member, std::string_view value);

  bool usable_ = false;  // false: it says more than this understands
  bool others_ = true;   // members without a schema are allowed
  size_t required_ = 0;  // how many of members_ are
  std::vector<Member> members_;
};

}  // namespace dtud::config
