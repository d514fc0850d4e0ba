#include "board_commands.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <sstream>

namespace hal_sim {
namespace {

using Object = Poco::JSON::Object;

constexpr const char* kSmsArgs = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object", "additionalProperties": false, "required": ["number", "text"],
  "properties": {
    "number": {"title": "Number", "description": "To whom: 1 to 32 digits, + * and #.", "type": "string",
               "pattern": "^[+*#0-9]{1,32}$"},
    "text": {"title": "Text", "description": "Up to 1024 characters.", "type": "string", "maxLength": 1024}
  }
})";
// The other two get what a server put beside the function code: what is not theirs is left alone.
constexpr const char* kSpeechArgs = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object", "required": ["string"],
  "properties": {
    "device": {"title": "Device", "description": "Which loudspeaker.", "type": ["integer", "string"]},
    "string": {"title": "Text", "description": "Up to 1000 characters.", "type": "string", "minLength": 1,
               "maxLength": 1000}
  }
})";
constexpr const char* kTimeArgs = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object",
  "properties": {
    "ntp_server": {"title": "Time server", "description": "\"\": the network's time.", "type": "string",
                   "maxLength": 255, "default": ""}
  }
})";
constexpr size_t kMaxSmsBytes = 4096;     // 1024 characters of UTF-8
constexpr size_t kMaxSpeechBytes = 4000;  // 1000 characters of UTF-8
constexpr size_t kMaxServerBytes = 255;
constexpr size_t kMaxDigits = 32;  // of a phone number in the DTU protocol

Object::Ptr parsed(std::string_view args) {
  return Poco::JSON::Parser().parse(std::string(args)).extract<Object::Ptr>();
}

std::string text_of(const Object& args, const char* name, size_t max_bytes, const char* allowed) {
  auto text = args.optValue<std::string>(name, "");
  if (text.size() > max_bytes)
    throw dtu::Failure(DTU_E_INVALID, std::string("/") + name + " is too long: up to " + allowed);
  return text;
}

std::string to_text(const Object& object) {
  std::ostringstream json;
  object.stringify(json);
  return json.str();
}

bool is_number(const std::string& s) {
  return !s.empty() && s.size() <= kMaxDigits && s.find_first_not_of("+*#0123456789") == std::string::npos;
}

std::string sms(std::string_view args) {
  const Object::Ptr in = parsed(args);
  const auto number = in->optValue<std::string>("number", "");
  if (!is_number(number)) throw dtu::Failure(DTU_E_INVALID, "/number: 1 to 32 digits, + * and # are allowed");
  Object out(Poco::JSON_PRESERVE_KEY_ORDER);
  out.set("number", number);
  out.set("text", text_of(*in, "text", kMaxSmsBytes, "1024 characters"));
  return to_text(out);
}

std::string speech(std::string_view args) {
  const Object::Ptr in = parsed(args);
  Object out(Poco::JSON_PRESERVE_KEY_ORDER);
  if (in->has("device")) out.set("device", in->get("device"));
  out.set("string", text_of(*in, "string", kMaxSpeechBytes, "1000 characters"));
  return to_text(out);
}

std::string time_server(std::string_view args) {
  Object out;
  out.set("ntp_server", text_of(*parsed(args), "ntp_server", kMaxServerBytes, "255 characters"));
  return to_text(out);
}

}  // namespace

const std::array<BoardCommand, 3> kBoardCommands{
    {{"sms.send", "Send an SMS (simulated)", kSmsArgs, "sms.last", "Last SMS sent", sms},
     {"tts.say", "Say a text (simulated)", kSpeechArgs, "tts.last", "Last text said", speech},
     {"time.sync", "Set the clock (simulated)", kTimeArgs, "time.last", "Last setting of the clock", time_server,
      DTU_COMMAND_SHARED}}};

const BoardCommand* board_command(std::string_view name) {
  for (const BoardCommand& c : kBoardCommands)
    if (name == c.name) return &c;
  return nullptr;
}

dtu_command_info info_of(const BoardCommand& c) {
  return {sizeof(dtu_command_info),
          DTU_COMMAND_PASSWORD | c.flags,
          dtu::str(c.name),
          dtu::str(c.title),
          dtu::str(c.args_schema),
          nullptr,
          0};
}

}  // namespace hal_sim
