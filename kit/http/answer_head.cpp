#include "http/answer_head.hpp"

#include <Poco/Exception.h>
#include <Poco/String.h>

#include <algorithm>
#include <charconv>
#include <sstream>

namespace http {
namespace {

constexpr int kInterimMost = 8;  // 100 Continue, 103 Early Hints
constexpr int kSwitching = 101;  // final: nothing of HTTP follows

// Poco's HTTPResponse is not used: its status is an enumeration that not every number fits into.
void parse(const std::string& text, Head& head, const Url& from) {
  const auto bad = [&](const std::string& why) {
    throw Broken(Trouble::failed, "the head of the answer of " + from.authority() + " is broken: " + why);
  };
  const size_t end = text.find("\r\n");
  const std::string line = text.substr(0, end);  // "HTTP/1.1 200 OK": AnswerReader saw to the first seven
  const size_t blank = std::min(line.find(' '), line.size());
  const std::string code = line.substr(std::min(blank + 1, line.size()), 4);
  const auto [stop, error] = std::from_chars(code.data(), code.data() + code.size(), head.status);
  const bool ended = stop == code.data() + code.size() || *stop == ' ';
  if (error != std::errc{} || !ended || head.status < 100 || head.status > 599)
    bad("there is no status in \"" + line.substr(0, 40) + "\"");
  try {
    std::istringstream stream(text.substr(end + 2));
    head.fields.clear();
    head.fields.read(stream);
  } catch (const Poco::Exception& e) {
    bad(e.displayText());
  }
  head.keep = line.compare(0, blank, "HTTP/1.0") != 0 &&
              Poco::toLower(head.fields.get("Connection", "")).find("close") == std::string::npos;
}

}  // namespace

Head read_head(AnswerReader& reader, const Url& from) {
  Head head;
  int interim = 0;
  do {
    if (++interim > kInterimMost) throw Broken(Trouble::failed, "too many interim answers");
    parse(reader.head(), head, from);
  } while (head.status < 200 && head.status != kSwitching);
  return head;
}

std::optional<uint64_t> length_of(const Poco::Net::MessageHeader& fields) {
  std::optional<uint64_t> length;
  for (const auto& [name, value] : fields) {
    if (Poco::icompare(name, "Content-Length") != 0) continue;
    uint64_t one = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), one);
    if (error != std::errc{} || end != value.data() + value.size() || (length && *length != one))
      throw Broken(Trouble::failed, "Content-Length: " + value.substr(0, 40) + " is no length");
    length = one;
  }
  return length;
}

}  // namespace http
