// Runs commands that came by SMS, for their sender: with the sender's rights, so the password is needed where the
// command needs one, and wrong ones are counted and audited by dtud. The answer goes back by SMS. [lane]
#pragma once
#include <dtu/sdk/calls.hpp>

#include <deque>
#include <list>
#include <string>

#include "order.hpp"
#include "outbox.hpp"

namespace hal_ec600::sms {

class Commander {
 public:
  static constexpr size_t kMostRunning = 8;
  static constexpr size_t kMostAnHour = 60;  // each is answered, which costs money, and a sender can be forged

  Commander(dtu::Host host, Outbox& outbox) : host_(host), outbox_(outbox) {}
  Commander(const Commander&) = delete;
  Commander& operator=(const Commander&) = delete;

  // trouble: why it is not run, which is the answer then; "": it is run.
  void run(const Order& order, const std::string& from, const std::string& trouble);
  // Says what is wrong with a text that was meant as a command; within the same limit.
  void refuse(const Botched& botched, const std::string& from);
  void stop() { running_.clear(); }

  [[nodiscard]] uint64_t ran() const { return ran_; }
  [[nodiscard]] uint64_t left_out() const { return left_out_; }      // above kMostAnHour: neither run nor answered
  [[nodiscard]] uint64_t unanswered() const { return unanswered_; }  // the answer could not be sent

 private:
  bool may_answer();
  struct Running {
    Order order;
    std::string from;
    dtu::Call call;
    bool over = false;
  };
  void answer(const Running& running, const std::string& text);

  dtu::Host host_;
  Outbox& outbox_;
  std::list<Running> running_;
  std::deque<int64_t> times_ns_;  // of the last hour
  uint64_t ran_ = 0, unanswered_ = 0, left_out_ = 0;
};

}  // namespace hal_ec600::sms
