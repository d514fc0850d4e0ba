// What a channel sends first over a connection: who this is (D13, D25). Main lane.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "commands/calls.hpp"
#include "lanes/lane.hpp"
#include "log/log.hpp"
#include "routing/router.hpp"

namespace dtud {

class Registration {
 public:
  // version: of the device document, as it is then; "" = it has none.
  Registration(Lane& lane, Log& log, commands::Calls& calls, routing::Router& router,
               std::function<std::string()> version);
  ~Registration();

  // The channel's state changed. When it begins to carry messages and its registration is due, the board is asked for
  // what the message names, for at most 5 s; until then nothing goes out.
  void look(routing::Channel& channel);
  // The channel's instance has stopped.
  void ended(routing::Channel& channel);

 private:
  class Facts;
  void begin(routing::Channel& channel);
  Facts& facts_of(const routing::Channel& channel);

  Lane& lane_;
  Log& log_;
  commands::Calls& calls_;
  routing::Router& router_;
  std::function<std::string()> version_;
  std::map<uint32_t, std::shared_ptr<Facts>> facts_;  // by channel
};

}  // namespace dtud
