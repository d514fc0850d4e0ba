#include "verdict.hpp"

#include <algorithm>
#include <array>

namespace channel_http {
namespace {

constexpr uint32_t kRequestFailed = 4001;
constexpr uint32_t kRedirected = 4009;

struct Special {
  int status;
  Verdict::Kind kind;
  uint32_t code;
};
constexpr std::array<Special, 5> kSpecial = {{{404, Verdict::Kind::rejected, 5000},
                                              {408, Verdict::Kind::again, kRequestFailed},
                                              {425, Verdict::Kind::again, kRequestFailed},
                                              {429, Verdict::Kind::again, kRequestFailed},
                                              {500, Verdict::Kind::again, 4002}}};

}  // namespace

Verdict judge(const http::Answer& answer, const http::Url& url) {
  if (answer.trouble == http::Trouble::redirect) return {Verdict::Kind::again, kRedirected, answer.text};
  if (answer.trouble == http::Trouble::closed) return {Verdict::Kind::closed, kRequestFailed, answer.text};
  if (answer.status == 0) return {Verdict::Kind::again, kRequestFailed, answer.text};
  if (answer.status >= 200 && answer.status < 300) return {};
  const std::string text = url.shown() + " answers HTTP " + std::to_string(answer.status);
  if (answer.status >= 300 && answer.status < 400)
    return {Verdict::Kind::again, kRedirected,
            text + ", which is no delivery: only a GET follows a redirect. Set url to where the server takes messages"};
  const auto special =
      std::find_if(kSpecial.begin(), kSpecial.end(), [&](const Special& s) { return s.status == answer.status; });
  if (special != kSpecial.end()) return {special->kind, special->code, text};
  const bool never = answer.status >= 400 && answer.status < 500;
  return {never ? Verdict::Kind::rejected : Verdict::Kind::again, kRequestFailed, text};
}

}  // namespace channel_http
