// The points of the modem: how they are named, and how old what they say may be. [lane]
#pragma once
#include <dtu/sdk/component.hpp>

#include <deque>
#include <list>
#include <optional>
#include <string>

#include "asker.hpp"
#include "network.hpp"

namespace hal_ec600 {

class BoardPoints {
 public:
  BoardPoints(dtu::Host host, Modem& modem, Asker& asker, Values& values, const Network& network, const Config& config);

  void list(const dtu::PointsIface::Each& each) const;
  // Answers with the value and its age: at once when it is young enough, else when it was read. Young enough is poll_s
  // for what is polled, 2 s for the rest and for every failure; the locator is asked seldom; who the modem and its SIM
  // are is read once. Stale is what is older than three times poll_s, or what was last heard of a modem that does not
  // answer now. While the modem starts, a value that is not known waits for it, up to 10 s. While another command has
  // the line for seconds, what is known is answered, or the command is named. Throws DTU_E_NOT_FOUND, and
  // DTU_E_UNSUPPORTED for what this variant lacks or board.json leaves out.
  void read(std::string_view name, uint64_t call);
  void start();
  void stop();
  void modem_ready();
  void modem_unready();

 private:
  struct Point;
  static const Point kPoints[];
  struct Waiting {
    std::string name;
    uint64_t call;
  };

  [[nodiscard]] static const Point* find(std::string_view name);
  void refuse(const Point& point) const;
  [[nodiscard]] bool is_fresh(const Point& point, const Value& value) const;
  [[nodiscard]] bool is_starting() const;
  void read_or_ask(const Point& point, uint64_t call);
  void answer(const Point& point, uint64_t call, const std::string& holder = {}) const;
  void answer_waiting();
  void asked_look();
  [[nodiscard]] std::string line_holder(Group group, uint32_t most_ms) const;  // "AT+CMGS"; "" = none for so long
  [[nodiscard]] std::string modem_state() const;

  dtu::Host host_;
  Modem& modem_;
  Asker& asker_;
  Values& values_;
  const Network& network_;
  const Config& config_;
  std::optional<dtu::Timer> patience_, asked_timer_;
  std::deque<Waiting> waiting_;  // for the modem to be ready
  struct Asked {
    const Point* point;
    uint64_t call;
    int64_t since_ms;
  };
  std::list<Asked> asked_;  // the modem is being asked for them
};

}  // namespace hal_ec600
