#include "channel.hpp"

#include <Poco/JSON/Object.h>

#include <ctime>
#include <random>
#include <sstream>
#include <utility>

#include "retry.hpp"

namespace channel_http {
namespace {

constexpr int64_t kComplainEvery_ns = 10'000'000'000;
constexpr uint32_t kSettle_ms = 2000;
// The host compares a message with others that the server takes, and sends it again after each of them. So connections
// are watched until the server took several messages in a row.
constexpr uint32_t kSettled = 8;
// The wait grows with so many failures. While the host looks for a message that the server never takes, it makes the
// pauses itself.
constexpr uint32_t kMostFailures = 32, kMostRefused = 3;

double random_fraction() {
  std::random_device source;
  return std::uniform_real_distribution<double>(0.0, 1.0)(source);
}

}  // namespace

HttpChannel::HttpChannel(dtu::Host host, std::string_view config, http::Lookup lookup)
    : Component(host), settings_(read_settings(config)), lookup_(std::move(lookup)), counters_(host) {}

// ---------------------------------------------------------------- life

dtu_status HttpChannel::start() {
  client_ = std::make_unique<http::Client>(host_, settings_.tls, lookup_);
  retry_ = std::make_unique<dtu::Timer>(host_, [this] {
    waiting_ = false;
    if (!busy()) host_.writable();
  });
  if (!settings_.tls.verify) host_.warn("tls.verify is false: the server's identity is not verified");
  host_.report(DTU_STATE_UP);  // whether a server is there shows with the first request
  return DTU_OK;
}

dtu_status HttpChannel::stop(uint32_t /*deadline_ms*/) {
  stopping_ = true;
  retry_.reset();
  if (held_) counters_.add(Count::lost_answers);
  held_.reset();
  if (token_) complete(*std::exchange(token_, std::nullopt), DTU_E_CLOSED);
  if (!client_ || client_->stop([this] { host_.report(DTU_STATE_STOPPED); })) return DTU_OK;
  return DTU_PENDING;
}

// ---------------------------------------------------------------- uplink

const Target* HttpChannel::find_target(std::string_view route) const {
  if (route.empty() || settings_.targets.front().id.empty()) return &settings_.targets.front();
  for (const Target& target : settings_.targets)
    if (target.id == route) return &target;
  return nullptr;
}

dtu_status HttpChannel::send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  *taken = 0;
  if (!client_ || stopping_) return DTU_E_CLOSED;
  for (; *taken < n; ++*taken) {
    if (busy()) return DTU_AGAIN;
    const dtu_msg& message = msgs[*taken];
    const std::string_view route = dtu::view(message.route);
    const Target* target = find_target(route);
    if (target == nullptr)
      reject(message.token, "there is no request id \"" + std::string(route) + "\" in request");
    else
      ask(*target, message);
  }
  return DTU_OK;
}

void HttpChannel::ask(const Target& target, const dtu_msg& message) {
  http::Request request;
  request.method = target.method;
  request.url = target.url;
  request.headers = settings_.headers;
  request.body = target.takes_message() ? std::string(dtu::view(message.payload)) : target.fixed_body;
  request.content_type = settings_.content_type;
  request.timeout_ms = settings_.timeout_ms;
  request.answer_max = settings_.answer_max;
  request.settle_ms = settles_ != 0 ? kSettle_ms : 0;
  again_.reset();
  if (settles_ != 0) again_ = request;
  if (!begin(target, std::move(request))) throw dtu::Failure::retryable(DTU_E_IO, "the HTTP client accepts no request");
  token_ = message.token;
}

bool HttpChannel::begin(const Target& target, http::Request request) {
  if (!client_->ask(std::move(request), [this, &target](const http::Answer& a) { answered(target, a); })) return false;
  counters_.add(Count::requests);
  return true;
}

// A kept connection may end when a request goes out over it: that says nothing about the message. While connections are
// watched, such a request is made once more, over a new one.
bool HttpChannel::again_on_a_new_connection(const Target& target, const http::Answer& answer) {
  if (answer.trouble != http::Trouble::closed || answer.connections != 0 || !again_) return false;
  if (!begin(target, *std::exchange(again_, std::nullopt))) return false;
  counters_.add(Count::failures);
  return true;
}

dtu_status HttpChannel::flush(uint32_t /*deadline_ms*/) { return token_ ? DTU_PENDING : DTU_OK; }

void HttpChannel::complete(uint64_t token, dtu_status status) {
  if (token != 0) host_.complete(token, status);  // 0: nobody wants to know
}

void HttpChannel::reject(uint64_t token, const std::string& why) {
  counters_.add(Count::rejected);
  const int64_t now = host_.monotonic_ns();
  if (complained_ns_ == 0 || now - complained_ns_ >= kComplainEvery_ns) {
    complained_ns_ = now;
    host_.warn("a message is dropped: " + why);
  }
  complete(token, DTU_E_INVALID);
}

// ---------------------------------------------------------------- answers

void HttpChannel::answered(const Target& target, const http::Answer& answer) {
  status_ = answer.status;
  counters_.add(Count::connections, answer.connections);
  counters_.add(Count::redirects, answer.redirects);
  if (again_on_a_new_connection(target, answer)) return;
  again_.reset();
  const uint64_t token = *std::exchange(token_, std::nullopt);
  const Verdict verdict = judge(answer, target.url);
  switch (verdict.kind) {
    case Verdict::Kind::delivered:
      counters_.add(Count::delivered);
      if (settles_ != 0) --settles_;
      works();
      hand_on(target, answer);
      complete(token, DTU_OK);
      break;
    case Verdict::Kind::rejected:
      fails(verdict);
      failures_ = 0;  // the server is there
      reject(token, verdict.text);
      break;
    case Verdict::Kind::again:
      fails(verdict);
      if (answer.status == 0) settles_ = 0;  // no server, or one that closes while its connection is watched
      try_later(verdict, answer, kMostFailures);
      complete(token, DTU_E_IO);
      break;
    case Verdict::Kind::refused:
      fails(verdict);
      try_later(verdict, answer, kMostRefused);
      complete(token, DTU_E_REFUSED);
      break;
    case Verdict::Kind::closed: {
      // A server, or a proxy whose server is gone, that closes every connection closes it before the request, too.
      // Only when it closed a connection that had been quiet for a while, the message may be the reason.
      const bool refused = std::exchange(settles_, kSettled) != 0;
      fails(verdict);
      try_later(verdict, answer, refused ? kMostRefused : kMostFailures);
      complete(token, refused ? DTU_E_REFUSED : DTU_E_IO);
      break;
    }
  }
  if (!busy()) host_.writable();
}

// The wait grows with the failures, but with no more than `most` of them.
void HttpChannel::try_later(const Verdict& verdict, const http::Answer& answer, uint32_t most) {
  counters_.add(Count::failures);
  if (failures_ < kMostFailures) ++failures_;
  const uint32_t asked = retry_after_ms(answer.retry_after, std::time(nullptr));
  const uint32_t ms =
      wait_ms(std::min(failures_, most), settings_.retry_min_ms, settings_.retry_max_ms, random_fraction(), asked);
  waiting_ = true;
  retry_->arm_ms(ms);
  host_.debug(verdict.text + "; next try in " + std::to_string(ms) + " ms");
}

// A HEAD has no body, so there is nothing to hand on; else an empty answer is an answer too.
void HttpChannel::hand_on(const Target& target, const http::Answer& answer) {
  if (answer.trouble != http::Trouble::none) {
    counters_.add(Count::lost_answers);
    host_.warn("the message was delivered, but the answer of the server is lost: " + answer.text);
    return;
  }
  if (target.method == "HEAD") return;
  held_ = Held{target.id, answer.body};
  deliver();
}

void HttpChannel::deliver() {
  if (!held_) return;
  const dtu::EmitResult emitted = host_.emit(0, held_->body, held_->route);
  if (emitted.again()) return;
  if (!emitted && !stopping_)
    host_.warn("an answer of the server is lost: dtud refused it (status " + std::to_string(emitted.status()) + ")");
  held_.reset();
}

void HttpChannel::writable(uint64_t /*source*/) {
  deliver();
  if (client_ && !stopping_ && !busy()) host_.writable();
}

// ---------------------------------------------------------------- state

void HttpChannel::works() {
  failures_ = 0;
  if (trouble_.empty()) return;
  trouble_.clear();
  host_.report(DTU_STATE_UP);
}

// Still carries messages, so that they are tried: with DOWN nobody would find out that the server is back.
void HttpChannel::fails(const Verdict& verdict) {
  if (trouble_ == verdict.text) return;
  trouble_ = verdict.text;
  const dtu_error error = dtu::make_error(DTU_E_IO, trouble_, DTU_ERR_RETRYABLE, verdict.code);
  dtu_report(host_.raw(), host_.instance(), 0, DTU_STATE_DEGRADED, &error);
}

std::string HttpChannel::health() {
  Poco::JSON::Object out(Poco::JSON_PRESERVE_KEY_ORDER);
  out.set("dtu_state", status_);
  out.set("url", settings_.targets.front().url.shown());
  out.set("in_flight", token_ ? 1 : 0);
  out.set("failures_in_a_row", failures_);
  if (!trouble_.empty()) out.set("error", trouble_);
  if (!settings_.tls.verify) out.set("warning", "insecure: tls.verify is false");
  counters_.show(out);
  std::ostringstream text;
  out.stringify(text);
  return text.str();
}

}  // namespace channel_http
