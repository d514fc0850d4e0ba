#include "upgrade/upgrade.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "config/json_text.hpp"
#include "config/store.hpp"

namespace dtud::upgrade {

using config::Json;
using config::make_object;

namespace {

void remove_files(const std::string& image, const std::string& signature) {
  for (const std::string& file : {image, signature}) ::unlink(file.c_str());
}

}  // namespace

Upgrade::Upgrade(Surroundings& around, config::UpgradeConfig rules, std::string folder)
    : around_(around),
      rules_(std::move(rules)),
      folder_(std::move(folder)),
      allowance_(rules_.window, rules_.bytes_per_day, folder_ + "/budget.json"),
      record_file_(std::make_shared<config::StateFile>(folder_ + "/order.json", kMostRecord)) {
  allowance_.write_by([this](std::function<bool()> job) { around_.on_disk(std::move(job), [](bool) {}); });
}

void Upgrade::start() {
  running_ = true;
  began_ns_ = around_.now_ns();
  board_by_ns_ = began_ns_ + int64_t{rules_.confirm_s} * 1'000'000'000;
  if (const std::string wrong = load(*record_file_, record_); !wrong.empty())
    around_.say(Level::error, "the result of the last order is unknown: " + wrong);
  if (!allowance_.problem().empty())
    around_.say(Level::error, "the count of the bytes of today starts at 0 again: " + allowance_.problem());
  if (record_file_->unread()) return;                                         // what was downloaded may be needed again
  if (is_over(record_.step)) return remove_files(image(), signature_file());  // a power cut may have come first
  around_.say(Level::info, "continues order " + std::to_string(record_.id) + ", " + describe(record_.order) + ": " +
                               name_of(record_.step));
  struct stat info {};
  if (::stat(image().c_str(), &info) == 0) have_ = static_cast<uint64_t>(info.st_size);
  record_.resumed = record_.resumed || have_ != 0;
  go_on();
}

void Upgrade::stop() {
  running_ = false;
  ++turn_;
  around_.wake_at(0);
  around_.drop_errand();
  storing_ = 0;
  if (!finishing_ && !is_over(record_.step) && spent_s() - record_.spent_s > 60) keep();
}

void Upgrade::go_on() {
  switch (record_.step) {
    case Step::checked:
    case Step::downloading:
    case Step::verifying:
      return download();
    case Step::verified:
      return verified_ ? install_when_allowed() : download();
    case Step::installing:
    case Step::restarting:
    case Step::confirming:
      return look_at_board();
    default:
      return;
  }
}

void Upgrade::board_changed() {
  if (!running_) return;
  around_.facts([this](const FactsByKind& facts) { offers_ = facts; });
  if (storing_ != 0) return;
  if (record_.step == Step::restarting || (record_.step == Step::installing && !installing_)) look_at_board();
}

void Upgrade::look() {
  if (running_ && storing_ == 0 && record_.step == Step::confirming) look_at_health();
}

void Upgrade::wake() {
  if (!running_ || storing_ != 0) return;  // what comes after the record is written sets the next time
  if (errand_ != Errand::none) return watch_errand();
  if (installing_) return;
  if (record_.step == Step::confirming) return look_at_health();
  go_on();
}

std::function<bool()> Upgrade::still() const {
  return [this, turn = turn_] { return running_ && turn_ == turn; };
}

void Upgrade::set(Step step, const std::string& note) {
  const bool news = record_.step != step || record_.note != note;
  record_.step = step;
  record_.note = note;
  if (!news) return;
  ++seen_;
  around_.say(Level::info,
              "order " + std::to_string(record_.id) + ": " + name_of(step) + (note.empty() ? "" : ", " + note));
  around_.changed(true);
}

void Upgrade::note(const std::string& text) { set(record_.step, text); }

void Upgrade::keep() {
  record_.spent_s = spent_s();
  began_ns_ = around_.now_ns();
  write(record_, Files::stay, nullptr);
}

void Upgrade::keep_then(std::function<void(bool)> then) {
  record_.spent_s = spent_s();
  began_ns_ = around_.now_ns();
  store(record_, Files::stay, std::move(then));
}

void Upgrade::store(const Record& record, Files files, std::function<void(bool)> then) {
  const uint64_t number = storing_ = ++stores_;
  write(record, files, [this, number, then = std::move(then)](bool written) {
    if (storing_ != number) return;
    storing_ = 0;
    then(written);
  });
}

void Upgrade::write(const Record& record, Files files, std::function<void(bool)> then) {
  const auto error = std::make_shared<std::string>();
  around_.on_disk(
      [file = record_file_, record, files, error, image = image(), signature = signature_file()] {
        if (files == Files::go_before) remove_files(image, signature);
        const bool written = save(*file, record, *error);
        if (files == Files::go_after) remove_files(image, signature);
        return written;
      },
      [this, error, then = std::move(then)](bool written) {
        if (!written) around_.say(Level::error, *error);
        if (then) then(written);
      });
}

int64_t Upgrade::spent_s() const { return record_.spent_s + (around_.now_ns() - began_ns_) / 1'000'000'000; }

void Upgrade::finish(Step step, const std::string& text, std::function<void()> then) {
  ++turn_;
  around_.drop_errand();
  around_.wake_at(0);
  errand_ = Errand::none;
  installing_ = cancel_asked_ = have_signature_ = verified_ = false;
  const bool bad = step != Step::took && step != Step::cancelled;
  record_.spent_s = spent_s();
  began_ns_ = around_.now_ns();
  Record next = record_;
  next.error = bad ? text : "";
  next.note = bad ? "" : text;
  next.step = step;
  finishing_ = true;
  // The files go after it: a power cut from here on finds it ended.
  store(next, Files::go_after, [this, next, bad, text, then = std::move(then)](bool) {
    finishing_ = false;
    record_ = next;
    ++seen_;
    around_.say(bad ? Level::error : Level::info, "order " + std::to_string(record_.id) + ", " +
                                                      describe(record_.order) + ": " + name_of(record_.step) +
                                                      (text.empty() ? "" : ": " + text));
    around_.changed(true);
    if (then) then();
  });
}

void Upgrade::cancel(const std::string& source, const commands::Done& done) {
  if (is_over(record_.step)) return done({DTU_E_NOT_FOUND, "", "no upgrade is under way"});
  if (finishing_) return done({DTU_AGAIN, "", "the end of the upgrade is being stored: try again"});
  if (record_.step >= Step::restarting)
    return done({DTU_E_UNSUPPORTED, "", "the upgrade is installed and cannot be cancelled"});
  if (!installing_) return finish(Step::cancelled, "by " + source, [this, done] { done({DTU_OK, state(), ""}); });
  const bool can = around_.cancel_install([this, same = still()](const commands::Answer& answer) {
    if (answer.status == DTU_OK || !same() || !installing_) return;
    cancel_asked_ = false;
    note("cannot be cancelled: " + answer.error);
  });
  if (!can) return done({DTU_E_UNSUPPORTED, "", "the board cannot stop an installation that has begun"});
  cancel_asked_ = true;
  note("is being cancelled");
  done({DTU_OK, state(), ""});
}

void Upgrade::confirm(const std::string& source, commands::Done done) {
  if (record_.step != Step::confirming && record_.step != Step::unconfirmed)
    return done({DTU_E_NOT_FOUND, "", "there is nothing to confirm"});
  mark_good([this, source, done = std::move(done)](const commands::Answer& answer) {
    if (answer.status != DTU_OK) return done(answer);
    if (storing_ != 0) return done({DTU_AGAIN, "", "another step of the upgrade is being stored: try again"});
    record_.confirmed = true;
    finish(Step::took, "confirmed by " + source, [this, done] { done({DTU_OK, state(), ""}); });
  });
}

bool Upgrade::told(uint64_t id) {
  if (id != record_.id || !is_over(record_.step)) return false;
  if (!std::exchange(record_.told, true) && storing_ == 0) keep();  // else a new order takes its place
  return true;
}

std::string Upgrade::state() const {
  auto o = make_object();
  o->set("step", std::string(name_of(record_.step)));
  o->set("seen", seen_);
  auto offers = make_object();
  for (const auto& [kind, facts] : offers_) offers->set(kind, facts.version);
  o->set("runs", offers);
  if (rules_.bytes_per_day != 0) {
    o->set("bytes_per_day", rules_.bytes_per_day);
    o->set("bytes_today", allowance_.bytes_today());
  }
  if (record_.id == 0) return config::to_json(Json(o));
  const Order& order = record_.order;
  const uint64_t size = order.size != 0 ? order.size : record_.total;
  const bool over = is_over(record_.step);
  o->set("id", record_.id);
  o->set("over", over);
  o->set("source", order.source);
  o->set("kind", order.kind);
  o->set("version", order.version);
  o->set("url", shown_url(order));
  o->set("previous_version", record_.previous_version);
  o->set("note", record_.note);
  o->set("error", record_.error);
  o->set("checked_by", record_.checked_by);
  o->set("confirmed", record_.confirmed);
  o->set("told", record_.told);
  o->set("bytes", have_);
  o->set("size", size);
  int64_t percent = size == 0 ? -1 : static_cast<int64_t>(have_ * 100 / size);
  if (record_.step == Step::installing) percent = percent_;
  if (record_.step == Step::restarting || record_.step == Step::confirming || record_.step == Step::took) percent = 100;
  if (over && record_.step != Step::took) percent = -1;
  o->set("percent", percent);
  if (!order.tag.empty()) o->set("tag", config::parse_trusted(order.tag));
  return config::to_json(Json(o));
}

}  // namespace dtud::upgrade
