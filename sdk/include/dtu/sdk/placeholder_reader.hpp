// Reading the values of placeholders, whoever answers: which value is still to come, until when, what is logged.
// A plugin uses HostPlaceholders of placeholder_values.hpp.
#pragma once
#include <dtu/sdk/json.hpp>
#include <dtu/sdk/placeholders.hpp>

#include <functional>

namespace dtu {

// [lane]
class PlaceholderReader {
 public:
  using Done = std::function<void(const PlaceholderValues&)>;
  static constexpr int64_t kWaitNs = 5'000'000'000, kRetryNs = 500'000'000;

  PlaceholderReader() = default;
  PlaceholderReader(const PlaceholderReader&) = delete;
  PlaceholderReader& operator=(const PlaceholderReader&) = delete;
  virtual ~PlaceholderReader() = default;

  // Calls `done` once, within this call when nothing has to be read, else later. A value that the board has and cannot
  // tell yet is asked for again, for 5 s from the first read; without a value by then the placeholder is empty, which
  // is logged once, but for those of `silent`. Ends the read before, whose `done` is not called.
  void read(PlaceholderSet wanted, Done done, PlaceholderSet silent = {}) {
    done_ = std::move(done);
    silent_ = silent;
    deadline_ns_ = now_ns() + kWaitNs;
    for (size_t i = 0; i < kReadable; ++i) {
      Value& value = at(i);
      value.settled = value.kept || !wanted.has(static_cast<Placeholder>(i));
      if (value.settled) continue;
      if (!value.asked)
        ask_for(i);
      else if (value.awaited)
        settle(i, {});  // the board still owes the last answer
    }
    go_on();
  }
  void cancel() {
    done_ = nullptr;
    disarm();
  }

 protected:
  static constexpr size_t kReadable = static_cast<size_t>(Placeholder::id);  // {id} is replaced before create()
  static constexpr std::array<const char*, kReadable> kPoints{"device.imei", "sim.iccid", "radio.csq",
                                                              "device.version"};

  // Asks for the value of `which`, a place in kPoints: answered() follows, never within this call. Else why not.
  virtual dtu_status ask(size_t which) = 0;
  virtual void arm(int64_t delay_ns) = 0;  // due() is called after it; replaces what was armed before
  virtual void disarm() = 0;
  virtual int64_t now_ns() = 0;
  virtual void warn(const std::string& text) = 0;

  // json: a JSON value; "" = null.
  void answered(size_t which, dtu_status status, std::string_view json) {
    Value& value = at(which);
    value.asked = false;
    if (done_ == nullptr || value.settled) return;
    take(which, status, json);
    go_on();
  }
  void due() {
    if (done_ == nullptr) return;
    const bool over = now_ns() >= deadline_ns_;
    for (size_t i = 0; i < kReadable; ++i) {
      if (at(i).settled || (at(i).asked && !over)) continue;
      if (over)
        settle(i, {});
      else
        ask_for(i);
    }
    go_on();
  }

 private:
  struct Value {
    bool asked = false;     // and not answered
    bool settled = false;   // nothing more is waited for
    bool kept = false;      // known, and never another one
    bool awaited = false;   // 5 s went by without it, once: it is not waited for again
    bool reported = false;  // that there is none
  };
  Value& at(size_t which) { return state_[which]; }

  void ask_for(size_t which) {
    at(which).asked = true;
    const dtu_status status = ask(which);
    if (status == DTU_OK) return;
    at(which).asked = false;
    take(which, status, {});
  }

  static std::string text_of(std::string_view json) {
    try {
      const Json value(json);
      if (!value.exists() || json.front() == '{' || json.front() == '[') return {};
      return json.front() == '"' ? value.text() : std::string(value.raw());
    } catch (const Failure&) {
      return {};
    }
  }

  void take(size_t which, dtu_status status, std::string_view json) {
    std::string text = status == DTU_OK && !json.empty() ? text_of(json) : std::string();
    if (static_cast<Placeholder>(which) == Placeholder::ver) text = plain_version(std::move(text));
    const bool never = status == DTU_E_NOT_FOUND || status == DTU_E_UNSUPPORTED;
    if (!text.empty() || never || at(which).awaited || now_ns() >= deadline_ns_) settle(which, std::move(text));
  }

  // As function code 2 shows it after its "v ".
  static std::string plain_version(std::string text) {
    if (!text.empty() && (text[0] == 'v' || text[0] == 'V')) text.erase(0, 1);
    text.erase(0, text.find_first_not_of(' '));
    return text;
  }

  void settle(size_t which, std::string text) {
    Value& value = at(which);
    const auto name = static_cast<Placeholder>(which);
    value.settled = true;
    value.awaited = text.empty() && (value.awaited || now_ns() >= deadline_ns_);
    value.kept = !text.empty() && name == Placeholder::imei;
    if (text.empty() && name == Placeholder::ver) text = "0";
    if (text.empty() && !value.reported && !silent_.has(name)) {
      const std::string point = kPoints[which];
      warn("{" + std::string(kPlaceholders[which]) + "} is left empty: " +
           (value.awaited ? point + " had no value within 5 s" : "this board has no point " + point));
      value.reported = true;
    }
    if (!text.empty()) value.reported = false;
    values_[name] = std::move(text);
  }

  void go_on() {
    bool all = true;
    for (const Value& value : state_) all = all && value.settled;
    if (!all) {
      const int64_t left = deadline_ns_ - now_ns();
      return arm(left < kRetryNs ? (left > 0 ? left : 0) : kRetryNs);
    }
    disarm();
    if (const Done done = std::exchange(done_, nullptr)) done(values_);
  }

  std::array<Value, kReadable> state_{};
  PlaceholderValues values_;
  PlaceholderSet silent_;
  Done done_;
  int64_t deadline_ns_ = 0;
};

}  // namespace dtu
