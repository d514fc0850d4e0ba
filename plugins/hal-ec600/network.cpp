#include "network.hpp"

#include <deque>
#include <memory>
#include <utility>

namespace hal_ec600 {
namespace {

constexpr const char* kSetHere = "apn";

bool can_be_quoted(const std::string& text) {
  for (const char c : text)
    if (c < ' ' || c > '~' || c == '"') return false;
  return true;
}

}  // namespace

// Commands to be sent one behind the other, as one transaction; the first that fails ends it.
struct Network::Plan {
  uint64_t call = 0;
  std::deque<std::pair<std::string, bool>> steps;  // the command, and whether its failure matters
  bool same_context = false, same_login = false, active = false;
};

Network::Network(dtu::Host host, Modem& modem) : host_(host), modem_(modem) {
  if (host.service<dtu_kv_service>(DTU_KV_SERVICE) != nullptr) kept_.emplace(host);
}

void Network::configure(const dtu::NetworkSettings& settings, uint64_t call) {
  constexpr size_t kLongest = 100;
  for (const std::string* text : {&settings.apn, &settings.user, &settings.password})
    if (text->size() > kLongest || !can_be_quoted(*text))
      throw dtu::Failure(DTU_E_INVALID, "apn, user and password have up to 100 printable ASCII characters, without \"");
  settings_ = settings;
  ++configured_;
  if (modem_.is_ready()) return apply(call);
  host_.reply(call, "");  // it is set when the modem is there
}

void Network::modem_ready() {
  if (configured_ != 0) apply(0);
}

void Network::finish(uint64_t call, const std::string& why) {
  if (why != trouble_ && !why.empty()) host_.warn("access point: " + why);
  trouble_ = why;
  if (call == 0) return;
  if (why.empty())
    host_.reply(call, "");
  else
    host_.reply_error(call, DTU_E_IO, why, DTU_ERR_RETRYABLE);
}

void Network::apply(uint64_t call) {
  const bool set_here = kept_ && kept_->get(kSetHere).has_value();
  if (settings_.apn.empty() && settings_.user.empty() && !set_here) return finish(call, {});
  if (kept_ && !set_here) (void)kept_->set(kSetHere, "1");
  auto plan = std::make_shared<Plan>();
  plan->call = call;
  read_context(plan);
}

// What is there is read first: the modem keeps it in flash.
void Network::read_context(const std::shared_ptr<Plan>& plan) {
  const uint64_t call = plan->call;
  AtExchange question;
  question.command = "AT+CGDCONT?;+QICSGP=1;+QIACT?";
  question.forms = {{"+CGDCONT: *", "", true}, {"+QICSGP: *", "", true}, {"+QIACT: *", "", true}};
  question.done = [this, plan](const AtResult& r) {
    for (const std::string& line : r.lines) {
      const auto f = at_fields(line);
      if (line.compare(0, 9, "+CGDCONT:") == 0 && at_text(f, 0) == "1")
        plan->same_context = at_text(f, 2) == settings_.apn;
      if (line.compare(0, 8, "+QICSGP:") == 0)
        plan->same_login =
            at_text(f, 1) == settings_.apn && at_text(f, 2) == settings_.user && at_text(f, 3) == settings_.password;
      if (line.compare(0, 7, "+QIACT:") == 0 && at_text(f, 0) == "1") plan->active = at_text(f, 1) == "1";
    }
    if (r.end == AtEnd::gone || r.end == AtEnd::restarted || r.end == AtEnd::timeout) return finish(plan->call, r.text);
    if (plan->same_context && plan->same_login) return finish(plan->call, {});
    if (plan->active) plan->steps.emplace_back("AT+QIDEACT=1", true);
    plan->steps.emplace_back("AT+CGDCONT=1,\"IP\",\"" + settings_.apn + "\"", true);
    const char* login = settings_.user.empty() ? "0" : "1";  // PAP
    const bool matters = !settings_.apn.empty();             // not every variant takes an empty one
    plan->steps.emplace_back(
        "AT+QICSGP=1,1,\"" + settings_.apn + "\",\"" + settings_.user + "\",\"" + settings_.password + "\"," + login,
        matters);
    if (plan->active) plan->steps.emplace_back("AT+QIACT=1", true);
    run(plan);
  };
  if (modem_.engine().submit(std::move(question)) == 0) finish(call, modem_.engine().refusal());
}

void Network::run(const std::shared_ptr<Plan>& plan) {
  if (plan->steps.empty()) return finish(plan->call, {});
  AtExchange step;
  step.command = plan->steps.front().first;
  step.done = [this, plan, matters = plan->steps.front().second](const AtResult& r) {
    if (!r.ok() && matters) return finish(plan->call, r.text);
    run(plan);
  };
  plan->steps.pop_front();
  if (modem_.engine().submit(std::move(step), AtPlace::next) == 0) finish(plan->call, modem_.engine().refusal());
}

void Network::attach(uint64_t call) {
  auto plan = std::make_shared<Plan>();
  plan->call = call;
  plan->steps = {{"AT+CGATT=1", true}, {"AT+QIACT=1", true}};
  run(plan);
}

void Network::detach(uint64_t call) {
  auto plan = std::make_shared<Plan>();
  plan->call = call;
  plan->steps = {{"AT+QIDEACT=1", false}, {"AT+CGATT=0", true}};
  run(plan);
}

}  // namespace hal_ec600
