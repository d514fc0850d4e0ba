#include "verdict.hpp"

#include <algorithm>
#include <array>

namespace channel_http {
namespace {

constexpr uint32_t kRequestFailed = 4001;
constexpr uint32_t kRedirected = 4009;

// These speak of the message: it is never taken, however often it is sent. All other 4xx speak of the address, of the
// rights or of the server, which may be mended while the message waits.
constexpr std::array<int, 7> kOfTheMessage = {400, 411, 413, 414, 415, 422, 431};

// The server failed at this message: at all others too, or not. A server that is busy (503) and a gateway that waited
// in vain (504) say nothing about the message, as a time-out of ours does not.
bool failed_at_it(int status) { return status >= 500 && status != 503 && status != 504; }

uint32_t code_of(int status) {
  if (status == 404) return 5000;
  return status == 500 ? 4002 : kRequestFailed;
}

}  // namespace

Verdict judge(const http::Answer& answer, const http::Url& url) {
  if (answer.trouble == http::Trouble::redirect) return {Verdict::Kind::refused, kRedirected, answer.text};
  if (answer.trouble == http::Trouble::closed) return {Verdict::Kind::closed, kRequestFailed, answer.text};
  if (answer.status == 0) return {Verdict::Kind::again, kRequestFailed, answer.text};
  if (answer.status >= 200 && answer.status < 300) return {};
  const std::string text = url.shown() + " answers HTTP " + std::to_string(answer.status);
  if (answer.status >= 300 && answer.status < 400)
    return {
        Verdict::Kind::refused, kRedirected,
        text + ", which is not a delivery: only a GET follows a redirect. Set url to where the server takes messages"};
  const bool never = std::find(kOfTheMessage.begin(), kOfTheMessage.end(), answer.status) != kOfTheMessage.end();
  if (never) return {Verdict::Kind::rejected, code_of(answer.status), text};
  return {failed_at_it(answer.status) ? Verdict::Kind::refused : Verdict::Kind::again, code_of(answer.status), text};
}

}  // namespace channel_http
