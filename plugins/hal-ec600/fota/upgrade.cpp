#include "upgrade.hpp"

#include <dtu/sdk/address.hpp>
#include <dtu/sdk/board.hpp>
#include <dtu/sdk/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace hal_ec600::fota {
namespace {

constexpr const char* kKey = "modem.upgrade";
constexpr const char* kArgs = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object", "additionalProperties": false, "required": ["url", "version"],
  "properties": {
    "url": {"title": "Address of the package", "description": "The modem fetches it over its own network: http, https or ftp.",
            "type": "string", "pattern": "^(https?|ftp)://[!#-\\[\\]-~]+$", "maxLength": 700},
    "version": {"title": "Version", "description": "That the modem must report afterwards, as AT+CGMR gives it.",
                "type": "string", "minLength": 1, "maxLength": 64},
    "timeout_s": {"title": "Silence", "description": "Seconds without data after which the modem ends the download.",
                  "type": "integer", "minimum": 1, "maximum": 600, "default": 60}
  }
})";

constexpr int64_t kMs = 1'000, kNs = 1'000'000;
// Without a word of the modem for so long, the step has failed; the version is read first. After a start the modem may
// go on by itself: a download does not, the writing may after minutes.
constexpr int64_t kDownloadSilence_ms = 15 * 60 * kMs, kUpdateSilence_ms = 30 * 60 * kMs;
constexpr int64_t kDownloadAfterStart_ms = 30 * kMs, kUpdateAfterStart_ms = 5 * 60 * kMs;
constexpr size_t kLongestVersion = 64;
constexpr uint64_t kFactsWait_ms = 2 * kMs;

dtu_command_info info(const char* name, const char* title, const char* args, uint32_t flags) {
  return {sizeof(dtu_command_info), flags, dtu::str(name), dtu::str(title), dtu::str(args), nullptr, 0};
}

bool is_allowed(std::string_view url) {
  constexpr std::array<std::string_view, 3> kSchemes{"http://", "https://", "ftp://"};
  constexpr size_t kLongest = 700;
  const bool known =
      std::any_of(kSchemes.begin(), kSchemes.end(), [&](std::string_view s) { return url.substr(0, s.size()) == s; });
  return known && url.size() <= kLongest && std::all_of(url.begin(), url.end(), [](char c) {
           return c > ' ' && c <= '~' && c != '"' && c != '\\';  // it stands between quotes in the command
         });
}

}  // namespace

Upgrade::Upgrade(dtu::Host host, AtEngine& engine)
    : host_(host),
      engine_(engine),
      timer_(host, [this] { timed_out(); }),
      facts_timer_(host, [this] { answer_facts(); }) {
  if (host.service<dtu_kv_service>(DTU_KV_SERVICE) != nullptr) kept_.emplace(host);
  if (const auto text = kept_ ? kept_->get(kKey) : std::nullopt) {
    if (const auto record = record_in(*text))
      record_ = *record;
    else
      host_.warn("the stored state of the modem's upgrade (key modem.upgrade) cannot be read, and is left out");
  }
  writing_until_ns_ = host_.monotonic_ns() + kUpdateSilence_ms * kNs;
  engine_.on_urc("+QIND: \"FOTA\"", [this](std::string_view line, std::string_view) {
    if (const auto said = said_in(line)) hear(*said);
  });
}

void Upgrade::list_commands(const dtu::CommandsIface::Each& each) {
  each(info("modem.upgrade", "Upgrade the firmware of the modem", kArgs, DTU_COMMAND_PASSWORD | DTU_COMMAND_CHANGES));
  each(info("modem.upgrade_state", "How far the modem's upgrade is, or how the last one ended", "",
            DTU_COMMAND_PASSWORD));
}

bool Upgrade::invoke(uint64_t call, std::string_view name, std::string_view args) {
  if (name == "modem.upgrade_state") return host_.reply(call, state()), true;
  if (name != "modem.upgrade") return false;
  return order(call, args), true;
}

bool Upgrade::is_writing() const {
  return record_.step == Record::Step::updating && host_.monotonic_ns() < writing_until_ns_;
}

void Upgrade::facts(uint64_t call) {
  facts_.push_back(call);
  if (!version_.empty()) return answer_facts();
  if (facts_.size() == 1) facts_timer_.arm_ms(kFactsWait_ms);
}

void Upgrade::answer_facts() {
  facts_timer_.disarm();
  const std::string facts =
      version_.empty() ? R"({"modem": {}})" : "{\"modem\": {\"version\": " + dtu::quoted(version_) + "}}";
  for (const uint64_t call : std::exchange(facts_, {})) host_.reply(call, facts);
}

std::string Upgrade::state() const {
  std::string out = to_json(record_);
  out.back() = ',';
  return out + "\"runs\":" + dtu::quoted(version_) + ",\"percent\":" + std::to_string(percent_) + "}";
}

// --- the order

void Upgrade::order(uint64_t call, std::string_view args) {
  const dtu::Json given(args);
  url_ = given["url"].text();
  const std::string version = given["version"].text();
  if (!is_allowed(url_))
    throw dtu::Failure(DTU_E_INVALID,
                       "/url: http://, https:// or ftp://, up to 700 printable characters without \" and \\");
  if (record_.under_way())
    throw dtu::Failure(DTU_E_INVALID, "the modem is being upgraded to " + record_.version + " already");
  if (!ready_ || version_.empty()) throw dtu::Failure::retryable(DTU_E_CLOSED, "the modem does not answer");
  if (version == version_ || version == long_version_)
    throw dtu::Failure(DTU_E_INVALID, "/version: the modem runs " + version + " already");
  timeout_s_ = static_cast<uint32_t>(given["timeout_s"].integer(60));
  record_ = {Record::Step::downloading, dtu::shown_url(url_), version, version_, ""};
  end_told_ = false;
  call_ = call;
  const uint64_t order = ++order_;
  const bool taken = keep([this, order](dtu_status status) {
    if (order == order_ && record_.step == Record::Step::downloading) kept(status);
  });
  if (!taken) kept(DTU_E_IO);
}

bool Upgrade::keep(dtu::Kept::Done done) { return kept_ && kept_->set(kKey, to_json(record_), std::move(done)); }

// The modem is asked when the record is on the disk.
void Upgrade::kept(dtu_status status) {
  if (status != DTU_OK) return enter(Record::Step::failed, "the order cannot be stored");
  AtExchange ask{"AT+QFOTADL=\"" + std::exchange(url_, {}) + "\",1," + std::to_string(timeout_s_)};
  ask.done = [this, order = order_](const AtResult& result) {
    if (order == order_) asked(result);
  };
  if (engine_.submit(std::move(ask)) == 0) enter(Record::Step::failed, engine_.refusal());
}

void Upgrade::asked(const AtResult& result) {
  if (!result.ok() && result.end != AtEnd::timeout) return enter(Record::Step::failed, result.text);
  host_.info("the modem fetches its firmware " + record_.version + " from " + record_.url);
  if (record_.step == Record::Step::downloading) timer_.arm_ms(kDownloadSilence_ms);
  tell(0);
  answer(DTU_OK, state());
}

void Upgrade::cancel(uint64_t call) {
  facts_.erase(std::remove(facts_.begin(), facts_.end(), call), facts_.end());
  if (call_ == call) call_ = 0;  // what the modem does cannot be stopped
}

void Upgrade::answer(dtu_status status, const std::string& text) {
  const uint64_t call = std::exchange(call_, 0);
  if (call == 0) return;
  if (status == DTU_OK)
    host_.reply(call, text);
  else
    host_.reply_error(call, status, text);
}

void Upgrade::stop() {
  gone();
  facts_timer_.disarm();
  for (const uint64_t call : std::exchange(facts_, {})) host_.reply_error(call, DTU_E_CLOSED, "the modem was stopped");
  answer(DTU_E_CLOSED, "the modem was stopped");
}

// --- what the modem says

void Upgrade::hear(const Said& said) {
  if (!record_.under_way()) return;  // somebody else upgrades it
  const bool ends = said.what == Said::What::http_end || said.what == Said::What::end;
  if (ends && said.number != 0) return enter(Record::Step::failed, error_words(said.number));
  end_told_ = said.what == Said::What::end;
  tell(percent_of(said));
  const bool writes = said.what >= Said::What::http_end;
  if (writes && record_.step == Record::Step::downloading) enter(Record::Step::updating);
  writing_until_ns_ = host_.monotonic_ns() + kUpdateSilence_ms * kNs;
  timer_.arm_ms(writes ? kUpdateSilence_ms : kDownloadSilence_ms);
}

void Upgrade::tell(int percent) {
  if (percent < 0 || percent == percent_) return;
  percent_ = percent;
  dtu::tell_firmware_progress(events_, percent);
}

void Upgrade::enter(Record::Step step, const std::string& error) {
  record_.step = step;
  record_.error = error;
  if (!keep()) host_.warn("the state of the modem's upgrade is not kept");
  if (record_.under_way()) return;
  timer_.disarm();
  ++order_;
  if (std::exchange(percent_, -1) >= 0) dtu::tell_firmware_progress(events_, -1);
  if (step == Record::Step::took) {
    host_.info("the modem runs " + record_.version + " now, " + record_.before + " before");
  } else {
    host_.error("the upgrade of the modem to " + record_.version + " failed: " + error);
    answer(DTU_E_IO, error);
  }
}

// --- the proof

void Upgrade::ready() {
  ready_ = true;
  read_version(false);
}

void Upgrade::gone() {
  ready_ = false;
  timer_.disarm();
  // No clock runs while the modem is away: it restarts by itself, and what it then says or runs is the result.
}

// Some modules tell the whole version only by QGMR; a module without it answers with an error.
void Upgrade::read_version(bool long_form) {
  AtExchange ask{long_form ? "AT+QGMR" : "AT+CGMR"};
  ask.forms = {{"~"}};
  ask.done = [this, long_form](const AtResult& result) {
    const std::string line = result.ok() && !result.lines.empty() ? result.lines.back().substr(0, kLongestVersion) : "";
    (long_form ? long_version_ : version_) = line;
    if (result.end == AtEnd::gone || result.end == AtEnd::restarted) return;  // ready() comes again
    if (!long_form) return read_version(true);
    versions_read();
  };
  if (engine_.submit(std::move(ask)) == 0) host_.warn("the version of the modem was not read: " + engine_.refusal());
}

void Upgrade::versions_read() {
  if (!facts_.empty()) answer_facts();
  if (!record_.under_way() || call_ != 0) return;
  if (version_ == record_.version || long_version_ == record_.version ||
      (!version_.empty() && version_ != record_.before))
    return judge();
  // The version before still runs. It may go on by itself.
  const bool writing = record_.step == Record::Step::updating;
  timer_.arm_ms(end_told_ ? kDownloadAfterStart_ms : writing ? kUpdateAfterStart_ms : kDownloadAfterStart_ms);
}

void Upgrade::judge() {
  if (version_ == record_.version || long_version_ == record_.version) return enter(Record::Step::took);
  if (version_.empty()) return enter(Record::Step::failed, "the modem does not tell its version");
  if (version_ != record_.before)
    return enter(Record::Step::failed,
                 "the modem runs " + version_ + " now, which is not the version that was ordered");
  const bool writing = record_.step == Record::Step::updating;
  enter(Record::Step::failed, std::string(writing ? "the new firmware did not take" : "the download did not end") +
                                  ": the modem still runs " + version_);
}

void Upgrade::timed_out() {
  if (record_.under_way()) judge();
}

}  // namespace hal_ec600::fota
