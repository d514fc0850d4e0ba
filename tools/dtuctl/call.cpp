// Calling commands, reading and writing points.
#include <cstdio>
#include <cstdlib>

#include "actions.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "json.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

// A word that begins with a digit is a function code: 3, 0x03.
std::string called_by(const std::string& word) {
  if (word[0] < '0' || word[0] > '9') return "\"command\": " + quoted(word);
  const bool hex = word.size() > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
  const std::string digits = hex ? word.substr(2) : word;
  const char* allowed = hex ? "0123456789abcdefABCDEF" : "0123456789";
  if (digits.size() > 9 || digits.find_first_not_of(allowed) != std::string::npos)
    throw Failure(kUsage, "\"" + word + "\" is neither a name nor a function code (3, 0x03)");
  return "\"code\": " + std::to_string(std::strtoul(digits.c_str(), nullptr, hex ? 16 : 10));
}

void print_value(const Json& value) {
  // To a terminal nothing that could steer it; to a program the value itself.
  const bool terminal = Terminal::of_this_process().width > 0;
  const std::string text = value.is_string() ? value.text() : value.dump(2);
  print((value.is_string() && terminal ? printable(text) : text) + "\n");
}

int print_point(const Invocation& in, const std::string& body) {
  if (in.json()) {
    print(body + "\n");
  } else {
    const Json answer = Json::parse(body, "the answer", kFailed);
    print_value(answer["value"]);
    if (answer["stale"].flag())  // on standard error: what reads the value is not to trip over it
      std::fprintf(stderr, "dtuctl: %s is stale: it was measured %s ago\n", printable(answer["name"].text()).c_str(),
                   duration(answer["age_ms"].number() / 1000).c_str());
  }
  return kOk;
}

}  // namespace

int call(const Invocation& in) {
  if (in.operands[0].empty()) throw Failure(kUsage, "the command name is empty");
  std::string args = in.operands.size() > 1 ? in.operands[1] : "{}";
  if (args == "-") args = read_input("-");
  if (!Json::parse(args, "the argument", kUsage).is_object())
    throw Failure(kUsage, "the arguments of a command are a JSON object, such as '{\"adcn\": 0}'");
  const unsigned seconds = in.timeout_s();
  const auto to = in.options.find("--to");
  const std::string body = "{" + called_by(in.operands[0]) + ", \"args\": " + args +
                           (to != in.options.end() ? ", \"to\": " + quoted(to->second) : "") +
                           ", \"deadline_ms\": " + std::to_string(seconds * 1000U) + "}";
  // dtud keeps the deadline; waiting a little longer gives its answer time to come.
  const std::string answer = in.client().patient(std::chrono::seconds(seconds + 2)).need("POST", "/v1/call", body);
  const Json reply = Json::parse(answer, "the answer", kFailed);
  const std::string status = reply["status"].text();
  if (in.json()) {
    print(answer + "\n");
  } else if (status == "ok" && !reply["result"].is_null()) {
    print_value(reply["result"]);
  }
  if (status == "ok") return kOk;
  const std::string error = reply["error"].text();
  throw Failure(status == "timeout" ? kTimeout : kFailed,
                printable(in.operands[0] + ": " + status + (error.empty() ? "" : ": " + error)));
}

int read_point(const Invocation& in) {
  return print_point(in, in.client().need("GET", "/v1/points/" + as_segment(in.operands[0])));
}

int write_point(const Invocation& in) {
  const std::string path = "/v1/points/" + as_segment(in.operands[0]);
  return print_point(in, in.client().need("PUT", path, json_or_string(in.operands[1])));
}

}  // namespace dtuctl
