#include "answer.hpp"

#include <random>

#include "json_view.hpp"
#include "text_codec.hpp"

namespace command_dtu {

std::string with_note(std::string_view data, std::string_view note) {
  return std::string("{\"data\":").append(data).append(",\"note\":").append(note).append("}");
}

Outcome outcome_of(std::string_view json) {
  Outcome outcome;
  const auto whole = parse_json(json);
  if (whole && whole->type == JsonType::object) {
    const auto data = member(whole->text, "data"), note = member(whole->text, "note");
    size_t members = 0;
    each_member(whole->text, [&members](std::string_view, const JsonValue&) { return ++members <= 2; });
    if (members == 2 && data && note && note->type == JsonType::string) {
      outcome.data = data->text;
      outcome.note = note->text;
      return outcome;
    }
  }
  outcome.data = json;
  return outcome;
}

std::string answer_text(const Request& request, uint64_t made_msg_id, const Outcome& outcome, const AnswerStyle& style,
                        std::string_view imei) {
  const std::string_view code = request.code_text.empty() ? std::string_view("null") : request.code_text;
  const bool ok = outcome.error_code == 0;
  std::string text = "{\"msg_id\":";
  text += request.msg_id.empty() ? std::to_string(made_msg_id) : request.msg_id;
  text.append(",\"code\":").append(code);
  if (!style.compact) text.append(",\"cmd_code\":").append(code);
  text.append(",\"data\":").append(ok && !outcome.data.empty() ? outcome.data : "null");
  text += ok ? ",\"status\":1" : ",\"status\":0";
  if (!style.compact) text += ok ? ",\"success\":1" : ",\"success\":0";
  if (!ok) {  // also in the compact form: without it nobody could tell why
    text += ",\"error\":";
    append_json_text(text, outcome.error);
    if (!style.compact) text.append(",\"error_code\":").append(std::to_string(outcome.error_code));
  }
  if (ok && !outcome.note.empty()) text.append(",\"note\":").append(outcome.note);
  if (style.plate && !imei.empty()) {
    text += ",\"imei\":";
    append_json_text(text, imei);
  }
  text += '}';
  return text;
}

MessageIds::MessageIds() {
  std::random_device device;
  random_ = (static_cast<uint64_t>(device()) << 32U | device()) | 1U;
}

uint64_t MessageIds::next(int64_t time_ns) {
  random_ ^= random_ << 13U;  // xorshift: only to tell messages apart
  random_ ^= random_ >> 7U;
  random_ ^= random_ << 17U;
  const uint64_t ms = time_ns > 0 ? static_cast<uint64_t>(time_ns) / 1000000U : 0;
  const uint64_t id = ms * 1000 + random_ % 1000;
  return last_ = id > last_ ? id : last_ + 1;
}

}  // namespace command_dtu
