#include "rfc2217.hpp"

#include <algorithm>

namespace channel_tcp::rfc2217 {
namespace {

using telnet::Command;

constexpr std::string_view kSignature = "dtukit channel-tcp";
constexpr size_t kMostEvents = 1024;  // of one read; no program asks so much at once
constexpr uint8_t kDeltas = 4;        // a signal's bit is so much above the one that says that it changed
constexpr uint8_t kRing = 0x40;

bool known(uint8_t option) {
  return option == telnet::BINARY || option == telnet::SUPPRESS_GO_AHEAD || option == telnet::COM_PORT;
}

// SET_CONTROL: what a value sets, and what it asks for.
enum class Item { flow, on_break, dtr, rts, inbound_flow };
struct Control {
  uint8_t value;
  Item item;
  int sets;  // -1: it asks
};
constexpr Control kControls[] = {
    {0, Item::flow, -1},         {1, Item::flow, 1},           {2, Item::flow, 2},
    {3, Item::flow, 3},          {4, Item::on_break, -1},      {5, Item::on_break, 1},
    {6, Item::on_break, 0},      {7, Item::dtr, -1},           {8, Item::dtr, 1},
    {9, Item::dtr, 0},           {10, Item::rts, -1},          {11, Item::rts, 1},
    {12, Item::rts, 0},          {13, Item::inbound_flow, -1}, {14, Item::inbound_flow, 1},
    {15, Item::inbound_flow, 2}, {16, Item::inbound_flow, 3},
};

const Control* control_of(uint8_t value) {
  for (const Control& c : kControls)
    if (c.value == value) return &c;
  return nullptr;
}

void set(Wish* wish, const Control& c) {
  if (c.sets < 0) return;
  switch (c.item) {
    case Item::flow:
    case Item::inbound_flow:  // a port has one flow control for both ways
      wish->flow = static_cast<uint8_t>(c.sets);
      break;
    case Item::on_break:
      wish->on_break = c.sets != 0;
      break;
    case Item::dtr:
      wish->dtr = c.sets != 0;
      break;
    case Item::rts:
      wish->rts = c.sets != 0;
      break;
  }
}

// The value of SET_CONTROL that says how it is.
uint8_t state_of(Item item, const Values& v) {
  switch (item) {
    case Item::flow:
      return v.flow;
    case Item::on_break:
      return v.on_break ? 5 : 6;
    case Item::dtr:
      return v.dtr ? 8 : 9;
    case Item::rts:
      return v.rts ? 11 : 12;
    case Item::inbound_flow:
      break;
  }
  return static_cast<uint8_t>(v.flow + 13);
}

uint32_t big_endian(std::string_view bytes) {
  uint32_t n = 0;
  for (const char c : bytes) n = n << 8U | static_cast<uint8_t>(c);
  return n;
}

std::string parameters(uint8_t sub_option, std::string_view value) {
  std::string out(1, static_cast<char>(sub_option + kFromServer));
  return out.append(value);
}

std::string framed(uint8_t sub_option, std::string_view value) {
  std::string out;
  telnet::append_subnegotiation(out, telnet::COM_PORT, parameters(sub_option, value));
  return out;
}

std::string byte(uint8_t value) { return std::string(1, static_cast<char>(value)); }

}  // namespace

std::string Session::hello() {
  std::string out;
  for (const uint8_t option : {telnet::BINARY, telnet::SUPPRESS_GO_AHEAD}) {
    telnet::append_option(out, telnet::WILL, option);
    us_[option].asked = true;
  }
  for (const uint8_t option : {telnet::BINARY, telnet::SUPPRESS_GO_AHEAD, telnet::COM_PORT}) {
    telnet::append_option(out, telnet::DO, option);
    them_[option].asked = true;
  }
  return out;
}

void Session::feed(std::string_view bytes, std::string& reply) {
  reply_ = &reply;
  parser_.feed(bytes, *this);
  reply_ = nullptr;
}

void Session::pop() {
  data_bytes_ -= events_.front().data.size();
  events_.pop_front();
}

void Session::on_data(std::string_view bytes) {
  data_bytes_ += bytes.size();
  if (!events_.empty() && !events_.back().asks) {
    events_.back().data.append(bytes);
    return;
  }
  events_.emplace_back();
  events_.back().data.assign(bytes);
}

// An option is answered when the answer changes something, or when the other end waits for a refusal, and that once.
// Without this two programs may answer each other's answers for ever.
void Session::switch_on(Side& side, bool known, Command yes, Command no, uint8_t option) {
  if (!known) {
    if (!side.refused) telnet::append_option(*reply_, no, option);
    side.refused = true;
    return;
  }
  if (!side.on && !side.asked) telnet::append_option(*reply_, yes, option);
  side.on = true;
  side.asked = false;
}

void Session::switch_off(Side& side, Command no, uint8_t option) {
  if (side.on) telnet::append_option(*reply_, no, option);
  side.on = side.asked = false;
}

// As long as the client has not refused it, data are taken for binary: a program that knows nothing of Telnet sends and
// expects the bytes of the line, and who agrees to binary does so from the offer on.
void Session::on_option(Command command, uint8_t option) {
  switch (command) {
    case telnet::DO:
      switch_on(us_[option], known(option), telnet::WILL, telnet::WONT, option);
      break;
    case telnet::DONT:
      switch_off(us_[option], telnet::WONT, option);
      break;
    case telnet::WILL:
      switch_on(them_[option], known(option), telnet::DO, telnet::DONT, option);
      break;
    default:
      switch_off(them_[option], telnet::DONT, option);
      break;
  }
  if (option != telnet::BINARY) return;
  if (command == telnet::DO || command == telnet::DONT) encoder_.set_binary(command == telnet::DO);
  if (command == telnet::WILL || command == telnet::WONT) parser_.set_binary(command == telnet::WILL);
}

void Session::ask(uint8_t sub_option, uint8_t detail, const Wish& wish) {
  if (events_.size() >= kMostEvents) return on_malformed(0);
  Event event;
  event.asks = true;
  event.sub_option = sub_option;
  event.detail = detail;
  if (!read_only_) event.wish = wish;
  events_.push_back(std::move(event));
}

// False: the value is none that the RFC has. 0 asks.
bool Session::wish_for(uint8_t sub_option, std::string_view value, Wish* wish) const {
  const size_t length = sub_option == SET_BAUDRATE ? 4 : 1;
  if (value.size() != length) return false;
  const uint32_t n = big_endian(value);
  const auto small = static_cast<uint8_t>(n);
  switch (sub_option) {
    case SET_BAUDRATE:
      if (n != 0) wish->baud = n;
      return true;
    case SET_DATASIZE:
      if (n != 0) wish->data_bits = small;
      return n == 0 || (n >= 5 && n <= 8);
    case SET_PARITY:
      if (n != 0) wish->parity = small;
      return n <= 5;
    case SET_STOPSIZE:
      if (n != 0) wish->stop_size = small;
      return n <= 3;
    case SET_CONTROL:
      if (const Control* c = control_of(small)) return set(wish, *c), true;
      return false;
    case PURGE_DATA:
      wish->purge = small;
      return n >= 1 && n <= 3;
    default:
      return true;
  }
}

void Session::on_subnegotiation(uint8_t option, std::string_view parameters) {
  if (option != telnet::COM_PORT || parameters.empty() || !com_port()) return on_malformed(parameters.size());
  const auto sub_option = static_cast<uint8_t>(parameters.front());
  const std::string_view value = parameters.substr(1);
  switch (sub_option) {
    case SIGNATURE:
      if (value.empty()) *reply_ += framed(SIGNATURE, kSignature);
      return;
    case SET_LINESTATE_MASK:  // the board tells of no errors of the line, so 0 is in force
      if (value.size() != 1) break;
      *reply_ += framed(SET_LINESTATE_MASK, byte(0));
      return;
    case SET_MODEMSTATE_MASK:
      if (value.size() != 1) break;
      modem_mask_ = static_cast<uint8_t>(value.front());
      *reply_ += framed(SET_MODEMSTATE_MASK, value);
      return;
    case NOTIFY_MODEMSTATE:  // some clients poll so
      return ask(NOTIFY_MODEMSTATE, 0, {});
    case SET_BAUDRATE:
    case SET_DATASIZE:
    case SET_PARITY:
    case SET_STOPSIZE:
    case SET_CONTROL:
    case PURGE_DATA: {
      Wish wish;
      // A value that does not exist changes nothing, and is answered as a question is.
      if (!wish_for(sub_option, value, &wish)) wish = {};
      return ask(sub_option, value.empty() ? 0 : static_cast<uint8_t>(value.front()), wish);
    }
    default:  // 8 and 9, to stop and to go on sending: TCP does that
      return;
  }
  on_malformed(parameters.size());
}

std::string Session::answer(const Event& event, const Values& values) {
  const Control* control = nullptr;
  switch (event.sub_option) {
    case SET_BAUDRATE: {
      std::string value;
      for (const unsigned shift : {24U, 16U, 8U, 0U}) value += static_cast<char>(values.baud >> shift & 0xFFU);
      return framed(SET_BAUDRATE, value);
    }
    case SET_DATASIZE:
      return framed(SET_DATASIZE, byte(values.data_bits));
    case SET_PARITY:
      return framed(SET_PARITY, byte(values.parity));
    case SET_STOPSIZE:
      return framed(SET_STOPSIZE, byte(values.stop_size));
    case SET_CONTROL:
      control = control_of(event.detail);
      return framed(SET_CONTROL, byte(state_of(control != nullptr ? control->item : Item::flow, values)));
    case PURGE_DATA:
      return framed(PURGE_DATA, byte(event.wish.purge));
    default:
      modem_ = values.modem;
      return framed(NOTIFY_MODEMSTATE, byte(values.modem));
  }
}

std::string Session::notice(const Values& values) {
  if (!com_port()) return {};
  const bool first = !modem_;
  const auto changed = static_cast<uint8_t>(values.modem ^ modem_.value_or(values.modem));
  auto deltas = static_cast<uint8_t>(changed >> kDeltas);
  // The ring indicator has a bit for the end of a ring only.
  if ((values.modem & kRing) != 0) deltas = static_cast<uint8_t>(deltas & ~(kRing >> kDeltas));
  modem_ = values.modem;
  const auto state = static_cast<uint8_t>(values.modem | deltas);
  if (!first && (changed & modem_mask_) == 0 && (deltas & modem_mask_) == 0) return {};
  if (first && modem_mask_ == 0) return {};
  return framed(NOTIFY_MODEMSTATE, byte(first ? values.modem : state));
}

}  // namespace channel_tcp::rfc2217
