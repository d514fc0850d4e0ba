#include "config/plain_schema.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace dtud::config {
namespace {

constexpr size_t kMostMembers = 64;
constexpr int64_t kExact = int64_t{1} << 53U;  // validators compare as double: up to here that is exact

// Keywords that judge nothing.
bool is_remark(std::string_view keyword) {
  constexpr std::array<std::string_view, 6> kRemarks{"title",    "description", "default",
                                                     "examples", "$comment",    "secret"};
  return std::find(kRemarks.begin(), kRemarks.end(), keyword) != kRemarks.end();
}

// A bound of the schema; false when it is none that can be compared exactly.
bool bound(const Json& value, int64_t& to) {
  if (type_of(value) != JsonType::integer) return false;
  const int64_t number = as_integer(value, std::numeric_limits<int64_t>::max());
  if (number > kExact || number < -kExact) return false;
  to = number;
  return true;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Reads a text that is known to be JSON.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) { space(); }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void step() {
    if (at_ < text_.size()) ++at_;
    space();
  }
  // The next value as it stands there.
  std::string_view value() {
    const size_t begin = at_;
    int depth = 0;
    do {
      const char c = peek();
      if (c == '"') {
        text();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        if (depth == 0) break;
        --depth;
        ++at_;
      } else if (c == ',' || c == ':') {
        if (depth == 0) break;
        ++at_;
      } else {
        while (at_ < text_.size() && std::string_view(",:]}\"").find(text_[at_]) == std::string_view::npos &&
               !is_space(text_[at_]))
          ++at_;
      }
      if (depth != 0) space();
    } while (depth != 0 && at_ < text_.size());
    const std::string_view found = text_.substr(begin, at_ - begin);
    space();
    return found;
  }

 private:
  void space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  void text() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\') ++at_;
    if (at_ < text_.size()) ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
};

// What stands between the quotes, when that is the text itself.
bool unquoted(std::string_view value, std::string_view& to) {
  if (value.size() < 2 || value.front() != '"' || value.find('\\') != std::string_view::npos) return false;
  to = value.substr(1, value.size() - 2);
  return true;
}

}  // namespace

PlainSchema::PlainSchema(const Json& schema) {
  const JsonObject* root = as_object(schema);
  if (root == nullptr || as_text(root->get("type")) != "object") return;
  for (const auto& [keyword, value] : *root) {
    if (keyword == "type" || is_remark(keyword)) continue;
    if (keyword == "additionalProperties" && type_of(value) == JsonType::boolean) {
      others_ = as_flag(value);
    } else if (const JsonObject* properties = keyword == "properties" ? as_object(value) : nullptr) {
      for (const auto& [name, member] : *properties) members_.push_back(member_of(name, member));
    } else if (keyword != "required" || as_list(value) == nullptr) {
      return;
    }
  }
  if (members_.size() > kMostMembers) return;
  if (const JsonArray* required = as_list(root->get("required")))
    for (const Json& one : *required) {
      const std::string name = as_text(one);
      const auto it = std::find_if(members_.begin(), members_.end(), [&](const Member& m) { return m.name == name; });
      if (it == members_.end() || it->required) return;
      it->required = true;
      ++required_;
    }
  usable_ = true;
}

PlainSchema::Member PlainSchema::member_of(const std::string& name, const Json& schema) {
  Member member{name, Type::unsure, false, 0, 0};
  const JsonObject* object = as_object(schema);
  if (object == nullptr) return member;
  const std::string type = as_text(object->get("type"));
  const bool is_text = type == "string", is_integer = type == "integer";
  member.least = is_text ? 0 : -kExact;
  member.most = kExact;
  bool has_type = false;
  for (const auto& [keyword, value] : *object) {
    if (is_remark(keyword)) continue;
    if (keyword == "type") {
      has_type = true;
    } else if (keyword == (is_text ? "minLength" : "minimum") && (is_text || is_integer)) {
      if (!bound(value, member.least)) return member;
    } else if (keyword == (is_text ? "maxLength" : "maximum") && (is_text || is_integer)) {
      if (!bound(value, member.most)) return member;
    } else {
      return member;
    }
  }
  if (!has_type)
    member.type = Type::any;
  else if (is_text)
    member.type = Type::text;
  else if (is_integer)
    member.type = Type::integer;
  else if (type == "boolean")
    member.type = Type::boolean;
  return member;
}

bool PlainSchema::fits(const Member& member, std::string_view value) {
  switch (member.type) {
    case Type::unsure:
      return false;
    case Type::any:
      return true;
    case Type::boolean:
      return value == "true" || value == "false";
    case Type::integer: {
      int64_t number = 0;
      const char* end = value.data() + value.size();
      const auto [stop, error] = std::from_chars(value.data(), end, number);
      return error == std::errc() && stop == end && number >= member.least && number <= member.most;
    }
    case Type::text: {
      std::string_view text;
      if (!unquoted(value, text)) return false;
      const auto characters = std::count_if(text.begin(), text.end(),
                                            [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
      return characters >= member.least && characters <= member.most;
    }
  }
  return false;
}

bool PlainSchema::surely_accepts(std::string_view text) const {
  Reader in(text);
  if (!usable_ || in.peek() != '{') return false;
  uint64_t seen = 0;
  size_t required = 0;
  for (in.step(); in.peek() != '}'; in.step()) {
    std::string_view name;
    if (!unquoted(in.value(), name) || in.peek() != ':') return false;
    in.step();
    const std::string_view value = in.value();
    const auto it = std::find_if(members_.begin(), members_.end(), [&](const Member& m) { return m.name == name; });
    if (it == members_.end()) {
      if (!others_) return false;
    } else {
      const uint64_t bit = uint64_t{1} << static_cast<size_t>(it - members_.begin());
      if ((seen & bit) != 0 || !fits(*it, value)) return false;
      seen |= bit;
      if (it->required) ++required;
    }
    if (in.peek() == '}') break;
    if (in.peek() != ',') return false;
  }
  return required == required_;
}

}  // namespace dtud::config
