#include "http/exchange.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/String.h>

#include <charconv>
#include <optional>
#include <sstream>

#include "http/answer_reader.hpp"

namespace http {
namespace {

using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;

constexpr int kInterimMost = 8;  // 100 Continue, 103 Early Hints

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

void parse(const std::string& text, HTTPResponse& head, const Connection& connection) {
  const auto bad = [&](const std::string& why) {
    throw Broken(Trouble::failed, "the head of the answer of " + connection.url().authority() + " is broken: " + why);
  };
  try {
    std::istringstream stream(text);
    head.clear();
    head.read(stream);
  } catch (const Poco::Exception& e) {
    bad(e.displayText());
  }
  if (head.getStatus() < 100 || head.getStatus() > 599) bad("there is no status " + std::to_string(head.getStatus()));
}

std::optional<uint64_t> length_of(const HTTPResponse& head) {
  std::optional<uint64_t> length;
  for (const auto& [name, value] : head) {
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
bool read_body(AnswerReader& reader, const HTTPResponse& head, const Request& request, std::string& out) {
  const int status = head.getStatus();
  if (request.method == "HEAD" || status == 204 || status == 304) return true;
  const std::string encoding = head.get("Transfer-Encoding", "");
  if (!encoding.empty()) {
    if (Poco::icompare(Poco::trim(encoding), "chunked") != 0)
      throw Broken(Trouble::failed, "Transfer-Encoding: " + encoding.substr(0, 40) + " was not asked for");
    reader.chunked(out, request.answer_max);
    return !head.has("Content-Length");  // both: somebody in between may disagree about where the answer ends
  }
  if (const auto length = length_of(head)) {
    reader.counted(out, *length, request.answer_max);
    return true;
  }
  reader.to_the_end(out, request.answer_max);
  return false;
}

void read_answer(AnswerReader& reader, Connection& connection, const Request& request, Exchanged& out) {
  HTTPResponse head;
  int interim = 0;
  do {
    if (++interim > kInterimMost) throw Broken(Trouble::failed, "too many interim answers");
    parse(reader.head(), head, connection);
  } while (head.getStatus() < 200 && head.getStatus() != HTTPResponse::HTTP_SWITCHING_PROTOCOLS);
  out.answer.status = head.getStatus();
  out.answer.retry_after = head.get("Retry-After", "");
  out.location = head.get("Location", "");
  try {
    const bool framed = read_body(reader, head, request, out.answer.body);
    out.keep = framed && head.getKeepAlive() && !reader.left_over() && head.getStatus() >= 200;
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
