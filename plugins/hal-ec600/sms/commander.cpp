#include "commander.hpp"

namespace hal_ec600::sms {
namespace {

constexpr uint32_t kDeadline_ms = 120'000;
constexpr int64_t kHour_ns = 3600 * int64_t{1'000'000'000};

dtu_request request_of(const Order& order, const std::string& remote) {
  dtu_request request{};
  request.caller = DTU_CALLER_REMOTE;
  request.command = dtu::str(order.name);
  request.code = order.code;
  request.args = dtu::str(order.args);
  if (order.password) request.password = dtu::str(*order.password);
  request.deadline_ms = kDeadline_ms;
  request.remote = dtu::str(remote);
  return request;
}

}  // namespace

bool Commander::may_answer() {
  const int64_t now = host_.monotonic_ns();
  while (!times_ns_.empty() && now - times_ns_.front() >= kHour_ns) times_ns_.pop_front();
  if (times_ns_.size() >= kMostAnHour) {
    ++left_out_;
    host_.warn("a command by SMS was not run: " + std::to_string(kMostAnHour) + " came within an hour");
    return false;
  }
  times_ns_.push_back(now);
  return true;
}

void Commander::refuse(const Botched& botched, const std::string& from) {
  if (!may_answer()) return;
  Order order;
  order.name = botched.word;
  answer({order, from, {}, true}, failed(order, botched.why));
}

void Commander::run(const Order& order, const std::string& from, const std::string& trouble) {
  if (!may_answer()) return;
  if (!trouble.empty()) return answer({order, from, {}, true}, failed(order, trouble));
  running_.remove_if([](const Running& r) { return r.over; });
  if (running_.size() >= kMostRunning)
    return answer({order, from, {}, true}, failed(order, "8 commands run already: send it again later"));
  running_.push_back({order, from, {}, false});
  Running& running = running_.back();
  ++ran_;
  const std::string remote = "sms " + from;
  running.call = dtu::ask(host_, request_of(running.order, remote), [this, &running](const dtu::Answer& a) {
    running.over = true;
    answer(running, a.ok() ? done(running.order, a.json) : failed(running.order, a.error));
  });
  if (running.call) return;
  running.over = true;
  answer(running, failed(running.order, running.call.error()));
}

void Commander::answer(const Running& running, const std::string& text) {
  try {
    outbox_.send(running.from, text, [this](const SendResult& result) {
      if (result.trouble.empty()) return;
      ++unanswered_;
      host_.warn("the answer to a command by SMS was not sent: " + result.trouble);
    });
  } catch (const dtu::Failure& failure) {
    ++unanswered_;
    host_.warn(std::string("the answer to a command by SMS was not sent: ") + failure.what());
  }
}

}  // namespace hal_ec600::sms
