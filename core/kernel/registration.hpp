// What a channel says first when it connects for the first time: who this is (D13). Main lane.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "commands/calls.hpp"
#include "routing/router.hpp"

namespace dtud {

class Registration {
 public:
  // version: of the device document, as it is then.
  Registration(commands::Calls& calls, routing::Router& router, std::function<std::string()> version)
      : calls_(calls), router_(router), version_(std::move(version)) {}

  // The channel carries messages. If its registration is due, the board is asked who it is, which takes as long as the
  // modem takes, at most the deadline of a call; until then nothing goes out.
  void channel_up(routing::Channel& channel);

 private:
  struct Facts {
    uint32_t channel = 0;
    const plugins::Instance* instance = nullptr;  // only to be compared
    std::string csq, imei, iccid;                 // JSON; "" = not known
  };
  void ask(const std::shared_ptr<Facts>& facts, size_t point);
  void send(const Facts& facts);

  commands::Calls& calls_;
  routing::Router& router_;
  std::function<std::string()> version_;
};

}  // namespace dtud
