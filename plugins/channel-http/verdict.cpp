#include "verdict.hpp"

#include <algorithm>
#include <array>

namespace channel_http {
namespace {

constexpr uint32_t kRequestFailed = 4001;
constexpr uint32_t kRedirected = 4009;

// These speak of the message: it is never taken, however often it is sent.
constexpr std::array<int, 7> kOfTheMessage = {400, 411, 413, 414, 415, 422, 431};
// These say nothing about the message: of who asks, and when. A gateway that waited in vain (504) is like a time-out of
// ours.
constexpr std::array<int, 7> kNotOfTheMessage = {401, 407, 408, 425, 429, 503, 504};
// All others may be about the message, or about the address, the rights or the server, which may be mended while the
// message waits. What the server does with other messages shows which.

template <size_t n>
bool among(const std::array<int, n>& statuses, int status) {
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

Verdict::Kind kind_of(int status) {
  if (among(kOfTheMessage, status)) return Verdict::Kind::rejected;
  return among(kNotOfTheMessage, status) ? Verdict::Kind::again : Verdict::Kind::refused;
}

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
  return {kind_of(answer.status), code_of(answer.status), text};
}

}  // namespace channel_http
