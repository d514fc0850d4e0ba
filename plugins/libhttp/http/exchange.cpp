#include "http/exchange.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/MessageHeader.h>
#include <Poco/String.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "http/answer_reader.hpp"

namespace http {
namespace {

using Poco::Net::HTTPRequest;
using Poco::Net::MessageHeader;

constexpr int kInterimMost = 8;  // 100 Continue, 103 Early Hints
constexpr int kSwitching = 101;  // final: nothing of HTTP follows

bool may_have_body(const std::string& method) { return method == "POST" || method == "PUT"; }

std::string head_of(const Request& request, bool with_headers) {
  HTTPRequest head(request.method, request.url.target, HTTPRequest::HTTP_1_1);
  head.set("Host", request.url.authority());
  head.set("User-Agent", "dtukit");
  head.set("Accept", "*/*");
  if (with_headers)
    for (const auto& [name, value] : request.headers) head.set(name, value);
  if (!request.body.empty() || may_have_body(request.method)) {
    head.setContentLength64(static_cast<Poco::Int64>(request.body.size()));
    if (!request.content_type.empty()) head.setContentType(request.content_type);
  }
  std::ostringstream text;
  head.write(text);
  return text.str();
}

struct Head {
  int status = 0;
  bool keep = false;  // the server will take another request
  MessageHeader fields;
};

// Poco's HTTPResponse is not used: its status is an enumeration that not every number fits into.
void parse(const std::string& text, Head& head, const Connection& connection) {
  const auto bad = [&](const std::string& why) {
    throw Broken(Trouble::failed, "the head of the answer of " + connection.url().authority() + " is broken: " + why);
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

std::optional<uint64_t> length_of(const MessageHeader& fields) {
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

// True when the end of the body was not the end of the connection.
bool read_body(AnswerReader& reader, const Head& head, const Request& request, std::string& out) {
  if (request.method == "HEAD" || head.status == 204 || head.status == 304) return true;
  const std::string encoding = head.fields.get("Transfer-Encoding", "");
  if (!encoding.empty()) {
    if (Poco::icompare(Poco::trim(encoding), "chunked") != 0)
      throw Broken(Trouble::failed, "Transfer-Encoding: " + encoding.substr(0, 40) + " was not asked for");
    reader.chunked(out, request.answer_max);
    return !head.fields.has("Content-Length");  // both: somebody in between may disagree about where the answer ends
  }
  if (const auto length = length_of(head.fields)) {
    reader.counted(out, *length, request.answer_max);
    return true;
  }
  reader.to_the_end(out, request.answer_max);
  return false;
}

void read_answer(AnswerReader& reader, Connection& connection, const Request& request, Exchanged& out) {
  Head head;
  int interim = 0;
  do {
    if (++interim > kInterimMost) throw Broken(Trouble::failed, "too many interim answers");
    parse(reader.head(), head, connection);
  } while (head.status < 200 && head.status != kSwitching);
  out.answer.status = head.status;
  out.answer.retry_after = head.fields.get("Retry-After", "");
  out.location = head.fields.get("Location", "");
  try {
    const bool framed = read_body(reader, head, request, out.answer.body);
    out.keep = framed && head.keep && !reader.left_over() && head.status >= 200;
  } catch (const Broken& e) {
    out.answer.trouble = e.trouble() == Trouble::closed ? Trouble::failed : e.trouble();
    out.answer.text = e.what();
    out.answer.body.clear();
  }
}

}  // namespace

Exchanged exchange(Connection& connection, const Request& request, bool with_headers, const Patience& patience) {
  Exchanged out;
  AnswerReader reader(connection, patience);
  std::optional<Broken> unsent;
  try {
    connection.write(head_of(request, with_headers) + request.body, patience);
  } catch (const Broken& e) {
    if (e.trouble() != Trouble::closed) throw;
    unsent = e;  // a server may refuse a request before it has read all of it: its answer tells why
  }
  try {
    read_answer(reader, connection, request, out);
  } catch (const Broken&) {
    if (unsent) throw Broken(*unsent);
    throw;
  }
  if (unsent) out.keep = false;
  return out;
}

}  // namespace http
