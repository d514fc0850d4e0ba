#include "message_parts.hpp"

#include <algorithm>

#include "loose_json.hpp"
#include "object_scan.hpp"
#include "secret_words.hpp"
#include "text_codec.hpp"

namespace command_dtu {
namespace {

struct Found {
  enum class State : uint8_t { no, cut, whole } state = State::no;
  size_t end = 0;
  bool loose = false;  // not strict JSON
  std::string strict;
  JsonProblem problem;
};

// The object at `at`, in either form.
Found read_object(std::string_view text, size_t at) {
  Found found;
  found.end = at;
  if (const auto value = read_json(text, found.end)) {
    found.state = Found::State::whole;
    found.strict = value->text;
    return found;
  }
  if (auto strict = read_loose(text, found.end, &found.problem)) {
    found.state = Found::State::whole;
    found.loose = true;
    found.strict = std::move(*strict);
  } else if (found.problem.position == text.size()) {
    found.state = Found::State::cut;
  }
  return found;
}

// Where the next command begins, from `from` on; the end of the text when there is none. after_object: only behind what
// may be the end of another object. The work is bounded, whatever brackets the text has.
size_t next_command(std::string_view text, size_t from, bool more_may_come, bool after_object) {
  size_t work = 4 * text.size();
  for (size_t at = text.find('{', from); at != std::string_view::npos; at = text.find('{', at + 1)) {
    const size_t before = at == 0 ? std::string_view::npos : text.find_last_not_of(" \t", at - 1);
    const bool behind =
        before != std::string_view::npos && std::string_view("}\r\n\0", 4).find(text[before]) != std::string_view::npos;
    if (after_object && !behind) continue;
    const Found found = read_object(text, at);
    if (found.state == Found::State::whole && is_command(found.strict)) return at;
    if (found.state == Found::State::cut && more_may_come && has_secret(text.substr(at))) return at;
    const size_t cost = (found.state == Found::State::no ? found.problem.position : text.size()) - at + 1;
    if (cost >= work) break;
    work -= cost;
  }
  return text.size();
}

Part make(Part::Kind kind, std::string_view text, size_t begin, size_t end) {
  Part part;
  part.kind = kind;
  part.text = text.substr(begin, end - begin);
  part.end = end;
  return part;
}

// Everything up to `end` is no object: data, unless it names a command or a password. What stands behind a broken
// command up to the next bracket belongs to it.
Part as_text(std::string_view text, size_t end, const JsonProblem& problem) {
  const bool secret = has_secret(text.substr(0, end));
  if (secret) end = std::min(text.find('{', end), text.size());
  Part part = make(secret ? Part::Kind::broken : Part::Kind::data, text, 0, end);
  part.problem = problem;
  return part;
}

// Where the next command begins within an object with mistakes, or behind it.
std::optional<size_t> next_in_doubt(std::string_view text, const std::vector<size_t>& places, bool more_may_come) {
  for (const size_t at : places) {
    const Found found = read_object(text, at);
    if (found.state == Found::State::whole && is_command(found.strict)) return at;
    if (found.state == Found::State::cut && more_may_come && has_secret(text.substr(at))) return at;
  }
  return std::nullopt;
}

// Only what is in its data or data_b64 goes to the line.
bool is_envelope(std::string_view strict) {
  const auto data = member(strict, "data"), base64 = member(strict, "data_b64");
  if (base64 && base64->type == JsonType::string && (!data || data->type == JsonType::null))
    return from_base64(unquote(base64->text)).has_value();
  return data.has_value();
}

bool has_password(std::string_view strict) {
  bool found = false;
  each_member(strict, [&](std::string_view name, const JsonValue&) { return !(found = is_password_name(name)); });
  return found;
}

// An object anywhere within the value has cmd_code and a password: a command that something was put around.
bool wraps_command(const JsonValue& value) {
  bool found = false;
  if (value.type == JsonType::object) {
    if (member(value.text, "cmd_code") && names_password(value.text, true)) return true;
    each_member(value.text, [&](std::string_view, const JsonValue& inner) { return !(found = wraps_command(inner)); });
  } else if (value.type == JsonType::array) {
    for (size_t at = 1; !found;) {
      const auto inner = read_json(value.text, at);
      if (!inner) break;
      found = wraps_command(*inner);
      skip_white_space(value.text, at);
      ++at;  // a comma, or the end
    }
  }
  return found;
}

// A whole object. as_written: strict JSON, so that it may be data, in an envelope or not.
Part whole_object(std::string_view text, size_t begin, Found found) {
  const bool as_written = !found.loose;
  const std::string& strict = found.strict;
  const bool command = is_command(strict);
  if (!command && has_secret(strict)) {
    const bool own = has_password(strict) && !(as_written && is_envelope(strict));
    if (own && !member(strict, "code")) {
      Part part = make(Part::Kind::command, text, begin, found.end);
      part.strict = std::move(found.strict);
      return part;
    }
    if (own || wraps_command({JsonType::object, strict})) {
      Part part = make(Part::Kind::broken, text, 0, found.end);
      part.problem = {begin, "cmd_code is no member of the object"};
      return part;
    }
  }
  if (!command && found.loose) return as_text(text, found.end, {begin, "cmd_code is no member of the object"});
  Part part = make(command ? Part::Kind::command : Part::Kind::object, text, begin, found.end);
  part.strict = std::move(found.strict);
  return part;
}

}  // namespace

bool may_hold_command(std::string_view text) { return names_command(text) || has_password_word(text); }

bool holds_command(std::string_view text) {
  while (may_hold_command(text)) {
    const Part part = first_part(text, false);
    if (part.kind == Part::Kind::nothing) break;
    if (part.kind == Part::Kind::command || part.kind == Part::Kind::broken) return true;
    text.remove_prefix(part.end);
  }
  return false;
}

bool may_become_object(std::string_view text) {
  size_t at = 0;
  skip_blank(text, at);
  return at < text.size() && text[at] == '{' && read_object(text, at).state != Found::State::no;
}

std::optional<size_t> begin_of_command(std::string_view text, const std::vector<size_t>& places) {
  return next_in_doubt(text, places, true);
}

std::optional<size_t> begin_of_another(std::string_view text, const std::vector<size_t>& places) {
  if (const auto readable = begin_of_command(text, places)) return readable;
  for (size_t i = 0; i < places.size(); ++i) {
    const size_t end = i + 1 < places.size() ? places[i + 1] : text.size();
    if (has_secret(text.substr(places[i], end - places[i]))) return places[i];
  }
  return std::nullopt;
}

bool is_command(std::string_view object) {
  if (member(object, "cmd_code")) return true;
  return member(object, "code") && (member(object, "password") || member(object, "Password"));
}

Part first_part(std::string_view text, bool more_may_come) {
  size_t begin = 0;
  skip_blank(text, begin);
  if (begin == text.size()) return make(Part::Kind::nothing, text, begin, begin);
  if (text[begin] != '{') {
    const bool other_json = parse_json(text.substr(begin)).has_value();
    return as_text(text, other_json ? text.size() : next_command(text, begin, more_may_come, false),
                   {begin, "a command is one JSON object"});
  }
  Found found = read_object(text, begin);
  if (found.state == Found::State::whole) return whole_object(text, begin, std::move(found));
  if (found.state == Found::State::cut && more_may_come) return make(Part::Kind::unfinished, text, begin, text.size());
  const std::string_view rest = text.substr(begin);
  ObjectScan scan;
  std::optional<size_t> end = scan.feed(rest);
  if (const auto other = next_in_doubt(rest, scan.doubts(), more_may_come)) end = other;
  if (!end && more_may_come && has_secret(rest)) return make(Part::Kind::unfinished, text, begin, text.size());
  return as_text(text, end ? begin + *end : next_command(text, begin + 1, more_may_come, true), found.problem);
}

}  // namespace command_dtu
