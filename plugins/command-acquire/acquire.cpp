#include "acquire.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <dtu/kit/tls/files.hpp>
#include <random>
#include <sstream>
#include <utility>

#include "version.hpp"

namespace command_acquire {
namespace {

constexpr uint64_t kTick_ms = 60'000;  // how soon a service_acquire that was switched on is seen
constexpr int64_t kMinute_ns = 60'000'000'000;
constexpr size_t kDocumentMost = 1U << 20U;
constexpr size_t kCallsMost = 8;
constexpr const char* kCommand = "parameters.acquire";

// Up to a tenth taken off, so that a thousand devices do not come at once.
int64_t jittered(int64_t ns) {
  std::random_device source;
  return ns - static_cast<int64_t>(static_cast<double>(ns) * std::uniform_real_distribution<double>(0, 0.1)(source));
}

std::string why(const dtu::Answer& answer) {
  if (!answer.error.empty()) return std::string(answer.error);
  return "status " + std::to_string(answer.status);
}

std::string to_text(const Poco::JSON::Object& object) {
  std::ostringstream text;
  object.stringify(text);
  return text.str();
}

}  // namespace

Acquire::Settings Acquire::read(std::string_view config) {
  try {
    const auto object = Poco::JSON::Parser().parse(std::string(config)).extract<Poco::JSON::Object::Ptr>();
    const double timeout_s = std::clamp(object->optValue<double>("timeout", 60), 1.0, 300.0);
    return {tls::read_settings(dtu::Json(config)), static_cast<uint32_t>(timeout_s * 1000)};
  } catch (const Poco::Exception& e) {
    throw dtu::Failure(DTU_E_INVALID, "the configuration cannot be used: " + e.displayText());
  }
}

Acquire::Acquire(dtu::Host host, std::string_view config) : Component(host), settings_(read(config)) {
  static_cast<void>(host.need<dtu_invoke_service>(DTU_INVOKE_SERVICE));
}

void Acquire::check(std::string_view config, dtu::Findings& found) {
  tls::check_files(read(config).tls, "/tls", found);
}

// ---------------------------------------------------------------- life

dtu_status Acquire::start() {
  client_ = std::make_unique<http::Client>(host_, settings_.tls);
  tick_ = std::make_unique<dtu::Timer>(host_, [this] { tick(); });
  tick_->arm_ms(0, kTick_ms);
  if (!settings_.tls.verify)
    host_.warn(
        "tls.verify is false: the identity of the server at acquire_url is not verified, and the server sets the "
        "parameters of this device");
  return DTU_OK;
}

dtu_status Acquire::stop(uint32_t /*deadline_ms*/) {
  tick_.reset();
  for (const uint64_t call : take_calls()) host_.reply_error(call, DTU_E_CLOSED, "stopped");
  if (!client_ || client_->stop([this] { host_.report(DTU_STATE_STOPPED); })) return DTU_OK;
  return DTU_PENDING;
}

void Acquire::tick() {
  if (!busy_) begin();
}

std::string Acquire::health() {
  Poco::JSON::Object out(Poco::JSON_PRESERVE_KEY_ORDER);
  out.set("on", source_.on);
  out.set("asking", busy_);
  if (!asked_url_.empty())
    out.set("again_in_s", std::max<int64_t>((due_ns_ - host_.monotonic_ns()) / 1'000'000'000, 0));
  out.set("last", last_);
  if (!settings_.tls.verify) out.set("warning", "insecure: tls.verify is false");
  return to_text(out);
}

// ---------------------------------------------------------------- the command

void Acquire::list_commands(const Each& each) {
  dtu_command_info info{};
  info.struct_size = sizeof info;
  info.flags = DTU_COMMAND_PASSWORD;
  info.name = dtu::str(kCommand);
  info.title = dtu::str("Fetches the parameters from acquire_url now");
  each(info);
}

dtu_status Acquire::invoke(uint64_t call, std::string_view /*name*/, std::string_view /*args*/,
                           const dtu_caller& /*caller*/) {
  if (!tick_) return DTU_E_CLOSED;
  if (calls_.size() >= kCallsMost) throw dtu::Failure(DTU_E_IO, "too many calls wait for the server: try again later");
  calls_.push_back(call);
  if (!busy_) begin();
  return DTU_OK;
}

void Acquire::cancel(uint64_t call) { calls_.erase(std::remove(calls_.begin(), calls_.end(), call), calls_.end()); }

std::vector<uint64_t> Acquire::take_calls() { return std::exchange(calls_, {}); }

// ---------------------------------------------------------------- the steps

dtu::Then Acquire::then(Step step) {
  return [this, step](const dtu::Answer& answer) {
    dtu_error error{};
    if (dtu::guarded(&error, [&] { return (this->*step)(answer), DTU_OK; }) != DTU_OK) quit(Next::day, error.message);
  };
}

void Acquire::run_command(const char* name, const std::string& args, Step step) {
  dtu_request request{};
  request.caller = DTU_CALLER_SELF;
  request.command = dtu::str(name);
  request.code = -1;
  request.args = dtu::str(args);
  asked_ = dtu::ask(host_, request, then(step));
  if (!asked_) quit(Next::hour, std::string(name) + " cannot be called: " + asked_.error());
}

void Acquire::begin() {
  busy_ = true;
  run_command("config.get", "{}", &Acquire::config_is);
}

void Acquire::config_is(const dtu::Answer& answer) {
  if (answer.status != DTU_OK) return quit(Next::hour, "the device document cannot be read: " + why(answer));
  source_ = read_source(answer.json);
  if (!source_.on) asked_url_.clear();
  if (calls_.empty()) {
    const bool wanted = source_.on && !source_.url.empty();
    if (!wanted || (asked_url_ == source_.url && host_.monotonic_ns() < due_ns_)) {
      busy_ = false;
      return;
    }
  }
  if (source_.url.empty()) return quit(Next::day, "acquire_url is not set: set the URL of the parameters");
  asked_ = dtu::read_point(host_, "device.imei", then(&Acquire::imei_is));
  if (!asked_) quit(Next::soon, "the IMEI cannot be read: " + asked_.error());
}

void Acquire::imei_is(const dtu::Answer& answer) {
  const std::string imei = answer.status == DTU_OK ? plain(answer.json) : "";
  if (imei.empty())
    return quit(Next::soon, "the IMEI cannot be read: " + (answer.status == DTU_OK ? "there is none" : why(answer)));
  http::Request request;
  request.url = http::parse_url(address(source_, imei));
  request.timeout_ms = settings_.timeout_ms;
  request.answer_max = kDocumentMost;
  if (!client_->ask(std::move(request), [this](const http::Answer& a) { answered(a); }))
    quit(Next::hour, "the HTTP client accepts no request");
}

void Acquire::answered(const http::Answer& answer) {
  dtu_error error{};
  if (dtu::guarded(&error, [&] {
        const int status = answer.status;
        if (answer.trouble != http::Trouble::none)
          quit(answer.trouble == http::Trouble::too_large ? Next::day : Next::hour, answer.text);
        else if (status != 200)
          quit(status >= 500 || status == 429 ? Next::hour : Next::day,
               "the server answers HTTP " + std::to_string(status) + " instead of 200");
        else
          offered(answer.body);
        return DTU_OK;
      }) != DTU_OK)
    quit(Next::day, error.message);
}

void Acquire::offered(const std::string& document) {
  new_version_ = offered_version(document);
  if (!newer(new_version_, source_.version))
    return finish(Next::day, false,
                  "version " + new_version_ + " of the server is not newer than the version of this device");
  host_.info("the server has version " + new_version_ + " of the parameters: setting them");
  run_command("config.change", "{\"set\":" + document + "}", &Acquire::changed);
}

void Acquire::changed(const dtu::Answer& answer) {
  if (answer.status != DTU_OK)
    return quit(Next::day, "version " + new_version_ + " of the parameters is refused: " + why(answer));
  source_.version = new_version_;
  finish(Next::day, true, "version " + new_version_ + " of the parameters is set");
}

// ---------------------------------------------------------------- the end

void Acquire::done(Next next, const std::string& text) {
  constexpr int64_t kHour_ns = 60 * kMinute_ns;
  const int64_t wait = next == Next::day ? 24 * kHour_ns : next == Next::hour ? kHour_ns : 0;
  busy_ = false;
  asked_url_ = source_.on ? source_.url : "";
  due_ns_ = host_.monotonic_ns() + jittered(wait);
  last_ = text;
}

void Acquire::quit(Next next, const std::string& why) {
  const std::string text = "no parameters from the server: " + why;
  if (text != last_) host_.warn(text);
  done(next, text);
  for (const uint64_t call : take_calls()) host_.reply_error(call, DTU_E_IO, why);
}

void Acquire::finish(Next next, bool updated, const std::string& text) {
  host_.info(text);
  done(next, text);
  Poco::JSON::Object out(Poco::JSON_PRESERVE_KEY_ORDER);
  out.set("updated", updated);
  out.set("version", source_.version);
  out.set("offered", new_version_);
  const std::string json = to_text(out);
  for (const uint64_t call : take_calls()) host_.reply(call, json);
}

}  // namespace command_acquire
