#include "config/port.hpp"

#include <dtu/ports.h>

#include <Poco/String.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace dtud::config {
namespace {

struct Word {
  const char* word;
  uint32_t number;
};
constexpr std::array kParities{Word{"none", DTU_PARITY_NONE}, Word{"even", DTU_PARITY_EVEN},
                               Word{"odd", DTU_PARITY_ODD}, Word{"mark", DTU_PARITY_MARK},
                               Word{"space", DTU_PARITY_SPACE}};
constexpr std::array kFlows{Word{"none", DTU_FLOW_NONE}, Word{"rtscts", DTU_FLOW_RTSCTS},
                            Word{"xonxoff", DTU_FLOW_XONXOFF}};

template <typename Words>
uint32_t number_of(const Words& words, const Json& value) {
  const std::string text = as_text(value);
  for (const Word& w : words)
    if (text == w.word) return w.number;
  return static_cast<uint32_t>(as_integer(value));
}

uint32_t number(const JsonObject& from, const char* key) { return static_cast<uint32_t>(as_integer(from.get(key))); }

// A text, or bytes as "0x0d0a". Nothing when "0x" is followed by anything but pairs of digits.
std::optional<std::string> delimiter_of(const std::string& text) {
  if (text.substr(0, 2) != "0x") return text;
  std::string bytes;
  if (text.size() % 2 != 0 || text.size() == 2 ||
      text.find_first_not_of("0123456789abcdefABCDEF", 2) != std::string::npos)
    return std::nullopt;
  for (size_t at = 2; at < text.size(); at += 2) bytes += static_cast<char>(std::stoi(text.substr(at, 2), nullptr, 16));
  return bytes;
}

void read_signal(const JsonObject& from, const std::string& key, uint32_t bit, PortConfig::Signals& to) {
  const std::string word = as_text(from.get(key));
  if (word == "keep") return;
  to.mask |= bit;
  if (word == "on") to.values |= bit;
}

bool all_digits(const std::string& id) {
  return std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

uint32_t parity_of(const Json& value) { return number_of(kParities, value); }

uint32_t flow_of(const Json& value) { return number_of(kFlows, value); }

uint32_t stopbits_of(const Json& value) {
  return type_of(value) == JsonType::number ? DTU_STOP_1_5 : static_cast<uint32_t>(as_integer(value));
}

void mend_port(JsonObject& given) {
  const auto parity = as_text(given.get("parity"));
  if (Poco::icompare(parity, "event") == 0) given.set("parity", std::string("even"));  // the 2021 GUI's spelling
}

PortConfig read_port(const std::string& id, const Json& normal, const std::string& mode, Report& report) {
  PortConfig out;
  out.id = id;
  const auto& from = *as_object(normal);
  const auto parity = parity_of(from.get("parity"));
  out.baud = number(from, "baudrate");
  out.databits = number(from, "databits");
  out.parity = parity;
  out.stopbits = stopbits_of(from.get("stopbits"));
  out.flow = flow_of(from.get("flowctl"));
  out.mode = mode;

  out.gap_ms = number(from, "gap_ms");
  out.echo = as_flag(from.get("echo"));
  out.downlink_max_age_s = number(from, "downlink_max_age_s");
  out.silence_ms = number(from, "frame_idle_ms");
  read_signal(from, "dtr", DTU_SIGNAL_DTR, out.at_open);
  read_signal(from, "rts", DTU_SIGNAL_RTS, out.at_open);
  read_signal(from, "dtr_close", DTU_SIGNAL_DTR, out.at_close);
  read_signal(from, "rts_close", DTU_SIGNAL_RTS, out.at_close);
  if (out.flow == DTU_FLOW_RTSCTS)
    for (const char* key : {"rts", "rts_close"})
      if (as_text(from.get(key)) != "keep")
        report.error("/uconf/" + id + "/" + key,
                     "RTS belongs to the flow control: leave this key out, or choose another flowctl");

  const Json packet = from.get("packet");
  if (const auto* p = as_object(packet)) {
    out.packet.idle_chars = number(*p, "idle_chars");
    out.packet.length = number(*p, "length");
    out.packet.max = number(*p, "max");
    if (out.packet.length > out.packet.max)
      report.warning("/uconf/" + id + "/packet/length", std::to_string(out.packet.length) + " is more than max (" +
                                                            std::to_string(out.packet.max) +
                                                            "): a message ends after max bytes");
    const auto text = as_text(p->get("delimiter"));
    if (auto bytes = delimiter_of(text)) {
      out.packet.delimiter = *bytes;
    } else {
      report.error("/uconf/" + id + "/packet/delimiter",
                   shown_key(text) + " is not allowed: give a text, or pairs of hexadecimal digits after 0x");
    }
  }
  const Json complete = copy_of(normal);
  auto object = shared_object(complete);
  object->set("parity", static_cast<Poco::Int64>(parity));
  object->set("flowctl", static_cast<Poco::Int64>(out.flow));
  object->set("mode", out.mode);
  out.json = to_json(complete);
  return out;
}

bool port_before(const PortConfig& a, const PortConfig& b) {
  const auto order = [](const PortConfig& p) {
    const bool number = all_digits(p.id);
    return std::make_tuple(!number, number ? p.id.size() : 0, p.id);
  };
  return order(a) < order(b);
}

}  // namespace dtud::config
