#include "sms.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <sstream>

namespace hal_sim {
namespace {

constexpr const char* kArgs = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object", "additionalProperties": false, "required": ["number", "text"],
  "properties": {
    "number": {"title": "Number", "description": "To whom: digits, with an optional + before them.", "type": "string",
               "pattern": "^\\+?[0-9]{3,20}$"},
    "text": {"title": "Text", "description": "Up to 1000 characters.", "type": "string", "maxLength": 1000}
  }
})";
constexpr size_t kMaxTextBytes = 4000;  // 1000 characters of UTF-8
constexpr size_t kMinDigits = 3, kMaxDigits = 20;

bool is_number(const std::string& s) {
  const size_t plus = !s.empty() && s[0] == '+' ? 1 : 0;
  const size_t digits = s.size() - plus;
  return digits >= kMinDigits && digits <= kMaxDigits && s.find_first_not_of("0123456789", plus) == std::string::npos;
}

}  // namespace

dtu_command_info sms_info() {
  return {sizeof(dtu_command_info),
          DTU_COMMAND_PASSWORD,
          dtu::str(kSmsSend),
          dtu::str("Send an SMS (simulated)"),
          dtu::str(kArgs),
          nullptr,
          0};
}

std::string sms_from(std::string_view args) {
  const auto in = Poco::JSON::Parser().parse(std::string(args)).extract<Poco::JSON::Object::Ptr>();
  const auto number = in->optValue<std::string>("number", "");
  const auto text = in->optValue<std::string>("text", "");
  if (!is_number(number))
    throw dtu::Failure(DTU_E_INVALID, "/number: 3 to 20 digits are needed, with an optional + before them");
  if (text.size() > kMaxTextBytes) throw dtu::Failure(DTU_E_INVALID, "/text is too long: up to 1000 characters");
  Poco::JSON::Object out(Poco::JSON_PRESERVE_KEY_ORDER);
  out.set("number", number);
  out.set("text", text);
  std::ostringstream json;
  out.stringify(json);
  return json.str();
}

}  // namespace hal_sim
