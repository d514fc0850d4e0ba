// From the order to a verified file. dtu-fetch does the work; here is decided when, how often and for how long.
#include <algorithm>
#include <utility>

#include "config/json_text.hpp"
#include "upgrade/upgrade.hpp"

namespace dtud::upgrade {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kLongestPause_s = 600, kLongestWish_s = 86400;
constexpr int64_t kLongestPauseAnew_s = 6 * 3600;  // each try from the start costs the bytes of a whole file
constexpr uint32_t kMostSilentEnds = 10;
constexpr uint64_t kSignatureBytes = 65536;  // also the page of a captive portal: a try that is made again
constexpr int64_t kVerify_s = 3600;

// What people call the checks of dtu-fetch.
std::string names_of(const config::Json& checked) {
  std::string names;
  const config::JsonArray* list = config::as_list(checked);
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const std::string one = config::as_text(list->get(static_cast<unsigned>(i)));
    names += (names.empty() ? "" : ", ") + (one == "sha256" ? "SHA-256" : one == "md5" ? "MD5" : one);
  }
  if (names == "MD5") names += " only: it detects transfer errors, but does not prove the origin";
  return names;
}

}  // namespace

void Upgrade::wait(const std::string& why, int64_t ns) {
  set(Step::downloading, why);
  around_.wake_at(ns);
}

void Upgrade::download() {
  if (errand_ != Errand::none) return;
  const bool signature_next = !rules_.keys.empty() && record_.order.signature.empty() && !have_signature_;
  if (record_.whole && !signature_next) return verify();
  const int64_t now = around_.now_ns();
  if (spent_s() > int64_t{rules_.deadline_h} * 3600)
    return finish(Step::failed, "not downloaded within " + std::to_string(rules_.deadline_h) + " h" +
                                    (record_.note.empty() ? "" : ": " + record_.note));
  const Allowance::Verdict verdict = allowance_.look(around_.unix_s());
  if (!verdict.now) return wait(verdict.why, now + verdict.look_s * kSecond);
  if (retry_ns_ > now) return around_.wake_at(retry_ns_);
  begin_fetch();
}

void Upgrade::begin_fetch() {
  // In the same boot of the machine the file is what it says; after a power cut only what was synced.
  const bool image_next = !record_.whole;
  auto job = config::make_object();
  job->set("do", std::string("fetch"));
  job->set("url", image_next ? record_.order.url : signature_url(record_.order));
  job->set("file", image_next ? image() : signature_file());
  job->set("most", image_next ? rules_.max_bytes : kSignatureBytes);
  const bool same_boot = record_.synced_boot == around_.boot_id();
  job->set("trusted", !image_next ? 0 : same_boot ? rules_.max_bytes : record_.synced);
  job->set("stall_s", static_cast<int64_t>(rules_.stall_s));
  if (image_next) {
    job->set("validator", record_.validator);
    if (record_.order.size != 0) job->set("size", record_.order.size);
    if (const uint64_t bytes = allowance_.look(around_.unix_s()).bytes; bytes != 0) job->set("budget", bytes);
  }
  auto tls = config::make_object();
  tls->set("ca", rules_.ca);
  tls->set("cert", rules_.cert);
  tls->set("key", rules_.key);
  job->set("tls", tls);
  came_ = 0;
  const bool first = record_.step != Step::downloading;
  if (const std::string why = around_.begin_errand(config::to_json(config::Json(job))); !why.empty())
    return finish(Step::failed, why);
  errand_ = image_next ? Errand::image : Errand::signature;
  set(Step::downloading);
  if (first) keep();
  last_word_ns_ = around_.now_ns();
  watch_errand();
}

// A download that may not go on is told to stop; one that hangs is ended.
void Upgrade::watch_errand() {
  const int64_t now = around_.now_ns();
  const int64_t silence_s = errand_ == Errand::verify ? kVerify_s : int64_t{rules_.stall_s} * 10 + 60;
  int64_t next = last_word_ns_ + silence_s * kSecond;
  if (now >= next) around_.end_errand();
  if (errand_ != Errand::verify) {
    const Allowance::Verdict verdict = allowance_.look(around_.unix_s());
    const bool late = spent_s() > int64_t{rules_.deadline_h} * 3600;
    if (!verdict.now || late) around_.end_errand();
    next = std::min(next, now + verdict.look_s * kSecond);
  }
  around_.wake_at(std::max(next, now + kSecond));
}

void Upgrade::errand_said(std::string_view line) {
  config::Findings findings;
  const auto json = config::read_json(line, "dtu-fetch", findings);
  const config::JsonObject* said = json ? config::as_object(*json) : nullptr;
  if (said == nullptr || errand_ == Errand::none) return;
  const auto number = [&](const char* key) { return static_cast<uint64_t>(config::as_integer(said->get(key))); };
  const std::string say = config::as_text(said->get("say"));
  last_word_ns_ = around_.now_ns();
  if (say == "begin") {
    if (errand_ != Errand::image) return;
    begun(number("from"), number("total"), config::as_text(said->get("validator")));
    around_.changed(false);
  } else if (say == "bytes") {
    const uint64_t came = number("came");
    allowance_.count(came - std::min(came, came_), around_.unix_s(), false);
    came_ = came;
    if (errand_ != Errand::image) return;
    have_ = number("have");
    if (const uint64_t synced = number("synced"); synced != record_.synced) {
      record_.synced = synced;
      keep();
    }
    around_.changed(false);
  } else {
    word_ = Word{say,
                 config::as_text(said->get("text")),
                 config::as_flag(said->get("again")),
                 config::as_flag(said->get("from_start")),
                 config::as_integer(said->get("retry_after_s")),
                 names_of(said->get("checked")),
                 config::as_text(said->get("sha256")),
                 number("size")};
  }
}

// What is written from now on belongs to this. A connection that only goes on with what the one before brought is no
// news: a link that breaks all the time shall not wear out the flash.
void Upgrade::begun(uint64_t from, uint64_t total, const std::string& validator) {
  have_ = from;
  const bool news = from == 0 || !record_.resumed || record_.total != total || record_.validator != validator ||
                    record_.synced_boot != around_.boot_id();
  record_.resumed = record_.resumed || from != 0;
  if (from == 0) record_.synced = 0;
  record_.total = total;
  record_.validator = validator;
  record_.synced_boot = around_.boot_id();
  if (news) keep();
}

void Upgrade::errand_ended(const std::string& how) {
  const Errand was = std::exchange(errand_, Errand::none);
  Word word =
      word_.value_or(Word{"failed", "dtu-fetch ended without a result (" + how + ")", true, false, 0, "", "", 0});
  word_.reset();
  if (!running_ || was == Errand::none) return;
  around_.wake_at(0);
  allowance_.count(0, around_.unix_s(), true);
  // A kill from here on must not forget what this day has cost.
  const uint64_t number = storing_ = ++stores_;
  around_.on_disk([] { return true; },
                  [this, number, was, word](bool) {
                    if (storing_ != number) return;
                    storing_ = 0;
                    errand_over(was, word);
                  });
}

void Upgrade::errand_over(Errand was, Word word) {
  if (was == Errand::verify) return verified(word);
  if (was == Errand::signature && word.say == "failed") word.text = "the signature: " + word.text;
  if (word.say == "done") (was == Errand::image ? record_.whole : have_signature_) = true;
  fetched(word);
}

void Upgrade::fetched(const Word& word) {
  if (came_ != 0) failures_ = 0;
  if (word.say == "done") return download();
  if (word.say == "stopped") return download();  // the window, the budget or the deadline
  if (!word.again) return finish(Step::failed, word.text);
  if (word.from_start) return start_anew(word.text, word.retry_after_s);
  try_later(word.text, word.retry_after_s);
}

// Nothing of what is there is to be trusted. A later try may meet the right server: the pauses grow.
void Upgrade::start_anew(const std::string& why, int64_t least_s) {
  record_.whole = record_.resumed = have_signature_ = false;
  record_.validator.clear();
  record_.total = record_.synced = have_ = 0;
  record_.synced_boot.clear();
  const int64_t pause_s =
      std::min(kLongestPauseAnew_s, int64_t{rules_.retry_s} << std::min<uint32_t>(record_.starts_anew, 12));
  ++record_.starts_anew;
  set(Step::downloading);
  keep();
  try_later(why, std::max(least_s, pause_s));
}

void Upgrade::try_later(const std::string& why, int64_t least_s) {
  const int64_t longest = std::max<int64_t>(kLongestPause_s, rules_.retry_s);
  int64_t pause_ms = std::min(longest, int64_t{rules_.retry_s} << std::min<uint32_t>(failures_, 10)) * 1000;
  ++failures_;
  pause_ms = pause_ms * 8 / 10 + around_.random() % (pause_ms * 4 / 10 + 1);
  pause_ms = std::max(pause_ms, std::min(least_s, kLongestWish_s) * 1000);
  retry_ns_ = around_.now_ns() + pause_ms * (kSecond / 1000);
  wait(why + "; tries again in " + std::to_string((pause_ms + 999) / 1000) + " s", retry_ns_);
}

void Upgrade::verify() {
  set(Step::verifying);
  keep_then([this](bool) { begin_verifying(); });
}

void Upgrade::begin_verifying() {
  auto job = config::make_object();
  job->set("do", std::string("verify"));
  job->set("file", image());
  if (record_.order.size != 0) job->set("size", record_.order.size);
  job->set("sha256", record_.order.sha256);
  if (record_.order.sha256.empty() && rules_.keys.empty()) job->set("md5", record_.order.md5);
  config::JsonArray::Ptr keys = new config::JsonArray;
  for (const std::string& key : rules_.keys) keys->add(key);
  job->set("keys", keys);
  if (!record_.order.signature.empty())
    job->set("signature", record_.order.signature);
  else if (!rules_.keys.empty())
    job->set("signature_file", signature_file());
  job->set("mapped", rules_.max_bytes);
  if (const std::string why = around_.begin_errand(config::to_json(config::Json(job))); !why.empty())
    return finish(Step::failed, why);
  errand_ = Errand::verify;
  last_word_ns_ = around_.now_ns();
  watch_errand();
}

void Upgrade::verified(const Word& word) {
  if (word.say == "done") {
    record_.checked_by = word.checked;
    sha256_ = word.sha256;
    size_ = word.size;
    verified_ = true;
    set(Step::verified, "checked by " + word.checked);
    return keep_then([this](bool) { install_when_allowed(); });
  }
  if (word.again && ++failures_ < kMostSilentEnds) return wait(word.text, around_.now_ns() + kSecond);
  if (word.from_start) return start_anew("the file does not match the order: " + word.text, 0);
  finish(Step::failed, "the file does not match the order: " + word.text);
}

}  // namespace dtud::upgrade
