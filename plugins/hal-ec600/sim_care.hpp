// Looks after the SIM: enters its PIN (field-troubles A8) and switches the radio off and on when a SIM that was there
// is lost (A6). [lane]
//
// The PIN is entered only after SIM PIN was read twice, 2 s apart, because a SIM that starts reports it falsely; once
// for each pair of SIM and PIN, which is remembered in dtu.kv before it is entered and lives through a power cut; once
// more when it was cut off and the SIM has as many attempts left as before; never
// with fewer than two attempts left, nor where the modem has a counter of them that cannot be read; never at PUK or
// PIN2.
#pragma once
#include <dtu/sdk/kept.hpp>

#include <optional>
#include <string>

#include "asker.hpp"

namespace hal_ec600 {

class SimCare {
 public:
  SimCare(dtu::Host host, Modem& modem, Asker& asker, Values& values, const Config& config);
  void start();
  void stop();
  void modem_ready();
  void modem_unready();
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }  // "" when nothing is to be done

  struct Counter {  // of the attempts left: what is asked, the form of its lines, and which secret counts
    const char *command, *form, *secret;
  };

 private:
  enum class Step { idle, first_reading, entering, entered };
  void changed(std::string_view before, std::string_view now);
  void second_reading();
  void count_attempts();
  void count_attempts(const Counter& counter);
  void identify();
  void enter(const std::string& iccid);
  void send_pin(const std::string& key);
  void give_up(std::string why);
  void lost_look();
  void ask(std::string command, std::vector<AtForm> forms, std::function<void(const AtResult&)> done);

  dtu::Host host_;
  Modem& modem_;
  Asker& asker_;
  Values& values_;
  const Config& config_;
  std::optional<dtu::Kept> kept_;
  std::optional<dtu::Timer> pin_timer_, lost_timer_;
  Step step_ = Step::idle;
  uint64_t round_ = 0;  // answers of an earlier one are left alone
  bool was_ready_ = false;
  bool away_ = false;            // lost_timer_ counts
  std::optional<int64_t> left_;  // attempts at the PIN, as read last
  std::string entered_;          // the key of the PIN that the modem took, until the SIM is ready
  uint32_t busy_ = 0;            // entries answered "SIM busy"
  uint32_t toggles_ = 0;         // since the SIM was ready
  std::string trouble_;
};

}  // namespace hal_ec600
