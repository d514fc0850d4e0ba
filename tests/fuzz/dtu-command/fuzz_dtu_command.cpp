// JSON from a cloud or behind 99: reading a request, answering it, unpacking a downlink payload. Whatever comes in,
// what goes out is JSON, what setters make of their parameters is a value or a reason, pieces of an object join, no
// password goes to the line, and a payload packed for the cloud comes back as it was.
#include <cstdio>
#include <cstdlib>

#include <dtu/sdk/text.hpp>

#include "answer.hpp"
#include "diagnosis.hpp"
#include "envelope.hpp"
#include "json_view.hpp"
#include "message_parts.hpp"
#include "parameters.hpp"
#include "pieces.hpp"
#include "request.hpp"
#include "secret_words.hpp"
#include "text_codec.hpp"

namespace {

using namespace command_dtu;

void must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "fuzz-dtu-command: %s\n", what);
  std::abort();
}

std::string_view object_in(std::string_view text) {
  const auto json = parse_json(text);
  return json && json->type == JsonType::object ? json->text : std::string_view();
}

void round_trip(std::string_view payload, bool convert) {
  std::string packed;
  append_envelope(packed, 1763636249000123, payload, convert);
  must(!object_in(packed).empty(), "an envelope is no JSON object");
  std::string scratch;
  must(downlink_payload(packed, object_in(packed), convert, scratch) == payload, "a payload did not come back");
}

// What setters do with their arguments: a value, or a reason to refuse.
void parameters(std::string_view args) {
  for (const char* name : {"plate", "reg", "uconf", "apn", "pins", "dtu_config"}) try {
      const JsonValue value = need(args, name, "{}");
      must(parse_json(value.text).has_value(), "a parameter is no JSON");
      if (const auto flag = as_flag(value)) must(*flag == 0 || *flag == 1, "a flag is neither 0 nor 1");
      if (const auto pin = as_pin(value)) must(!pin->empty() && pin->size() <= 4, "a pin of another length");
      for (const JsonValue& entry : need_list(value, name, 3, "[]"))
        must(parse_json(entry.text).has_value(), "an entry is no JSON");
    } catch (const dtu::Failure& refused) {
      must(refused.protocol_code() != 0, "refused without a code");
      must(refused.what()[0] != '\0', "refused without a reason");
    }
}

// An object is found whole where the reader finds it whole, however a stream cuts it.
void pieces(std::string_view text) {
  size_t end = 0;
  const auto object = read_json(text, end);
  if (!object || object->type != JsonType::object) return;
  const size_t begin = end - object->text.size();
  for (const size_t cut : {begin + 1, (begin + end) / 2, end - 1}) {
    ObjectScan scan;
    if (cut <= begin || cut >= end) continue;
    must(!scan.feed(text.substr(begin, cut - begin)), "a piece was taken for whole");
    must(scan.feed(text.substr(cut)) == end - cut, "an object ends elsewhere");
  }
}

// Every message comes to its end in parts that follow each other, and what a command is made of is JSON.
void parts(std::string_view text, bool stream) {
  for (;;) {
    const Part part = first_part(text, stream);
    must(part.end <= text.size(), "a part ends behind the text");
    must(part.kind != Part::Kind::command || !object_in(part.strict).empty(), "a command is no JSON object");
    must(part.kind != Part::Kind::data || !has_secret(part.text), "data names a command or a password");
    must(part.kind != Part::Kind::unfinished || stream, "a message is not finished");
    if (part.kind == Part::Kind::nothing || part.kind == Part::Kind::unfinished) return;
    must(part.end > 0, "a part without end");
    text.remove_prefix(part.end);
  }
}

// No byte of a password goes to the line, whatever stands behind it.
void passwords(std::string_view text) {
  constexpr std::string_view secret = "Tr0ub4dor";
  if (text.find(secret) != std::string_view::npos) return;
  for (const char* head : {R"({"cmd_code":4,"password":"Tr0ub4dor")", R"({"Password":"Tr0ub4dor",)",
                           R"({"code":3,"p\u0061ssword":"Tr0ub4dor)", R"({password:"Tr0ub4dor",)"}) {
    const std::string whole = head + std::string(text);
    for (std::string_view rest = whole;;) {
      const Part part = first_part(rest, false);
      if (part.kind == Part::Kind::nothing) break;
      std::string scratch;
      if (part.kind == Part::Kind::data || part.kind == Part::Kind::object)
        must(downlink_payload(part.text, object_in(part.text), false, scratch).find(secret) == std::string_view::npos,
             "a password goes to the line");
      rest.remove_prefix(part.end);
    }
  }
}

void check(const Request& request) {
  must(request.error_code != 0 || !object_in(request.args).empty(), "the arguments are no JSON object");
  must(request.error_code == 0 || !request.error.empty(), "refused without a reason");
  must(request.error_code != 0 || request.code >= 0, "no code, and not refused");
  const Outcome refused{"", request.error_code, request.error};
  for (const Outcome& outcome : {Outcome{}, refused})
    for (const bool compact : {false, true}) {
      const std::string answer = answer_text(request, 1, outcome, {compact, true}, "86\xff");
      must(!object_in(answer).empty(), "an answer is no JSON object");
    }
  if (request.error_code == 0) parameters(request.args);
  Diagnosis diagnosis;
  diagnosis.command_failed(request.code_text, request.error_code);
  diagnosis.noise(request.error_code, of_port(request.msg_id));
  must(parse_json(diagnosis.json()).has_value(), "the diagnosis is no JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  round_trip(text, false);
  round_trip(text, true);
  pieces(text);
  parts(text, false);
  parts(text, true);
  passwords(text);
  check(read_local(text));
  JsonProblem problem;
  const auto json = parse_json(text, &problem);
  if (!json) {
    must(problem.position <= size, "the problem is behind the text");
    return 0;
  }
  must(unquote(json->text).size() <= json->text.size(), "unquoting made text longer");
  if (json->type == JsonType::string) must(is_utf8(unquote(json->text)), "a string is not UTF-8");
  if (json->type == JsonType::object) check(read_request(json->text));
  std::string scratch;
  for (const bool convert : {false, true}) (void)downlink_payload(text, object_in(text), convert, scratch);
  return 0;
}
