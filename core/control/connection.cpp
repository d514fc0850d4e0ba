#include "control/connection.hpp"

#include <Poco/Net/HTTPResponse.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <sstream>
#include <utility>

namespace dtud::control {
namespace {

using Poco::Net::HTTPResponse;

constexpr size_t kRead = 64U << 10U;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string head_of(int status, const std::string& type, const Reply* reply, bool keep_alive) {
  HTTPResponse head(HTTPResponse::HTTP_1_1, static_cast<HTTPResponse::HTTPStatus>(status));
  head.set("Server", "dtud");
  head.set("Cache-Control", "no-store");
  head.setContentType(type);
  head.setKeepAlive(keep_alive);
  if (reply == nullptr) {
    head.setChunkedTransferEncoding(true);
  } else {
    head.setContentLength64(static_cast<Poco::Int64>(reply->answer.body.size()));
    if (!reply->allow.empty()) head.set("Allow", reply->allow);
    if (reply->again) head.set("Retry-After", "1");
  }
  std::ostringstream out;
  head.write(out);
  return out.str();
}

}  // namespace

Connection::Came Connection::came(RequestReader::State state) {
  if (state == RequestReader::State::complete) return Came::request;
  if (state == RequestReader::State::refused) return Came::refused;
  if (reader_.take_continue()) out_.append(kContinue);
  return Came::nothing;
}

Connection::Came Connection::receive() {
  std::array<char, 8192> piece{};
  for (size_t received = 0; received < kRead;) {
    const auto n = ::recv(fd(), piece.data(), piece.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Came::nothing;
    if (n <= 0) return reader_.end() == RequestReader::State::refused ? Came::refused : Came::end;
    received += static_cast<size_t>(n);
    const Came what = came(reader_.take({piece.data(), static_cast<size_t>(n)}));
    if (what != Came::nothing) return what;
  }
  return Came::nothing;
}

Connection::Came Connection::again() { return came(reader_.take({})); }

void Connection::answer(const Reply& reply, bool keep_alive) {
  out_ += head_of(reply.answer.status, reply.type, &reply, keep_alive);
  out_ += reply.answer.body;
}

void Connection::begin_stream(bool chunks) {
  chunks_ = chunks;
  out_ += chunks ? head_of(200, "application/x-ndjson", nullptr, false)
                 : "HTTP/1.0 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n";
}

void Connection::stream(std::string_view lines) {
  if (lines.empty()) return;  // an empty chunk would be the end
  std::array<char, 24> size{};
  if (chunks_)
    out_.append(size.data(), static_cast<size_t>(std::snprintf(size.data(), size.size(), "%zX\r\n", lines.size())));
  out_.append(lines);
  if (chunks_) out_ += "\r\n";
}

void Connection::end_stream() {
  if (chunks_) out_ += "0\r\n\r\n";
}

bool Connection::send() {
  while (pending() != 0) {
    const auto n = ::send(fd(), out_.data() + sent_, pending(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    sent_ += static_cast<size_t>(n);
  }
  std::string().swap(out_);
  sent_ = 0;
  return true;
}

}  // namespace dtud::control
