#include "serial_control.hpp"

#include <array>
#include <dtu/sdk/json.hpp>
#include <utility>

namespace channel_tcp {
namespace {

using rfc2217::Values;
using rfc2217::Wish;

constexpr uint32_t kDeadlineMs = 60000;  // settings wait until what was sent before is on the wire

// Number of the RFC: how port.line writes it.
struct Name {
  uint8_t number;
  const char* json;
};
constexpr std::array kParities{Name{1, "0"}, Name{2, "2"}, Name{3, "1"}, Name{4, "3"}, Name{5, "4"}};
constexpr std::array kStopSizes{Name{1, "1"}, Name{2, "2"}, Name{3, "1.5"}};
constexpr std::array kFlows{Name{1, "0"}, Name{2, "2"}, Name{3, "1"}};
constexpr std::array kPurges{Name{1, "\"from\""}, Name{2, "\"to\""}, Name{3, "\"both\""}};

struct Signal {
  const char* key;
  uint8_t bit;
};
constexpr std::array kSignals{Signal{"dcd", 0x80}, Signal{"ri", 0x40}, Signal{"dsr", 0x20}, Signal{"cts", 0x10}};

template <size_t N>
std::string json_of(const std::array<Name, N>& names, uint8_t number) {
  for (const Name& n : names)
    if (n.number == number) return n.json;
  return "null";
}

template <size_t N>
uint8_t number_of(const std::array<Name, N>& names, std::string_view json) {
  for (const Name& n : names)
    if (json == n.json) return n.number;
  return 0;
}

std::string members_of(const Wish& w) {
  std::string out;
  const auto add = [&out](const char* key, const std::string& json) { out += ",\"" + std::string(key) + "\":" + json; };
  const auto flag = [](bool on) { return std::string(on ? "true" : "false"); };
  if (w.baud) add("baud", std::to_string(*w.baud));
  if (w.data_bits) add("databits", std::to_string(*w.data_bits));
  if (w.parity) add("parity", json_of(kParities, *w.parity));
  if (w.stop_size) add("stopbits", json_of(kStopSizes, *w.stop_size));
  if (w.flow) add("flowctl", json_of(kFlows, *w.flow));
  if (w.dtr) add("dtr", flag(*w.dtr));
  if (w.rts) add("rts", flag(*w.rts));
  if (w.on_break) add("break", flag(*w.on_break));
  if (w.purge != 0) add("discard", json_of(kPurges, w.purge));
  return out;
}

}  // namespace

void SerialControl::ask(const Wish& wish, const Done& done) {
  wish_ = wish;
  Wish lasting = wish;
  lasting.purge = 0;
  if (lasting.changes()) changed_ = true;
  call(members_of(wish), wish.changes(), done);
}

void SerialControl::reset(const Done& done) {
  changed_ = false;
  wish_ = {};
  wish_.dtr = wish_.rts = true;
  wish_.on_break = false;
  call(",\"reset\":true", true, done);
}

void SerialControl::call(const std::string& members, bool wished, const Done& done) {
  busy_ = true;
  const auto then = [this, wished, done](const dtu::Answer& answer) { answered(answer, wished, done); };
  call_ = dtu::ask(host_, "port.line", "{\"port\":" + dtu::quoted(port_) + members + "}", then, kDeadlineMs);
  if (call_) return;
  // It is refused at once; the answer comes from the loop all the same.
  const std::string error = call_.error();
  const dtu_status status = dtu::post(host_, [then, error] { then({DTU_E_INTERNAL, {}, error, 0}); });
  if (status != DTU_OK) busy_ = false;
}

void SerialControl::answered(const dtu::Answer& answer, bool wished, const Done& done) {
  // `answer` and `done` belong to the call that the next one replaces.
  const Done then = done;
  if (answer.ok()) {
    // The answer has no BREAK, and DTR and RTS where the board can read them only.
    values_.on_break = wish_.on_break.value_or(values_.on_break);
    values_.dtr = wish_.dtr.value_or(values_.dtr);
    values_.rts = wish_.rts.value_or(values_.rts);
    read(answer.json);
  } else {
    refusals_.warn("port " + port_ + " cannot be set or asked for an RFC 2217 client: " + std::string(answer.error));
    wish_ = {};
    if (wished) return call("", false, then);  // what is in force then
  }
  busy_ = false;
  then(values_);
}

void SerialControl::read(std::string_view json) {
  const dtu::Json in(json);
  values_.baud = static_cast<uint32_t>(in["baud"].integer(values_.baud));
  values_.data_bits = static_cast<uint8_t>(in["databits"].integer(values_.data_bits));
  values_.parity = number_of(kParities, in["parity"].raw());
  values_.stop_size = number_of(kStopSizes, in["stopbits"].raw());
  values_.flow = number_of(kFlows, in["flowctl"].raw());
  values_.dtr = in["dtr"].flag(values_.dtr);
  values_.rts = in["rts"].flag(values_.rts);
  values_.modem = 0;
  for (const Signal& s : kSignals)
    if (in[s.key].flag()) values_.modem = static_cast<uint8_t>(values_.modem | s.bit);
}

}  // namespace channel_tcp
