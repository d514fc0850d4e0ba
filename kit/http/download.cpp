#include <dtu/kit/http/download.hpp>

#include <Poco/Net/HTTPRequest.h>
#include <Poco/String.h>

#include <charconv>
#include <dtu/sdk/text.hpp>
#include <sstream>

#include "http/answer_head.hpp"
#include "http/redirect.hpp"

namespace http {
namespace {

using Poco::Net::HTTPRequest;

std::string head_for(const Wanted& wanted, const Url& url) {
  HTTPRequest head("GET", url.target, HTTPRequest::HTTP_1_1);
  head.set("Host", url.authority());
  head.set("User-Agent", "dtukit");
  head.set("Accept", "*/*");
  head.set("Accept-Encoding", "identity");
  head.set("Connection", "close");
  if (wanted.from != 0) {
    head.set("Range", "bytes=" + std::to_string(wanted.from) + "-");
    if (!wanted.validator.empty()) head.set("If-Range", wanted.validator);
  }
  std::ostringstream text;
  head.write(text);
  return text.str();
}

// A weak ETag does not promise the same bytes, so If-Range may not have it.
std::string validator_of(const Head& head) {
  const std::string tag = head.fields.get("ETag", "");
  const bool strong = !tag.empty() && tag.compare(0, 2, "W/") != 0;
  const std::string validator = strong ? tag : head.fields.get("Last-Modified", "");
  return validator.size() <= 256 ? validator : "";
}

std::optional<uint64_t> number_in(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "bytes 5-9/10", "bytes */10"
struct ContentRange {
  std::optional<uint64_t> first, last, total;
};
ContentRange content_range(const Head& head) {
  ContentRange range;
  const std::string value = head.fields.get("Content-Range", "");
  if (Poco::icompare(value, 0, 6, "bytes ") != 0) return range;
  const std::string_view rest = std::string_view(value).substr(6);
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return range;
  range.total = number_in(rest.substr(slash + 1));
  const std::string_view part = rest.substr(0, slash);
  const size_t dash = part.find('-');
  if (dash == std::string_view::npos) return range;
  range.first = number_in(part.substr(0, dash));
  range.last = number_in(part.substr(dash + 1));
  return range;
}

Downloaded said(Outcome outcome, std::string text) { return {outcome, std::move(text), 0}; }

// The server does not have the file, or not for us. Anything else may come from a captive portal on the way.
bool is_final(int status) { return status >= 400 && status < 500; }

bool is_busy(int status) { return status == 408 || status == 425 || status == 429 || status >= 500; }

// Why the answer cannot be taken; nothing: it can, and `begun` says what comes.
std::optional<Downloaded> judge(const Head& head, const Wanted& wanted, const Url& url, Begun& begun) {
  const std::string who = url.shown();
  if (is_busy(head.status)) {
    Downloaded busy = said(Outcome::again, who + " answered " + std::to_string(head.status));
    busy.retry_after_s = number_in(head.fields.get("Retry-After", "")).value_or(0);
    return busy;
  }
  const ContentRange range = content_range(head);
  if (head.status == 416 && wanted.from != 0) {
    if (range.total == wanted.from) return said(Outcome::complete, "");
    return said(Outcome::from_start, who + " has no byte " + std::to_string(wanted.from));
  }
  const std::string encoding = head.fields.get("Content-Encoding", "identity");
  if (Poco::icompare(encoding, "identity") != 0)
    return said(Outcome::again,
                who + " sends the file compressed (" + encoding.substr(0, 40) + "), which was not requested");
  begun.validator = validator_of(head);
  const auto length = length_of(head.fields);
  if (head.status == 200) {
    begun.total = length;
  } else if (head.status == 206 && wanted.from != 0) {
    const bool whole = range.first == wanted.from && range.last && *range.last >= wanted.from &&
                       (!range.total || *range.last == *range.total - 1) &&
                       (!length || *length == *range.last - wanted.from + 1);
    if (!whole)
      return said(Outcome::from_start,
                  who + " did not send the range from byte " + std::to_string(wanted.from) + " to the end");
    if (!wanted.validator.empty() && !begun.validator.empty() && begun.validator != wanted.validator)
      return said(Outcome::from_start, who + " has a different file now");
    begun.from = wanted.from;
    begun.total = *range.last + 1;
  } else {
    return said(is_final(head.status) ? Outcome::refused : Outcome::again,
                who + " answered " + std::to_string(head.status));
  }
  if (begun.total && *begun.total > wanted.most)
    return said(Outcome::refused, who + " has " + std::to_string(*begun.total) + " bytes, at most " +
                                      std::to_string(wanted.most) + " are allowed");
  return std::nullopt;
}

void read_body(AnswerReader& reader, const Head& head, uint64_t most, Sink& sink) {
  const auto take = [&sink](std::string_view piece) { sink.take(piece); };
  const std::string encoding = head.fields.get("Transfer-Encoding", "");
  if (!encoding.empty()) {
    if (Poco::icompare(Poco::trim(encoding), "chunked") != 0)
      throw Broken(Trouble::failed, "Transfer-Encoding: " + encoding.substr(0, 40) + " was not requested");
    return reader.chunked(take, most);
  }
  if (const auto length = length_of(head.fields)) return reader.counted(take, *length, most);
  reader.to_the_end(take, most);
}

Downloaded try_it(const Wanted& wanted, SSL_CTX* context, const Lookup& lookup, const Patience& patience, Sink& sink) {
  Url url = wanted.url;
  for (uint32_t hops = 0;; ++hops) {
    const std::vector<Address> addresses = lookup(url.host, url.port);
    Connection connection(url, addresses, url.tls ? context : nullptr, true, patience);
    connection.write(head_for(wanted, url), patience);
    AnswerReader reader(connection, patience);
    const Head head = read_head(reader, url);
    const std::string location = head.fields.get("Location", "");
    if (redirects(head.status) && !location.empty()) {
      if (hops == kMostRedirects)
        throw Broken(Trouble::redirect, url.shown() + " is the sixth redirect in a row: not followed");
      url = redirected(url, location);
      continue;
    }
    Begun begun;
    if (auto refusal = judge(head, wanted, url, begun)) return *refusal;
    sink.begin(begun);
    read_body(reader, head, wanted.most - begun.from, sink);
    return said(Outcome::complete, "");
  }
}

}  // namespace

Downloaded download(const Wanted& wanted, SSL_CTX* context, const Lookup& lookup, const Patience& patience,
                    Sink& sink) {
  try {
    return try_it(wanted, context, lookup, patience, sink);
  } catch (const Broken& e) {
    if (e.trouble() == Trouble::stopped) throw;
    return said(e.trouble() == Trouble::too_large ? Outcome::refused : Outcome::again, e.what());
  }
}

}  // namespace http
