// Looking at the configuration and changing it.
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <algorithm>
#include <charconv>

#include "actions.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "json.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

// "conf.json:12:9: error: /conf/1/port: ..."; the file is the one that was given, where dtud does not know its name.
std::string finding_line(const Json& finding, const std::string& file, const Terminal& t) {
  std::string where = finding["document"].text().empty() ? file : finding["document"].text();
  if (finding["line"].number() > 0) where += ":" + finding["line"].text() + ":" + finding["column"].text();
  const std::string severity = finding["severity"].text();
  const std::string path = finding["path"].text();
  return printable(where) + ": " + t.paint(colour_of_state(severity), printable(severity)) +
         (finding["known"].flag() ? " (stored already)" : "") + ": " + (path.empty() ? "" : printable(path) + ": ") +
         printable(finding["message"].text()) + "\n";
}

std::string findings_text(const Json& report, const std::string& file, const Terminal& t) {
  std::string out;
  for (const Json& f : report["findings"].items()) out += finding_line(f, file, t);
  return out;
}

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  size_t at = 0;
  for (size_t dot = path.find('.'); dot != std::string::npos; at = dot + 1, dot = path.find('.', at))
    parts.push_back(path.substr(at, dot - at));
  parts.push_back(path.substr(at));
  if (std::any_of(parts.begin(), parts.end(), [](const std::string& p) { return p.empty(); }))
    throw Failure(kUsage, "\"" + path + "\" is not the path of a value, such as uconf.1.baudrate");
  return parts;
}

size_t index_in(const Array& array, const std::string& part, const std::string& path) {
  size_t index = 0;
  const auto [end, ec] = std::from_chars(part.data(), part.data() + part.size(), index);
  if (ec != std::errc() || end != part.data() + part.size() || index >= array.size())
    throw Failure(kFailed, path + ": \"" + part + "\" is not one of the " + std::to_string(array.size()) +
                               " places of the list (the first is 0)");
  return index;
}

// A string stays one though its new value looks like a number: "password" is not 123456. But a list or an object for a
// secret is a mistake, which dtud refuses, and no text that anybody would give again.
Poco::Dynamic::Var new_value(const std::string& word, const Poco::Dynamic::Var& old) {
  if (word == "null") return {};  // removes the value; "null" in quotes is the text
  const bool quoted_word = word.size() > 1 && word.front() == '"';
  const bool container = !word.empty() && (word.front() == '[' || word.front() == '{');
  const bool secret = old.isString() && old.extract<std::string>() == "***";
  if (old.isString() && !quoted_word && !(secret && container)) return word;
  return Json::parse(json_or_string(word), "the value", kUsage).value();
}

// Objects that are missing on the way are made.
void assign(const Poco::Dynamic::Var& root, const std::string& path, const std::string& word) {
  const std::vector<std::string> parts = split(path);
  Poco::Dynamic::Var at = root;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    Poco::Dynamic::Var next;
    if (at.type() == typeid(Object::Ptr)) {
      auto object = at.extract<Object::Ptr>();
      next = object->get(parts[i]);
      if (last || next.isEmpty()) {
        next =
            last ? new_value(word, next) : Poco::Dynamic::Var(Poco::makeShared<Object>(Poco::JSON_PRESERVE_KEY_ORDER));
        object->set(parts[i], next);
      }
    } else if (at.type() == typeid(Array::Ptr)) {
      auto array = at.extract<Array::Ptr>();
      const size_t index = index_in(*array, parts[i], path);
      next = array->get(static_cast<unsigned>(index));
      if (last) array->set(static_cast<unsigned>(index), new_value(word, next));
    } else {
      throw Failure(kFailed, path + ": the value before \"" + parts[i] + "\" is neither an object nor a list");
    }
    at = next;
  }
}

bool is_assignment(const std::string& word) {
  return word.find('=') != std::string::npos && word[0] != '/' && word[0] != '.';
}

// The value after PATH=: as it stands, or from a file, without the newline at its end.
std::string value_of(const std::string& word) {
  if (word.empty() || word[0] != '@') return word;
  std::string text = read_input(word.substr(1));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

// The value a path names is taken out of its object or list.
void take_out(const Poco::Dynamic::Var& root, const std::string& path) {
  const std::vector<std::string> parts = split(path);
  Poco::Dynamic::Var at = root;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    if (at.type() == typeid(Object::Ptr)) {
      auto object = at.extract<Object::Ptr>();
      if (!object->has(parts[i])) throw Failure(kFailed, path + " is not set: there is no \"" + parts[i] + "\"");
      if (last) return object->remove(parts[i]);
      at = object->get(parts[i]);
    } else if (at.type() == typeid(Array::Ptr)) {
      auto array = at.extract<Array::Ptr>();
      const auto index = static_cast<unsigned>(index_in(*array, parts[i], path));
      if (last) return array->remove(index);
      at = array->get(index);
    } else {
      throw Failure(kFailed, path + ": the value before \"" + parts[i] + "\" is neither an object nor a list");
    }
  }
}

// The JSON merge patch (RFC 7396) that makes `now` of `before`. dtud applies it to what is stored by then.
Object::Ptr merge_patch(const Json& before, const Json& now) {
  Object::Ptr patch = Poco::makeShared<Object>(Poco::JSON_PRESERVE_KEY_ORDER);
  const auto had = before.keys();
  const auto has = now.keys();
  for (const std::string& key : had)
    if (std::find(has.begin(), has.end(), key) == has.end()) patch->set(key, Poco::Dynamic::Var());
  for (const std::string& key : has) {
    const Json to = now[key];
    const bool known = std::find(had.begin(), had.end(), key) != had.end();
    if (known && before[key].is_object() && to.is_object()) {
      const Object::Ptr inner = merge_patch(before[key], to);
      if (inner->size() != 0) patch->set(key, inner);
    } else if (!known || before[key].dump() != to.dump()) {
      patch->set(key, to.value());
    }
  }
  return patch;
}

// The present document after `edit`, as a merge patch.
template <typename Edit>
Reply patch_document(const Client& client, Edit edit) {
  const std::string body = client.need("GET", "/v1/config");
  const Json before = Json::parse(body, "the device document", kFailed);
  const Json now = Json::parse(body, "the device document", kFailed);
  edit(now.value());
  return client.ask("PATCH", "/v1/config", Json(Poco::Dynamic::Var(merge_patch(before, now))).dump());
}

constexpr const char* kDocument = "device document";

}  // namespace

int config_show(const Invocation& in) {
  const std::string body = in.client().need("GET", in.has("--board") ? "/v1/config/board" : "/v1/config");
  print((in.json() ? body : Json::parse(body, "the document", kFailed).dump(2)) + "\n");
  return kOk;
}

int config_check(const Invocation& in) {
  const std::string file = in.operands[0];
  const std::string text = read_input(file);
  const std::string body = in.client().need("POST", "/v1/config/check", text);
  const Json report = Json::parse(body, "the answer", kFailed);
  const bool ok = report["ok"].flag();
  if (in.json()) {
    print(body + "\n");
  } else {
    print(findings_text(report, file == "-" ? "standard input" : file, in.terminal));
    if (ok) print("ok: dtud accepts the document\n");
  }
  return ok ? kOk : kFailed;
}

int report_change(const Invocation& in, const Reply& reply, const std::string& file) {
  constexpr int refused = 409;
  if (reply.status >= 300 && reply.status != refused) refuse(reply);
  const Json report = Json::parse(reply.body, "the answer", kFailed);
  if (reply.status == refused && report["findings"].items().empty()) refuse(reply);
  if (in.json()) {
    print(reply.body + "\n");
  } else {
    print(findings_text(report, file, in.terminal));
    const auto changed = report["changed"].items();
    if (report["restored"].number() != 0 && reply.status != refused)
      print("back to revision " + report["restored"].text() + ", stored as revision " + report["revision"].text() +
            "\n");
    if (reply.status != refused && changed.empty() && report["restored"].number() == 0)
      print(report["stored"].flag()
                ? "stored as revision " + report["revision"].text() + "; no port and no channel had to change\n"
                : "nothing changed\n");
    for (const Json& c : changed) print("changed: " + printable(c.text()) + "\n");
    if (!report["note"].text().empty())
      print(in.terminal.paint(Colour::warning, "note: " + printable(report["note"].text())) + "\n");
  }
  if (reply.status != refused) return kOk;
  throw Failure(kFailed, "refused: the configuration is unchanged");
}

int config_set(const Invocation& in) {
  const Client client = in.client();
  const bool single = is_assignment(in.operands[0]);
  for (const std::string& operand : in.operands)
    if (is_assignment(operand) != single || (!single && in.operands.size() > 1))
      throw Failure(kUsage, "give one FILE, or one or more PATH=VALUE");
  if (!single) {
    const std::string file = in.operands[0] == "-" ? "standard input" : in.operands[0];
    return report_change(in, client.ask("PUT", "/v1/config", read_input(in.operands[0])), file);
  }
  const auto edit = [&](const Poco::Dynamic::Var& document) {
    for (const std::string& a : in.operands) {
      const size_t eq = a.find('=');
      assign(document, a.substr(0, eq), value_of(a.substr(eq + 1)));
    }
  };
  return report_change(in, patch_document(client, edit), kDocument);
}

int config_unset(const Invocation& in) {
  const auto edit = [&](const Poco::Dynamic::Var& document) {
    for (const std::string& path : in.operands) take_out(document, path);
  };
  return report_change(in, patch_document(in.client(), edit), kDocument);
}

int config_reload(const Invocation& in) {
  return report_change(in, in.client().ask("POST", "/v1/config/reload", "{}"), "device file");
}

}  // namespace dtuctl
