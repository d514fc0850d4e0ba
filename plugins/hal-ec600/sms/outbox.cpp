#include "outbox.hpp"

#include <algorithm>
#include <utility>

#include "../at_chain.hpp"

namespace hal_ec600::sms {
namespace {

AtExchange submit_of(const Submit& part) {
  AtExchange ask{"AT+CMGS=" + std::to_string(part.length)};
  ask.forms = {{"+CMGS: n"}, {"+CMGS: n,*"}};
  ask.prompt = AtPrompt{part.hex, true};
  return ask;
}

}  // namespace

uint64_t Outbox::send(std::string_view number, std::string_view text, Done done) {
  if (waiting_.size() >= kMostWaiting)
    throw dtu::Failure::retryable(DTU_AGAIN, std::to_string(kMostWaiting) + " SMS wait to be sent: try again later");
  Sending sending{++last_id_, encode(number, text, ++reference_), std::move(done), {}};
  sending.result.parts = sending.parts.size();
  waiting_.push_back(std::move(sending));
  begin();
  return last_id_;
}

void Outbox::give_up(uint64_t id) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const Sending& s) { return s.id == id; });
  if (found == waiting_.end()) return;
  found->done = nullptr;
  if (found != waiting_.begin()) waiting_.erase(found);
}

void Outbox::stop() {
  for (Sending& sending : std::exchange(waiting_, {}))
    if (sending.done) sending.result.trouble = "the modem was stopped", sending.done(sending.result);
}

// CMGF is set for each part: another program, or modem.at, may have changed it (field-troubles 5.4).
void Outbox::begin() {
  if (busy_ || waiting_.empty()) return;
  busy_ = true;
  const Sending& sending = waiting_.front();
  run_chain(engine_, {AtExchange{"AT+CMGF=0"}, submit_of(sending.parts.at(sending.result.references.size()))},
            [this](const std::vector<AtResult>& results) { part_done(results.back()); });
}

void Outbox::part_done(const AtResult& result) {
  busy_ = false;
  if (waiting_.empty()) return;  // stopped meanwhile
  Sending& sending = waiting_.front();
  if (!result.ok()) {
    std::string trouble = result.text;
    if (sending.parts.size() > 1)
      trouble = "part " + std::to_string(sending.result.references.size() + 1) + " of " +
                std::to_string(sending.parts.size()) + " was not sent: " + trouble;
    const bool unknown = result.end == AtEnd::timeout || result.end == AtEnd::restarted || result.end == AtEnd::gone;
    if (unknown && result.handed_over) trouble += "; it may have been sent all the same";
    return end(trouble);
  }
  const auto reference = at_number(at_fields(result.line("+CMGS:")), 0);
  sending.result.references.push_back(static_cast<unsigned>(reference.value_or(0)));
  if (sending.result.references.size() == sending.parts.size()) return end("");
  begin();
}

void Outbox::end(const std::string& trouble) {
  Sending sending = std::move(waiting_.front());
  waiting_.pop_front();
  ++(trouble.empty() ? sent_ : failed_);
  sending.result.trouble = trouble;
  if (sending.done) sending.done(sending.result);
  begin();
}

}  // namespace hal_ec600::sms
