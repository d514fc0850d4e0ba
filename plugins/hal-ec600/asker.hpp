// Reads values from the modem into Values: who it is once, what changes in one exchange for all (an idle modem costs
// one exchange per interval), the rest when somebody asks. [lane]
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "modem.hpp"
#include "values.hpp"

namespace hal_ec600 {

// What is read together.
enum class Group { identity, sim, poll, cells, adc_0, adc_1, locator, gnss };

class Asker {
 public:
  using Then = std::function<void()>;
  using Now = std::function<int64_t()>;

  // changed: called when a poll, or a line that came by itself, has brought something.
  Asker(Modem& modem, Values& values, const Config& config, Now now_ms, std::function<void()> changed);

  // Reads the group; then() is called once, when it was read or could not be: Values says why. One that is being read
  // already is not read twice. Within the call when the modem takes no command.
  void read(Group group, Then then);
  // The modem restarted: who it is is read again, and what could not be read.
  void start_over();

  [[nodiscard]] std::string_view sim_state() const;
  [[nodiscard]] bool searching() const;

  // What the SIM says of itself by +CPIN; "none", "pin", ... Tells on_sim() when it is another than before.
  void set_sim(std::string_view state);
  // Told when something is likely to have changed that only a poll can tell: SIM, PIN or registration are others.
  void on_news(std::function<void()> fn) { on_news_ = std::move(fn); }
  void news() const {
    if (on_news_) on_news_();
  }
  void on_sim(std::function<void(std::string_view before, std::string_view now)> fn) { on_sim_ = std::move(fn); }

 private:
  struct Part;
  static const Part kParts[];

  void ask(std::string command, std::vector<AtForm> forms, const std::function<void(const AtResult&)>& done,
           uint32_t sim_busy_ms);
  void finish(Group group);
  void set(std::string_view name, std::string json, std::string why = {});
  void one(Group group, std::string command, AtForm form, std::function<void(const AtResult&)> take,
           std::function<void()> next = nullptr);
  void read_identity();
  void read_sim();
  void poll(size_t first);
  void take_parts(size_t first, const AtResult& result);
  [[nodiscard]] bool wants(const Part& part) const;
  void read_cells();
  void read_adc(Group group, int number);
  void read_gnss();
  void read_locator();
  void locate();
  void take_registrations();
  void registered(const char* which, std::string state, std::string technology);
  [[nodiscard]] std::string registered_technology() const;
  void locator_step(std::string command, std::function<void(const AtResult&)> next);

  Modem& modem_;
  Values& values_;
  const Config& config_;
  Now now_ms_;
  std::function<void()> changed_;
  std::function<void(std::string_view, std::string_view)> on_sim_;
  std::function<void()> on_news_;
  std::map<Group, std::vector<Then>> reading_;
  bool locator_ready_ = false;  // token and order are set since the last restart
};

}  // namespace hal_ec600
