#include "clock/time_sync.hpp"

#include <dtu/sdk/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace hal_linux {
namespace {

constexpr int64_t kMs = 1'000'000, kSecond = 1'000'000'000, kDay = 86'400 * kSecond;
constexpr int64_t kInStep_ns = 10 * kMs;  // less is the network's, not the clock's
constexpr uint32_t kAsk_s = 5, kWait_s = 30;
constexpr size_t kMostAsking = 64, kLongestServer = 253;

constexpr const char* kArgs = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object",
  "properties": {
    "ntp_server": {"title": "Time server", "description": "Name or address. \"\": that of the board.", "type": "string",
                   "maxLength": 255, "default": ""}
  }
})";

std::string ms_text(double ms) {
  constexpr double kSteps = 1000;
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(),
                                          std::round(ms * kSteps) / kSteps + 0.0, std::chars_format::fixed);
  return {text.data(), error == std::errc() ? end : text.data()};
}
std::string ms_of(int64_t ns) { return ms_text(static_cast<double>(ns) / static_cast<double>(kMs)); }

std::string state_json(bool synchronized, const char* source, const std::string& offset_ms = "") {
  return std::string("{\"synchronized\":") + (synchronized ? "true" : "false") + ",\"source\":\"" + source + "\"" +
         (offset_ms.empty() ? "" : ",\"offset_ms\":" + offset_ms) + "}";
}
constexpr double kMsPerSecond = 1000;

}  // namespace

TimeSync::TimeSync(dtu::Host host, const std::optional<TimeConfig>& config, const Tree& tree, SystemClock& clock,
                   net::Resolver::Lookup lookup)
    : host_(host),
      offered_(config),
      config_(config.value_or(TimeConfig())),
      tree_(tree),
      clock_(clock),
      lookup_(std::move(lookup)) {}

void TimeSync::stop() {
  query_.reset();
  program_.reset();
  asked_.reset();
  for (const uint64_t call : asking_) host_.reply_error(call, DTU_E_CLOSED, "the linux HAL was stopped");
  asking_.clear();
  if (job_) host_.reply_error(job_->call, DTU_E_CLOSED, "the linux HAL was stopped");
  job_.reset();
}

void TimeSync::list_points(const std::function<void(const dtu_point_info&)>& each) {
  each({sizeof(dtu_point_info), 0, dtu::str(kPoint), {}, dtu::str("Whether the clock is in step")});
}

void TimeSync::list_commands(const std::function<void(const dtu_command_info&)>& each) const {
  if (!offered_) return;
  each({sizeof(dtu_command_info), DTU_COMMAND_PASSWORD | DTU_COMMAND_SHARED | DTU_COMMAND_CHANGES, dtu::str(kCommand),
        dtu::str("Set the clock"), dtu::str(kArgs), nullptr, 0});
}

void TimeSync::invoke(uint64_t call, std::string_view args) {
  const std::string server = dtu::Json(args)["ntp_server"].text();
  if (server.size() > kLongestServer || !is_printable_utf8(server) || server.find(' ') != std::string::npos)
    throw dtu::Failure(DTU_E_INVALID, "/ntp_server: a host name or an address of up to 253 characters is allowed");
  if (job_) throw dtu::Failure::retryable(DTU_E_IO, "the clock is being set already: try again in a minute");
  job_.emplace(Job());
  job_->call = call;
  job_->server = server;
  try {
    begin();
  } catch (...) {
    job_.reset();
    throw;
  }
}

void TimeSync::begin() {
  const bool any = config_.means == "auto";
  if (config_.means == "chrony" || (any && has_chrony(tree_))) return by_chrony();
  if (config_.means == "timesyncd" || (any && has_timesyncd(tree_))) return by_timesyncd();
  by_ntp();
}

void TimeSync::cancel(uint64_t call) {
  if (!job_ || job_->call != call) return;
  query_.reset();
  program_.reset();
  job_.reset();
}

// chrony.

void TimeSync::chronyc(std::vector<std::string> words, uint32_t timeout_s, Program::Done done) {
  words.insert(words.begin(), {tree_.path(kChronyc), "-n", "-c"});
  Program::Task task;
  task.argv = std::move(words);
  task.timeout_s = timeout_s;
  program_ = std::make_unique<Program>(host_, std::move(task), std::move(done));
}

void TimeSync::by_chrony() {
  stepped_ = false;
  track([this](const auto& now, const auto& trouble) { chrony_said(now, trouble); });
}

void TimeSync::track(Tracked tracked) {
  chronyc({"tracking"}, kAsk_s, [tracked = std::move(tracked)](const Program::Ended& ended) {
    const auto now = ended.trouble.empty() ? read_tracking(ended.output) : std::nullopt;
    tracked(now, now ? "" : ended.trouble.empty() ? "chronyc answers something else" : ended.trouble);
  });
}

// A clock that is off by more than chrony corrects soon is corrected at once. That takes a right that the service may
// not have; then the state is said as it is.
void TimeSync::chrony_said(const std::optional<Tracking>& now, const std::string& trouble) {
  constexpr double kFar_s = 0.1;
  if (!now) return keeper_failed("chrony", trouble);
  if (!stepped_ && config_.set_clock && (!now->synchronized || std::abs(now->offset_s) > kFar_s)) {
    stepped_ = true;
    // waitsync: 10 looks, a second apart, for any correction and any skew.
    return chronyc({"waitsync", "10", "0", "0", "1"}, kWait_s, [this](const Program::Ended&) {
      chronyc({"makestep"}, kAsk_s, [this](const Program::Ended& stepped) {
        track([this, why = stepped.trouble](const auto& then, const auto& trouble_then) {
          if (then && std::abs(then->offset_s) > kFar_s && !why.empty())
            return keeper_failed("chrony", "it may not be told to correct the clock at once: " + why);
          chrony_said(then, trouble_then);
        });
      });
    });
  }
  if (!now->synchronized) return keeper_failed("chrony", "it is not synchronized with any server: see chronyc sources");
  answer("{\"means\":\"chrony\",\"server\":" + dtu::quoted(now->server) +
         ",\"offset_ms\":" + ms_text(now->offset_s * kMsPerSecond) + note("chrony") + "}");
}

// timesyncd cannot be told to do anything without the rights of root.
void TimeSync::by_timesyncd() {
  if (!has_timesyncd(tree_))
    return keeper_failed("timesyncd", "it does not run: " + tree_.path(kTimesyncFolder) + " is not there");
  if (!timesyncd_is_synchronized(tree_))
    return keeper_failed("timesyncd", "it has reached no server yet: see timedatectl timesync-status");
  answer("{\"means\":\"timesyncd\"" + note("timesyncd") + "}");
}

std::string TimeSync::note(const char* keeper) const {
  if (job_->server.empty()) return {};
  return std::string(",\"note\":\"") + keeper + " keeps the clock: ntp_server was not asked\"";
}

void TimeSync::keeper_failed(const std::string& means, const std::string& why) {
  job_->keeper = means + ": " + why;
  if (config_.means == "auto" && means == "chrony" && has_timesyncd(tree_)) return by_timesyncd();
  if (config_.means == "auto" && !(job_->server.empty() && config_.ntp_server.empty())) return by_ntp();
  fail(DTU_E_IO, job_->keeper);
}

// NTP.

void TimeSync::by_ntp() {
  const std::string server = job_->server.empty() ? config_.ntp_server : job_->server;
  if (server.empty())
    return fail(DTU_E_INVALID,
                "no time server: name ntp_server in the command, or \"time\".\"ntp_server\" in board.json");
  query_ = std::make_unique<SntpQuery>(host_, clock_, server, config_.ntp_port, lookup_,
                                       [this](const SntpQuery::Result& result) { ntp_said(result); });
}

void TimeSync::ntp_said(const SntpQuery::Result& result) {
  if (!result.error.empty())
    return fail(DTU_E_IO, job_->keeper.empty() ? result.error : job_->keeper + ". " + result.error);
  const int64_t offset_ns = result.time.offset_ns;
  const bool off = std::abs(offset_ns) > kInStep_ns, set = off && config_.set_clock;
  try {
    if (set) clock_.set_ns(clock_.now_ns() + offset_ns);
  } catch (const dtu::Failure& f) {
    return fail(f.code(), "the clock is off by " + ms_of(offset_ns) + " ms. " + f.what());
  }
  if (set) host_.info("the clock was set by " + ms_of(offset_ns) + " ms, to the time of " + result.server);
  if (set || !off) own_ = Own{host_.monotonic_ns(), offset_ns};
  answer("{\"means\":\"ntp\",\"server\":" + dtu::quoted(result.server) + ",\"offset_ms\":" + ms_of(offset_ns) +
         ",\"delay_ms\":" + ms_of(result.time.delay_ns) + ",\"stratum\":" + std::to_string(result.time.stratum) +
         ",\"set\":" + (set ? "true" : "false") + "}");
}

void TimeSync::answer(const std::string& json) {
  const uint64_t call = job_->call;
  job_.reset();
  host_.reply(call, json);
}

// why: a copy, for it may be a part of the job.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void TimeSync::fail(dtu_status status, std::string why) {
  const uint64_t call = job_->call;
  job_.reset();
  host_.reply_error(call, status, why, status == DTU_E_IO ? DTU_ERR_RETRYABLE : 0);
}

// The state.

std::string TimeSync::own_state() const {
  if (own_ && host_.monotonic_ns() - own_->at_ns < kDay) return state_json(true, "ntp", ms_of(own_->offset_ns));
  return clock_.kept_in_step() ? state_json(true, "kernel") : state_json(false, "");
}

void TimeSync::read(uint64_t call) {
  if (!has_chrony(tree_)) {
    const bool by_timesyncd = has_timesyncd(tree_) && timesyncd_is_synchronized(tree_);
    host_.reply(call, by_timesyncd ? state_json(true, "timesyncd") : own_state());
    return;
  }
  if (asking_.size() >= kMostAsking) throw dtu::Failure::retryable(DTU_E_IO, "too many ask for time.state");
  if (asking_.empty()) {
    Program::Task task;
    task.argv = {tree_.path(kChronyc), "-n", "-c", "tracking"};
    task.timeout_s = kAsk_s;
    asked_ = std::make_unique<Program>(host_, std::move(task), [this](const Program::Ended& ended) {
      const auto now = ended.trouble.empty() ? read_tracking(ended.output) : std::nullopt;
      answer_states(now && now->synchronized ? state_json(true, "chrony", ms_text(now->offset_s * kMsPerSecond))
                                             : own_state());
    });
  }
  asking_.push_back(call);
}

void TimeSync::answer_states(const std::string& json) {
  const std::vector<uint64_t> calls = std::move(asking_);
  asking_.clear();
  for (const uint64_t call : calls) host_.reply(call, json);
}

}  // namespace hal_linux
