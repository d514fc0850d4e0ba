#include "client.hpp"

#include <Poco/AutoPtr.h>
#include <Poco/Exception.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/URI.h>
#include <poll.h>

#include <algorithm>
#include <istream>
#include <memory>
#include <ostream>

#include "client_socket.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;

constexpr size_t kLongestLine = 4U << 20U;  // a message of 1 MiB in Base64 is 1.4 MiB
constexpr size_t kLongestBody = 64U << 20U;

std::string read_all(std::istream& in) {
  std::string all;
  std::string piece(8192, '\0');
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())), in.gcount() > 0) {
    all.append(piece, 0, static_cast<size_t>(in.gcount()));
    if (all.size() > kLongestBody) throw Failure(kFailed, "the answer of dtud is too long");
  }
  return all;
}

struct Question {
  std::string method, target, body;
};

// One connection with one question on it.
class Exchange {
 public:
  Exchange(const std::string& path, Client::Clock::time_point deadline, bool progress, int interrupts)
      : path_(path),
        fd_(connect_to(path, deadline)),
        socket_(Poco::makeAuto<ClientSocket>(fd_.get(), progress, interrupts)),
        session_(dtud::control::WireStream(socket_.get())) {
    socket_->set_deadline(deadline);
  }

  void run(const Question& question) {
    try {
      HTTPRequest request(question.method, question.target, HTTPRequest::HTTP_1_1);
      request.setHost("dtud");
      session_.setKeepAlive(true);  // else it would connect anew, where it cannot
      request.setKeepAlive(false);
      if (question.method != HTTPRequest::HTTP_GET) {
        request.setContentType("application/json");
        request.setContentLength64(static_cast<Poco::Int64>(question.body.size()));
      }
      session_.sendRequest(request) << question.body << std::flush;
      in_ = &session_.receiveResponse(response_);
    } catch (const Poco::Exception& e) {
      fail(e.displayText());
    }
  }
  [[nodiscard]] int status() const { return response_.getStatus(); }
  [[nodiscard]] bool busy() const {
    return status() == HTTPResponse::HTTP_SERVICE_UNAVAILABLE && response_.has("Retry-After");
  }
  std::istream& in() { return *in_; }
  Reply reply() {
    Reply reply{status(), read_all(*in_)};
    // Poco's streams keep exceptions to themselves: what has become of the connection is asked here.
    const auto length = response_.getContentLength64();
    if (socket_->timed_out() || socket_->interrupted() ||
        (length >= 0 && reply.body.size() < static_cast<size_t>(length)))
      fail("the answer is not complete");
    return reply;
  }
  ClientSocket& socket() { return *socket_; }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    if (socket_->interrupted()) throw Failure(kFailed, "interrupted");
    if (socket_->timed_out())
      throw Failure(kTimeout, "dtud did not answer in time; use --timeout SECONDS, or see dtuctl log");
    throw Failure(kUnreachable, "dtud at " + path_ + " closed the connection without an answer (" + what + ")");
  }
  std::string path_;
  dtud::Descriptor fd_;
  Poco::AutoPtr<ClientSocket> socket_;
  Poco::Net::HTTPClientSession session_;
  HTTPResponse response_;
  std::istream* in_ = nullptr;  // the session's
};

// False at the end; a line without its newline is the sign of a cut connection and is no line.
bool read_line(std::istream& in, std::string& line) {
  line.clear();
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    if (c == '\n') return true;
    line.push_back(static_cast<char>(c));
    if (line.size() > kLongestLine) throw Failure(kFailed, "dtud sent a line without an end");
  }
  return false;
}

// Asks until the server is not too busy for it, or the deadline is near.
std::unique_ptr<Exchange> begin(const std::string& path, const Question& question, Client::Clock::time_point deadline,
                                bool progress, int interrupts) {
  std::chrono::milliseconds pause{20};
  for (;;) {
    auto exchange = std::make_unique<Exchange>(path, deadline, progress, interrupts);
    exchange->run(question);
    if (!exchange->busy() || Client::Clock::now() + pause >= deadline) return exchange;
    ::poll(nullptr, 0, static_cast<int>(pause.count()));  // there is nothing to wait for but time
    pause = std::min(2 * pause, std::chrono::milliseconds(500));
  }
}

}  // namespace

Reply Client::ask(const std::string& method, const std::string& target, const std::string& body) const {
  const auto exchange = begin(path_, {method, target, body}, Clock::now() + timeout_, progress_, -1);
  return exchange->reply();
}

std::string Client::need(const std::string& method, const std::string& target, const std::string& body) const {
  Reply reply = ask(method, target, body);
  if (reply.status >= 300) refuse(reply);
  return std::move(reply.body);
}

void Client::stream(const std::string& target, Clock::time_point until, const OnLine& on_line) const {
  const Interrupts interrupts;
  const auto exchange =
      begin(path_, {HTTPRequest::HTTP_GET, target, {}}, Clock::now() + timeout_, progress_, interrupts.fd());
  if (exchange->status() >= 300) refuse(exchange->reply());
  exchange->socket().quiet();
  exchange->socket().set_deadline(until);
  std::string line;
  while (read_line(exchange->in(), line))
    if (!on_line(line)) return;
  if (!exchange->socket().interrupted() && !exchange->socket().timed_out())
    throw Failure(kUnreachable, "dtud closed the connection: it is stopping, or has stopped");
}

void refuse(const Reply& reply) {
  std::string text = printable(reply.body.substr(0, 500));
  try {
    const std::string error = Json::parse(reply.body, "the answer", kFailed)["error"].text();
    if (!error.empty()) text = printable(error);
  } catch (const Failure&) {  // not from dtud itself: shown as it is
  }
  if (text.empty()) text = "dtud refused with status " + std::to_string(reply.status);
  if (reply.status == HTTPResponse::HTTP_FORBIDDEN) throw Failure(kUnreachable, text);
  throw Failure(reply.status == HTTPResponse::HTTP_SERVICE_UNAVAILABLE ? kTimeout : kFailed, text);
}

std::string as_segment(const std::string& name) {
  std::string out;
  Poco::URI::encode(name, "/?#&=+;:@%", out);
  return out;
}

}  // namespace dtuctl
