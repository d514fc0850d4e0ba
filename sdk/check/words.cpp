// What the plugin said, looked at without believing it.
#include <Poco/JSON/Parser.h>

#include "bench.hpp"

namespace dtu::check {

std::string said(dtu_str text) {
  return text.ptr == nullptr || text.len == 0 ? std::string() : std::string(text.ptr, static_cast<size_t>(text.len));
}

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const size_t more = lead < 0x80U          ? 0
                        : (lead >> 5U) == 6U  ? 1
                        : (lead >> 4U) == 14U ? 2
                        : (lead >> 3U) == 30U ? 3
                                              : 4;
    if (more == 4 || at + more >= text.size()) return false;
    for (size_t k = 1; k <= more; ++k)
      if ((static_cast<unsigned char>(text[at + k]) & 0xC0U) != 0x80U) return false;
    at += more + 1;
  }
  return true;
}

bool is_json_value(const std::string& text) {
  try {  // in brackets: Poco's parser takes only objects and arrays
    const auto parsed = Poco::JSON::Parser().parse("[" + text + "]");
    return parsed.extract<Poco::JSON::Array::Ptr>()->size() == 1;
  } catch (const std::exception&) {
    return false;
  }
}

bool is_json_object(const std::string& text) {
  try {
    return Poco::JSON::Parser().parse(text).type() == typeid(Poco::JSON::Object::Ptr);
  } catch (const std::exception&) {
    return false;
  }
}

bool is_dotted_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name.front() == '.' || name.back() == '.') return false;
  return name.find("..") == std::string_view::npos &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string_view::npos;
}

bool is_type_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

}  // namespace dtu::check
