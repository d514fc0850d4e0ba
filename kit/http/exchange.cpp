#include "http/exchange.hpp"

#include <Poco/Net/HTTPRequest.h>
#include <Poco/String.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "http/answer_head.hpp"
#include "http/answer_reader.hpp"

namespace http {
namespace {

using Poco::Net::HTTPRequest;

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

// True when the end of the body was not the end of the connection.
bool read_body(AnswerReader& reader, const Head& head, const Request& request, std::string& out) {
  if (request.method == "HEAD" || head.status == 204 || head.status == 304) return true;
  const auto sink = [&out](std::string_view piece) { out.append(piece); };
  const std::string encoding = head.fields.get("Transfer-Encoding", "");
  if (!encoding.empty()) {
    if (Poco::icompare(Poco::trim(encoding), "chunked") != 0)
      throw Broken(Trouble::failed, "Transfer-Encoding: " + encoding.substr(0, 40) + " was not requested");
    reader.chunked(sink, request.answer_max);
    return !head.fields.has("Content-Length");  // both: somebody in between may disagree about where the answer ends
  }
  if (const auto length = length_of(head.fields)) {
    reader.counted(sink, *length, request.answer_max);
    return true;
  }
  reader.to_the_end(sink, request.answer_max);
  return false;
}

void read_answer(AnswerReader& reader, const Connection& connection, const Request& request, Exchanged& out) {
  const Head head = read_head(reader, connection.url());
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
