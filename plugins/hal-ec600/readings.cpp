#include "readings.hpp"

#include <dtu/sdk/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "at_text.hpp"

namespace hal_ec600::readings {
namespace {

using Fields = std::vector<AtField>;

std::string within(const std::optional<int64_t>& value, int64_t min, int64_t max) {
  return value && *value >= min && *value <= max ? std::to_string(*value) : std::string();
}

std::optional<double> real(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || at != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string to_text(double value, int decimals) {
  std::array<char, 64> text{};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, decimals);
  if (error != std::errc()) return {};
  std::string out(text.data(), end);
  if (out.find('.') == std::string::npos) return out;
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out == "-0" ? "0" : out;
}

std::string or_null(std::string text) { return text.empty() ? "null" : std::move(text); }

std::string quoted_ascii(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return text.empty() || !plain ? std::string() : dtu::quoted(text);
}

// 27.007, +COPS
constexpr std::array<const char*, 14> kTechnologies{"GSM", "GSM", "UTRAN",  "GSM", "UTRAN", "UTRAN", "UTRAN",
                                                    "LTE", "GSM", "NB-IoT", "LTE", "NR",    "NR",    "LTE"};

std::string technology_at(std::string_view line, size_t index) {
  const auto act = at_number(at_fields(line), index);
  if (!act || *act < 0 || *act >= static_cast<int64_t>(kTechnologies.size())) return {};
  return dtu::quoted(kTechnologies.at(static_cast<size_t>(*act)));
}

std::string registration_at(std::string_view line, size_t index) {
  return within(at_number(at_fields(line), index), 0, 11);
}

bool is_position(double lat, double lng) {
  return std::abs(lat) <= 90 && std::abs(lng) <= 180 && (lat != 0 || lng != 0);
}

}  // namespace

std::string csq(std::string_view line) { return within(at_number(at_fields(line), 0), 0, 31); }

std::string digits(std::string_view line) {
  return line.size() >= 5 && line.size() <= 20 && at_has_form(line, "n") ? dtu::quoted(line) : std::string();
}

std::string iccid(std::string_view line) {
  const Fields fields = at_fields(line);
  std::string_view text = fields.empty() ? line : fields[0].text;
  while (!text.empty() && (text.back() == 'F' || text.back() == 'f')) text.remove_suffix(1);
  constexpr size_t kShortest = 18;
  return text.size() >= kShortest ? digits(text) : std::string();
}

std::string number(std::string_view line) {
  const std::string_view text = at_text(at_fields(line), 1);
  const bool fits =
      !text.empty() && text.size() <= 32 && text.find_first_not_of("+*#0123456789") == std::string_view::npos;
  return fits ? dtu::quoted(text) : std::string();
}

std::string registration(std::string_view line) { return registration_at(line, 1); }
std::string registration_told(std::string_view line) { return registration_at(line, 0); }

std::string operator_name(std::string_view line) { return quoted_ascii(at_text(at_fields(line), 2)); }

std::string technology(std::string_view line) { return technology_at(line, 3); }
std::string technology_answered(std::string_view line) { return technology_at(line, 4); }

// 0 mV is a board without a battery.
std::string battery_mv(std::string_view line) { return within(at_number(at_fields(line), 2), 1, 100'000); }

std::string battery_percent(std::string_view line) {
  return battery_mv(line).empty() ? std::string() : within(at_number(at_fields(line), 1), 0, 100);
}

std::string adc_volt(std::string_view line) {
  const Fields fields = at_fields(line);
  const auto good = at_number(fields, 0), mv = at_number(fields, 1);
  if (!good || *good != 1 || !mv || *mv < 0 || *mv > 100'000) return {};
  constexpr double kMvPerV = 1000;
  return to_text(static_cast<double>(*mv) / kMvPerV, 3);
}

std::string temperature(const std::vector<std::string>& lines) {
  std::optional<int64_t> highest;
  for (const std::string& line : lines) {
    if (line.compare(0, 7, "+QTEMP:") != 0) continue;
    Fields fields = at_fields(line);
    // +QTEMP: "sensor","38": the name is no value. +QTEMP: 0,38 and +QTEMP: 32,0,18 are all values.
    if (fields.size() == 2 && fields[0].quoted && !at_number(fields[0].text)) fields.erase(fields.begin());
    for (const AtField& f : fields)
      if (const auto t = at_number(f.text); t && *t >= -40 && *t <= 125 && (!highest || *t > *highest)) highest = t;
  }
  return highest ? std::to_string(*highest) : std::string();
}

Signal signal(std::string_view line) {
  const Fields f = at_fields(line);
  if (at_text(f, 0) != "LTE" && at_text(f, 0) != "CAT-M1" && at_text(f, 0) != "CAT-NB1") return {};
  Signal s;
  s.rsrp = within(at_number(f, 2), -156, -31);
  s.rsrq = within(at_number(f, 4), -43, 20);
  constexpr double kStepsPerDb = 5, kLowestDb = -20;
  if (const auto raw = at_number(f, 3); raw && *raw >= 0 && *raw <= 250)
    s.sinr = to_text(static_cast<double>(*raw) / kStepsPerDb + kLowestDb, 1);
  return s;
}

std::string cells(const std::vector<std::string>& lines) {
  std::string out = "[";
  for (const std::string& line : lines) {
    const Fields f = at_fields(line);
    const bool serving = at_text(f, 0) == "servingcell";
    const bool neighbour = at_text(f, 0).substr(0, 13) == "neighbourcell";
    std::string cell;
    if (serving && at_text(f, 2) == "LTE") {
      const auto id = at_hex(at_text(f, 6)), tac = at_hex(at_text(f, 12));
      cell = "0," + or_null(within(id, 0, 0xFFFFFFF)) + "," + or_null(within(at_number(f, 4), 0, 999)) + "," +
             or_null(within(at_number(f, 5), 0, 999)) + "," + or_null(within(at_number(f, 7), 0, 503)) + "," +
             or_null(within(tac, 0, 0xFFFFFF)) + "," + or_null(within(at_number(f, 8), 0, 262'143)) + "," +
             or_null(within(at_number(f, 13), -156, -31));
    } else if (neighbour && at_text(f, 1) == "LTE") {
      cell = (at_text(f, 0).find("inter") == std::string_view::npos ? "1" : "2") + std::string(",null,null,null,") +
             or_null(within(at_number(f, 3), 0, 503)) + ",null," + or_null(within(at_number(f, 2), 0, 262'143)) + "," +
             or_null(within(at_number(f, 5), -156, -31));
    }
    if (cell.empty() || out.find("[" + cell + "]") != std::string::npos) continue;
    out += (out.size() > 1 ? ",[" : "[") + cell + "]";
  }
  return out.size() > 1 ? out + "]" : std::string();
}

std::string_view sim_state(std::string_view line) {
  struct Word {
    std::string_view text, state;
  };
  static constexpr std::array kWords{Word{"READY", "ready"},       Word{"SIM PIN", "pin"},
                                     Word{"SIM PUK", "puk"},       Word{"SIM PIN2", "pin2"},
                                     Word{"SIM PUK2", "puk2"},     Word{"NOT INSERTED", "none"},
                                     Word{"NOT READY", "busy"},    Word{"PH-SIM PIN", "locked"},
                                     Word{"PH-NET PIN", "locked"}, Word{"PH-NETSUB PIN", "locked"}};
  const std::string_view text = at_text(at_fields(line), 0);
  for (const Word& w : kWords)
    if (w.text == text) return w.state;
  return {};
}

std::string_view sim_state_of_error(int cme) {
  switch (cme) {
    case kCmeSimMissing:
      return "none";
    case kCmeSimPin:
      return "pin";
    case kCmeSimPuk:
      return "puk";
    case kCmeSimFailure:
      return "failure";
    case kCmeSimBusy:
      return "busy";
    default:
      return {};
  }
}

std::optional<Position> locator(std::string_view line) {
  const Fields f = at_fields(line);
  const auto code = at_number(f, 0);
  const auto lat = real(at_text(f, 1)), lng = real(at_text(f, 2)), accuracy = real(at_text(f, 3));
  if (!code || *code != 0 || !lat || !lng || !is_position(*lat, *lng)) return std::nullopt;
  const bool known = accuracy && *accuracy > 0 && *accuracy < 1e6;
  return Position{
      *lat, *lng,
      "[" + to_text(*lng, 6) + "," + to_text(*lat, 6) + "," + (known ? to_text(*accuracy, 1) : "null") + "]"};
}

std::optional<Position> gnss(std::string_view line) {
  const Fields f = at_fields(line);
  const auto lat = real(at_text(f, 1)), lng = real(at_text(f, 2)), hdop = real(at_text(f, 3));
  const auto fix = at_number(f, 5), satellites = at_number(f, 10);
  // With assisted GNSS a false fix comes first: no satellites, no dilution, the first year of the clock.
  if (!lat || !lng || !hdop || *hdop <= 0 || !fix || *fix < 2 || !satellites || *satellites <= 0) return std::nullopt;
  if (!is_position(*lat, *lng)) return std::nullopt;
  std::string json = "{\"lat\":" + to_text(*lat, 6) + ",\"lng\":" + to_text(*lng, 6);
  const auto add = [&](const char* name, const std::optional<double>& value, int decimals) {
    if (value) json += std::string(",\"") + name + "\":" + to_text(*value, decimals);
  };
  add("alt_m", real(at_text(f, 4)), 1);
  add("speed_kmh", real(at_text(f, 7)), 1);
  add("course_deg", real(at_text(f, 6)), 1);
  add("hdop", hdop, 1);
  json += ",\"satellites\":" + std::to_string(*satellites);
  const std::string_view time = at_text(f, 0), date = at_text(f, 9);
  const bool dated =
      date.size() == 6 && time.size() >= 6 && at_has_form(date, "n") && at_has_form(time.substr(0, 6), "n");
  constexpr int64_t kFirstYear = 24, kGpsEpoch = 80;  // 80/01/06 is a clock that nobody has set
  const int64_t year = dated ? *at_number(date.substr(4)) : 0;
  if (year >= kFirstYear && year < kGpsEpoch) {
    const auto two = [](std::string_view t, size_t at) { return std::string(t.substr(at, 2)); };
    json += ",\"time\":\"20" + two(date, 4) + "-" + two(date, 2) + "-" + two(date, 0) + "T" + two(time, 0) + ":" +
            two(time, 2) + ":" + two(time, 4) + "Z\"";
  }
  return Position{*lat, *lng, json + "}"};
}

double metres(const Position& a, const Position& b) {
  constexpr double kMetresPerDegree = 111'195, kRadians = 0.017453292519943295;
  const double x = (a.lng - b.lng) * std::cos((a.lat + b.lat) / 2 * kRadians), y = a.lat - b.lat;
  return std::sqrt(x * x + y * y) * kMetresPerDegree;
}

}  // namespace hal_ec600::readings
