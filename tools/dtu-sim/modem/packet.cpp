// PDP contexts: AT+CGDCONT to AT+QIACT.
#include "radio.hpp"
#include "table.hpp"

namespace sim::modem {
namespace {

constexpr int kMostContexts = 7;
constexpr int64_t kActivateMs = 30;

std::string address_of(int context) { return "10.171.134." + std::to_string(242 + context); }

void define_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  for (const auto& [id, context] : modem.state().contexts)
    answer.line("+CGDCONT: " + std::to_string(id) + ",\"" + context.type + "\",\"" + context.apn + "\",\"" +
                (context.active ? address_of(id) : "0.0.0.0") + "\",0,0");
}

void define_set(Modem& modem, const Call& call, Answer& answer) {
  const auto id = call.number(0, 1, kMostContexts);
  if (!id) return answer.cme(kCmeParameter);
  if (call.arguments.size() == 1) {
    modem.state().contexts.erase(*id);
    return;
  }
  Context& context = modem.state().contexts[*id];
  if (context.active) return answer.cme(kCmeNotAllowed);
  if (!call.text(1).empty()) context.type = call.text(1);
  context.apn = call.text(2);
}

void apn(Modem& modem, const Call& call, Answer& answer) {
  constexpr int kMostTypes = 3;
  const auto id = call.number(0, 1, kMostContexts);
  if (!id) return answer.error();
  Context& context = modem.state().contexts[*id];
  if (call.arguments.size() == 1)
    return answer.line("+QICSGP: 1,\"" + context.apn + "\",\"" + context.user + "\",\"" + context.password + "\"," +
                       std::to_string(context.authentication));
  const auto type = call.number(1, 1, kMostTypes);
  const auto authentication = call.number(5, 0, 2, 0);
  if (!type || !authentication || context.active) return answer.error();  // deactivate it first
  context.type = *type == 1 ? "IP" : *type == 2 ? "IPV6" : "IPV4V6";
  context.apn = call.text(2);
  context.user = call.text(3);
  context.password = call.text(4);
  context.authentication = *authentication;
}

void active_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  for (const auto& [id, context] : modem.state().contexts)
    if (context.active) answer.line("+QIACT: " + std::to_string(id) + ",1,1,\"" + address_of(id) + "\"");
}

void activate(Modem& modem, const Call& call, Answer& answer) {
  const auto id = call.number(0, 1, kMostContexts);
  if (!id) return answer.error();
  answer.delay_ms = kActivateMs;
  Context& context = modem.state().contexts[*id];
  if (context.active || !is_registered(modem.state()) || !modem.state().radio.attached) {
    modem.state().socket_error = 561;
    return answer.error();
  }
  context.active = true;
}

void deactivate(Modem& modem, const Call& call, Answer& answer) {
  const auto id = call.number(0, 1, kMostContexts);
  if (!id) return answer.error();
  answer.delay_ms = kActivateMs;
  modem.state().contexts[*id].active = false;
  auto& sockets = modem.state().sockets;
  for (auto it = sockets.begin(); it != sockets.end();)
    it = it->second.context == *id ? sockets.erase(it) : std::next(it);
}

// The same with its result in a line of its own.
void activate_later(Modem& modem, const Call& call, Answer& answer) {
  Answer inner;
  activate(modem, call, inner);
  const std::string& id = call.text(0);
  const int error = inner.result == Result::ok ? 0 : modem.state().socket_error;
  answer.after(kActivateMs, [id, error](Modem& m) { m.urc("+QIACTEX: " + id + "," + std::to_string(error)); });
}

void network_device(Modem& modem, const Call& /*call*/, Answer& answer) {
  answer.line(std::string("+QNETDEVCTL: 1,1,1,") + (is_registered(modem.state()) ? "1" : "0"));
}

void addresses(Modem& modem, const Call& /*call*/, Answer& answer) {
  for (const auto& [id, context] : modem.state().contexts)
    answer.line("+CGPADDR: " + std::to_string(id) + ",\"" + (context.active ? address_of(id) : "0.0.0.0") + "\"");
}

void cgact_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  for (const auto& [id, context] : modem.state().contexts)
    answer.line("+CGACT: " + std::to_string(id) + (context.active ? ",1" : ",0"));
}

}  // namespace

const std::vector<AtCommand>& packet_commands() {
  static const std::vector<AtCommand> table{
      {"+CGDCONT", kEvery, Need::nothing, "+CGDCONT: (1-7),\"IP\",,,(0-2),(0-4)", nullptr, define_read, define_set},
      {"+CGPADDR", kEvery, Need::nothing, "+CGPADDR: (1-7)", addresses, nullptr, addresses},
      {"+CGACT", kEvery, Need::sim, "+CGACT: (0,1)", nullptr, cgact_read, nullptr},
      {"+QICSGP", kEvery, Need::nothing, "+QICSGP: (1-7),(1-3),<APN>,<username>,<password>,(0-2)", nullptr, nullptr,
       apn},
      {"+QIACT", kEvery, Need::sim, "+QIACT: (1-7)", nullptr, active_read, activate},
      {"+QIACTEX", kEvery, Need::sim, "+QIACTEX: (1-7)", nullptr, nullptr, activate_later},
      {"+QNETDEVCTL", kEvery, Need::nothing, "+QNETDEVCTL: (1-7),(0-3),(0,1)", nullptr, network_device, accept},
      {"+QIDEACT", kEvery, Need::nothing, "+QIDEACT: (1-7)", nullptr, nullptr, deactivate},
  };
  return table;
}

}  // namespace sim::modem
