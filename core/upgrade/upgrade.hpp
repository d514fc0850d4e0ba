// Upgrades, one at a time: ordered, checked, downloaded, verified, handed to the board, proven after the restart. Every
// step is on the disk before it is taken, so that a restart or a power cut in the middle goes on from there: an upgrade
// either happens or does not. Main lane; the disk is waited for elsewhere (Surroundings::on_disk), and nothing else
// happens to the order meanwhile but a cancellation.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "commands/answer.hpp"
#include "config/documents.hpp"
#include "config/json_value.hpp"
#include "upgrade/allowance.hpp"
#include "upgrade/record.hpp"
#include "upgrade/surroundings.hpp"

namespace dtud::upgrade {

class Upgrade {
 public:
  // folder: made when the first order comes.
  Upgrade(Surroundings& around, config::UpgradeConfig rules, std::string folder);
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;

  void start();                      // goes on with what a run before left
  void board_changed();              // a HAL started
  void look();                       // a channel may carry by now
  void progressed(int32_t percent);  // of the installation; -1: not known
  void stop();                       // dtud ends: nothing more happens
  void wake();                       // the time asked for with wake_at has come

  // Whether its asker may order: function codes 55 and 62 are for everybody but the console and plugins themselves.
  struct Switches {
    bool fota = true;  // false: only with force
    bool ota = true;   // false: not at all
  };
  // `args` satisfies kOrderSchema. Answered with state() when the order is taken.
  void order(const config::JsonObject& args, const std::string& source, const Switches& switches, commands::Done done);
  void cancel(const std::string& source, const commands::Done& done);
  void confirm(const std::string& source, commands::Done done);  // marks what runs as good
  // Who ordered it knows how it ended. False: that order is not the last one, or not over.
  bool told(uint64_t id);

  [[nodiscard]] std::string state() const;  // one JSON object
  // An installation begins as soon as that is on the disk.
  [[nodiscard]] bool installs() const { return storing_ != 0 && record_.step == Step::installing; }
  [[nodiscard]] uint64_t seen() const { return seen_; }  // another number after every step

  // From the errand.
  void errand_said(std::string_view line);
  void errand_ended(const std::string& how);

 private:
  enum class Errand { none, image, signature, verify };
  struct Word {  // the errand's last
    std::string say, text;
    bool again = false, from_start = false;
    int64_t retry_after_s = 0;
    std::string checked, sha256;
    uint64_t size = 0;
  };

  // ordering.cpp
  void judge(const FactsByKind& facts);
  void accept(const Facts& facts);
  void refuse(dtu_status status, const std::string& why);
  void check_conditions(const Conditions& conditions, uint64_t room, std::function<void(const std::string&)> then);

  // downloading.cpp
  void download();
  void begin_fetch();
  void begun(uint64_t from, uint64_t total, const std::string& validator);
  void fetched(const Word& word);
  void verify();
  void verified(const Word& word);
  void start_anew(const std::string& why, int64_t least_s);
  void try_later(const std::string& why, int64_t least_s);
  void wait(const std::string& why, int64_t ns);
  void watch_errand();
  [[nodiscard]] int64_t spent_s() const;

  // installing.cpp
  void install_when_allowed();
  void install();
  void installed(const commands::Answer& answer);
  void restart();
  void look_at_board();
  void compare(const FactsByKind& facts);
  void begin_confirming(bool confirmed);
  void look_at_health();
  void mark_good(commands::Done done);

  void go_on();
  void set(Step step, const std::string& note = {});
  // The record is written; nobody waits for it.
  void keep();
  // The record is written, and then(written) goes on from there, unless something overtakes it.
  void keep_then(std::function<void(bool)> then);
  enum class Files { stay, go_before, go_after };  // the image and its signature
  void store(const Record& record, Files files, std::function<void(bool)> then);
  void write(const Record& record, Files files, std::function<void(bool)> then);
  void finish(Step step, const std::string& text, std::function<void()> then = nullptr);
  void accepted(const Record& next);
  void begin_verifying();
  void errand_over(Errand was, Word word);
  void note(const std::string& text);
  [[nodiscard]] std::string image() const { return folder_ + "/image"; }
  [[nodiscard]] std::string signature_file() const { return folder_ + "/image.sig"; }
  [[nodiscard]] std::function<bool()> still() const;        // nothing has overtaken the answer that is waited for
  [[nodiscard]] std::function<bool()> still_asked() const;  // it is the same order that is being checked

  Surroundings& around_;
  const config::UpgradeConfig rules_;
  const std::string folder_;
  Allowance allowance_;
  std::shared_ptr<config::StateFile> record_file_;  // shared with jobs
  Record record_;
  FactsByKind offers_;    // what the board said last
  bool running_ = false;  // between start() and stop()
  uint64_t turn_ = 0;     // counts what may overtake an answer that is waited for
  uint64_t seen_ = 1;
  uint64_t storing_ = 0, stores_ = 0;  // the number of the record that is waited for, 0: none; and of the last one
  bool finishing_ = false;             // it is that of the end

  struct Asked {
    uint64_t id;
    Order order;
    commands::Done done;
  };
  std::optional<Asked> asked_;  // an order that is being checked
  uint64_t asks_ = 0;

  Errand errand_ = Errand::none;
  std::optional<Word> word_;
  int64_t last_word_ns_ = 0;
  uint64_t have_ = 0, came_ = 0;  // bytes of the file, bytes of this run
  uint32_t failures_ = 0;         // in a row
  int64_t retry_ns_ = 0;
  int64_t began_ns_ = 0;         // since then spent_s is not written down
  bool have_signature_ = false;  // in this run
  bool verified_ = false;        // in this run
  std::string sha256_;           // of the file that was verified
  uint64_t size_ = 0;

  int32_t percent_ = -1;  // of the installation
  bool installing_ = false, cancel_asked_ = false;
  int64_t board_by_ns_ = 0, confirm_by_ns_ = 0;
  bool marking_ = false;
};

}  // namespace dtud::upgrade
