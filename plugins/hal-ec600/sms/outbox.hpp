// Sends SMS in PDU mode, one message at a time, its parts in order. Other exchanges may run between two parts. [lane]
#pragma once
#include <dtu/sdk/host.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "../at_engine.hpp"
#include "pdu.hpp"

namespace hal_ec600::sms {

struct SendResult {
  std::string trouble;               // "" = all parts were taken by the network
  std::vector<unsigned> references;  // of the parts that were taken
  size_t parts = 0;
};

class Outbox {
 public:
  static constexpr size_t kMostWaiting = 16;

  Outbox(dtu::Host host, AtEngine& engine) : host_(host), engine_(engine) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  using Done = std::function<void(const SendResult&)>;
  // Its id. Throws dtu::Failure: the number or the text cannot be sent, or kMostWaiting messages wait.
  uint64_t send(std::string_view number, std::string_view text, Done done);
  // Nobody waits for it any more: it is not sent, unless a part is out already; then the others follow.
  void give_up(uint64_t id);
  void stop();  // ends all, and says so

  [[nodiscard]] uint64_t sent() const { return sent_; }      // messages
  [[nodiscard]] uint64_t failed() const { return failed_; }  // messages
  [[nodiscard]] size_t waiting() const { return waiting_.size(); }

 private:
  struct Sending {
    uint64_t id;
    std::vector<Submit> parts;
    Done done;
    SendResult result;
  };
  void begin();
  void part_done(const AtResult& result);
  void end(const std::string& trouble);

  dtu::Host host_;
  AtEngine& engine_;
  std::deque<Sending> waiting_;  // the first is under way
  bool busy_ = false;
  uint8_t reference_ = 0;
  uint64_t last_id_ = 0, sent_ = 0, failed_ = 0;
};

}  // namespace hal_ec600::sms
