// AT+CMGF to AT+CMGS.
#include "sms.hpp"

#include <array>
#include <cctype>

#include "radio.hpp"
#include "table.hpp"

namespace sim::modem {
namespace {

constexpr std::array<std::string_view, 4> kStatus{"REC UNREAD", "REC READ", "STO UNSENT", "STO SENT"};
constexpr int kEveryStatus = 4;
constexpr int64_t kSendMs = 20;

MessageStorage& storage(Modem& modem, size_t role) {
  return modem.state().sms.storages[modem.settings().storage[role]];
}

void format_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  answer.line("+CMGF: " + std::to_string(modem.settings().cmgf));
}

void format_set(Modem& modem, const Call& call, Answer& answer) {
  const auto format = call.number(0, 0, 1);
  if (!format) return answer.cme(kCmeParameter);
  modem.settings().cmgf = *format;
}

void indications_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  std::string line = "+CNMI: ";
  for (const int each : modem.settings().cnmi) line += std::to_string(each) + ",";
  line.pop_back();
  answer.line(line);
}

void indications_set(Modem& modem, const Call& call, Answer& answer) {
  std::array<int, 5> wanted{};
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto value = call.number(i, 0, 3, 0);
    if (!value) return answer.cme(kCmeParameter);
    wanted[i] = *value;
  }
  modem.settings().cnmi = wanted;
}

std::string usage(const MessageStorage& s) {
  return std::to_string(s.messages.size()) + "," + std::to_string(s.capacity);
}

void storage_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  std::string line = "+CPMS: ";
  for (size_t role = 0; role < 3; ++role)
    line += "\"" + modem.settings().storage[role] + "\"," + usage(storage(modem, role)) + ",";
  line.pop_back();
  answer.line(line);
}

void storage_set(Modem& modem, const Call& call, Answer& answer) {
  auto wanted = modem.settings().storage;
  for (size_t role = 0; role < wanted.size() && role < call.arguments.size(); ++role) {
    if (modem.state().sms.storages.count(call.text(role)) == 0) return answer.cms(kCmsIndex);
    wanted[role] = call.text(role);
  }
  modem.settings().storage = wanted;
  std::string line = "+CPMS: ";
  for (size_t role = 0; role < wanted.size(); ++role) line += usage(storage(modem, role)) + ",";
  line.pop_back();
  answer.line(line);
  deliver_waiting(modem);
}

// What a PDU holds beside the centre's address, as AT+CMGS and +CMGR count it.
size_t counted_length(const std::string& pdu) {
  const size_t bytes = pdu.size() / 2;
  const size_t centre = pdu.size() < 2 ? 0 : std::stoul(pdu.substr(0, 2), nullptr, 16);
  return bytes > centre + 1 ? bytes - centre - 1 : 0;
}

bool is_hex(const std::string& text) {
  if (text.size() < 2 || text.size() % 2 != 0) return false;
  for (const char c : text)
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return false;
  return true;
}

void print_message(Modem& modem, const std::string& head, const ShortMessage& message, Answer& answer) {
  const auto status = static_cast<size_t>(message.status);
  if (modem.settings().cmgf == 0) {
    answer.line(head + std::to_string(message.status) + ",," + std::to_string(counted_length(message.pdu)));
    answer.line(message.pdu);
    return;
  }
  answer.line(head + "\"" + std::string(kStatus[status]) + "\",\"" + message.sender + "\",,\"26/11/30,12:00:00+32\"");
  answer.line(message.text.empty() ? message.pdu : message.text);
}

void message_read(Modem& modem, const Call& call, Answer& answer) {
  auto& messages = storage(modem, 0).messages;
  const auto found = messages.find(call.number(0, 0, 255).value_or(-1));
  if (found == messages.end()) return answer.cms(kCmsIndex);
  print_message(modem, "+CMGR: ", found->second, answer);
  if (found->second.status == 0) found->second.status = 1;
}

void message_list(Modem& modem, const Call& call, Answer& answer) {
  std::optional<int> wanted = call.number(0, 0, kEveryStatus, 0);
  if (modem.settings().cmgf == 1) {
    wanted = call.text(0) == "ALL" ? std::optional<int>(kEveryStatus) : std::nullopt;
    for (size_t i = 0; i < kStatus.size(); ++i)
      if (call.text(0) == kStatus[i]) wanted = static_cast<int>(i);
  }
  if (!wanted) return answer.cms(kCmsPdu);
  for (auto& [index, message] : storage(modem, 0).messages) {
    if (*wanted != kEveryStatus && message.status != *wanted) continue;
    print_message(modem, "+CMGL: " + std::to_string(index) + ",", message, answer);
    if (message.status == 0) message.status = 1;
  }
}

void message_delete(Modem& modem, const Call& call, Answer& answer) {
  auto& messages = storage(modem, 0).messages;
  const auto index = call.number(0, 0, 255);
  const auto flag = call.number(1, 0, 4, 0);
  if (!index || !flag) return answer.cms(kCmsIndex);
  if (*flag == 0 && messages.erase(*index) == 0) return answer.cms(kCmsIndex);
  constexpr int kAll = 4;
  for (auto it = messages.begin(); *flag > 0 && it != messages.end();) {
    const int status = it->second.status;
    const bool gone = *flag == kAll || status == 1 || (*flag >= 2 && status == 3) || (*flag == 3 && status == 2);
    it = gone ? messages.erase(it) : std::next(it);
  }
  answer.after(1, deliver_waiting);
}

void sent(Modem& modem, const std::string& what, Answer& answer) {
  Messages& sms = modem.state().sms;
  answer.delay_ms = kSendMs;
  if (sms.fail) return answer.cms(*std::exchange(sms.fail, std::nullopt));
  if (!is_registered(modem.state())) return answer.cms(kCmsNoNetwork);
  constexpr int kReferences = 256;
  modem.note("sms sent " + what);
  ++sms.sent;
  sms.reference = (sms.reference + 1) % kReferences;
  answer.line("+CMGS: " + std::to_string(sms.reference));
}

void message_send(Modem& modem, const Call& call, Answer& answer) {
  const bool pdu_mode = modem.settings().cmgf == 0;
  constexpr int kMostOctets = 164;
  const int octets = pdu_mode ? call.number(0, 1, kMostOctets).value_or(0) : 0;
  if (pdu_mode ? octets == 0 : call.text(0).empty()) return answer.cms(kCmsPdu);
  answer.result = Result::prompt;
  const std::string& to = call.text(0);
  modem.take_data(0, [pdu_mode, octets, to](Modem& m, const std::string& bytes, bool aborted) {
    Answer result;
    if (!aborted && pdu_mode) {
      if (!is_hex(bytes) || counted_length(bytes) != static_cast<size_t>(octets))
        result.cms(kCmsPdu);
      else
        sent(m, bytes, result);
    } else if (!aborted) {
      sent(m, to + ": " + bytes, result);
    }
    m.finish(std::move(result));
  });
}

void centre_read(Modem& /*modem*/, const Call& /*call*/, Answer& answer) {
  answer.line("+CSCA: \"+8613800100500\",145");
}

void service_read(Modem& /*modem*/, const Call& /*call*/, Answer& answer) { answer.line("+CSMS: 0,1,1,1"); }

}  // namespace

void deliver_message(Modem& modem, ShortMessage message) {
  modem.state().sms.in_network.push_back(std::move(message));
  deliver_waiting(modem);
}

void deliver_waiting(Modem& modem) {
  Messages& sms = modem.state().sms;
  while (!sms.in_network.empty() && sms.ready && modem.power() == Power::on && is_registered(modem.state())) {
    const auto& cnmi = modem.settings().cnmi;
    const ShortMessage message = sms.in_network.front();
    const bool at_once = cnmi[0] != 0 && cnmi[1] == 2;
    if (at_once) {
      sms.in_network.pop_front();
      modem.urc(modem.settings().cmgf == 0
                    ? "+CMT: ," + std::to_string(counted_length(message.pdu)) + "\r\n" + message.pdu
                    : "+CMT: \"" + message.sender + "\",,\"26/11/30,12:00:00+32\"\r\n" + message.text);
      continue;
    }
    MessageStorage& where = storage(modem, 2);
    const std::string& name = modem.settings().storage[2];
    if (where.messages.size() >= where.capacity) {
      modem.note("the storage " + name + " is full: the network keeps " + std::to_string(sms.in_network.size()));
      return modem.urc("+QIND: \"smsfull\",\"" + name + "\"");
    }
    int index = 0;
    while (where.messages.count(index) != 0) ++index;
    where.messages.emplace(index, message);
    sms.in_network.pop_front();
    if (cnmi[0] != 0 && cnmi[1] == 1) modem.urc("+CMTI: \"" + name + "\"," + std::to_string(index));
  }
}

const std::vector<AtCommand>& sms_commands() {
  static const std::vector<AtCommand> table{
      {"+CMGF", kEvery, Need::nothing, "+CMGF: (0,1)", nullptr, format_read, format_set},
      {"+CNMI", kEvery, Need::nothing, "+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)", nullptr, indications_read,
       indications_set},
      {"+CPMS", kEvery, Need::messages, "+CPMS: (\"SM\",\"ME\"),(\"SM\",\"ME\"),(\"SM\",\"ME\")", nullptr, storage_read,
       storage_set},
      {"+CMGR", kEvery, Need::messages, "", nullptr, nullptr, message_read},
      {"+CMGL", kEvery, Need::messages, "+CMGL: (0-4)", message_list, nullptr, message_list},
      {"+CMGD", kEvery, Need::messages, "+CMGD: (0-254),(0-4)", nullptr, nullptr, message_delete},
      {"+CMGS", kEvery, Need::messages, "", nullptr, nullptr, message_send},
      {"+CSCA", kEvery, Need::sim, "", nullptr, centre_read, accept},
      {"+CSMS", kEvery, Need::nothing, "+CSMS: (0,1)", nullptr, service_read, accept},
      {"+CSMP", kEvery, Need::nothing, "", nullptr, nullptr, accept},
      {"+CSDH", kEvery, Need::nothing, "+CSDH: (0,1)", nullptr, nullptr, accept},
      {"+CNMA", kEvery, Need::nothing, "+CNMA: (0-2)", accept, nullptr, accept},
  };
  return table;
}

}  // namespace sim::modem
