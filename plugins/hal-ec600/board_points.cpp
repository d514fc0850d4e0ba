#include "board_points.hpp"

#include <dtu/sdk/json.hpp>

#include <algorithm>
#include <utility>

namespace hal_ec600 {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kYoungMs = 2'000;                                 // readers that come together share one exchange
constexpr int64_t kLocatorMs = 600'000, kLocatorFailedMs = 60'000;  // a paid service with limits per day
constexpr int64_t kStaleAfter = 3;                                  // times poll_s
constexpr uint64_t kPatienceMs = 10'000;
constexpr size_t kMostWaiting = 256;
constexpr uint32_t kHeldMs = 2'000;  // a command that has the line for so long may have it much longer
constexpr int64_t kAskedMs = 3'000;  // a read waits so long for it
constexpr uint64_t kAskedLookMs = 500;

// Commands that read a group themselves, by how they begin.
struct Own {
  Group group;
  const char* command;
};
constexpr Own kOwn[] = {{Group::poll, "AT+CSQ"},     {Group::cells, "AT+QENG"}, {Group::adc_0, "AT+QADC"},
                        {Group::adc_1, "AT+QADC"},   {Group::gnss, "AT+QGPS"},  {Group::locator, "AT+QLBS"},
                        {Group::locator, "AT+QIACT"}};

}  // namespace

struct BoardPoints::Point {
  const char *name, *unit, *title;
  std::optional<Group> group;  // nothing: known here
  std::optional<Feature> needs;
  std::string (*local)(const BoardPoints&) = nullptr;
};

const BoardPoints::Point BoardPoints::kPoints[] = {
    {"adc.0", "V", "ADC 0", Group::adc_0, Feature::adc},
    {"adc.1", "V", "ADC 1", Group::adc_1, Feature::adc},
    {"battery.mv", "mV", "Battery", Group::poll, Feature::battery},
    {"battery.percent", "%", "Battery", Group::poll, Feature::battery},
    {"device.imei", "", "IMEI", Group::identity, {}},
    {"device.version", "", "Firmware version of the modem", Group::identity, {}},
    {"location.cell", "", "Location by base stations", Group::locator, Feature::locator},
    {"location.gnss", "", "Location by satellites", Group::gnss, Feature::gnss},
    {"modem.state", "", "State of the modem", {}, {}, [](const BoardPoints& b) { return b.modem_state(); }},
    {"network.apn",
     "",
     "Access point",
     {},
     {},
     [](const BoardPoints& b) { return dtu::quoted(b.network_.settings().apn); }},
    {"network.apn_user",
     "",
     "User at the access point",
     {},
     {},
     [](const BoardPoints& b) { return dtu::quoted(b.network_.settings().user); }},
    {"network.cells", "", "Base stations", Group::cells, Feature::cells},
    {"network.configured",
     "",
     "Times the access point was set",
     {},
     {},
     [](const BoardPoints& b) { return std::to_string(b.network_.configured()); }},
    {"network.data_state", "", "Data network", Group::poll, {}},
    {"network.voice_state", "", "Voice network", Group::poll, {}},
    {"radio.csq", "", "Signal", Group::poll, {}},
    {"radio.operator", "", "Operator", Group::poll, {}},
    {"radio.rsrp", "dB[mW]", "Reference signal power", Group::poll, Feature::signal},
    {"radio.rsrq", "dB", "Reference signal quality", Group::poll, Feature::signal},
    {"radio.sinr", "dB", "Signal to noise", Group::poll, Feature::signal},
    {"radio.technology", "", "Radio technology", Group::poll, {}},
    {"sensor.temperature", "Cel", "Temperature of the modem", Group::poll, Feature::temperature},
    {"sim.iccid", "", "ICCID", Group::sim, {}},
    {"sim.imsi", "", "IMSI", Group::sim, {}},
    {"sim.number", "", "Phone number", Group::sim, {}},
    {"sim.state", "", "State of the SIM", Group::poll, {}}};

BoardPoints::BoardPoints(dtu::Host host, Modem& modem, Asker& asker, Values& values, const Network& network,
                         const Config& config)
    : host_(host), modem_(modem), asker_(asker), values_(values), network_(network), config_(config) {}

void BoardPoints::list(const dtu::PointsIface::Each& each) const {
  for (const Point& p : kPoints)
    each({sizeof(dtu_point_info), 0, dtu::str(p.name), dtu::str(p.unit), dtu::str(p.title)});
}

const BoardPoints::Point* BoardPoints::find(std::string_view name) {
  const auto* at =
      std::find_if(std::begin(kPoints), std::end(kPoints), [name](const Point& p) { return p.name == name; });
  return at == std::end(kPoints) ? nullptr : at;
}

void BoardPoints::start() {
  patience_.emplace(host_, [this] { answer_waiting(); });
  asked_timer_.emplace(host_, [this] { asked_look(); });
}

void BoardPoints::stop() {
  answer_waiting();
  patience_.reset();
  asked_timer_.reset();
}

void BoardPoints::modem_ready() { answer_waiting(); }

void BoardPoints::modem_unready() {
  if (!is_starting()) answer_waiting();
}

bool BoardPoints::is_starting() const {
  const Modem::Phase phase = modem_.phase();
  return phase == Modem::Phase::confirming || phase == Modem::Phase::starting;
}

void BoardPoints::refuse(const Point& point) const {
  const std::string name = point.name;
  if (point.group == Group::gnss && !config_.gnss)
    throw dtu::Failure(DTU_E_UNSUPPORTED, name + ": GNSS is off: set \"gnss\" in board.json");
  if (point.group == Group::locator && config_.lbs_token.empty())
    throw dtu::Failure(DTU_E_UNSUPPORTED, name + " needs a QuecLocator token: set \"lbs_token\" in board.json");
  if (point.needs && modem_.features().lacks(*point.needs))
    throw dtu::Failure(DTU_E_UNSUPPORTED, name + ": " + modem_.features().lack(*point.needs));
}

bool BoardPoints::is_fresh(const Point& point, const Value& value) const {
  if (value.at_ms < 0) return false;
  const bool once = point.group == Group::identity || point.group == Group::sim;
  if (once && value.known()) return true;
  int64_t most = kYoungMs;
  if (point.group == Group::locator) most = value.known() ? kLocatorMs : kLocatorFailedMs;
  if (point.group == Group::poll && value.why.empty()) most = int64_t{1000} * config_.poll_s;
  return host_.monotonic_ns() / kNsPerMs - value.at_ms < most;
}

void BoardPoints::read(std::string_view name, uint64_t call) {
  const Point* point = find(name);
  if (point == nullptr) throw dtu::Failure(DTU_E_NOT_FOUND, std::string(name) + " is not a point of the EC600 modem");
  refuse(*point);
  if (point->local != nullptr) {
    host_.reply(call, point->local(*this));
    return;
  }
  if (is_starting() && !values_.get(name).known() && waiting_.size() < kMostWaiting) {
    if (waiting_.empty() && patience_) patience_->arm_ms(kPatienceMs);
    waiting_.push_back({std::string(name), call});
    return;
  }
  read_or_ask(*point, call);
}

void BoardPoints::read_or_ask(const Point& point, uint64_t call) {
  if (!modem_.is_ready() || is_fresh(point, values_.get(point.name))) return answer(point, call);
  if (const std::string holder = line_holder(*point.group, kHeldMs); !holder.empty())
    return answer(point, call, holder);
  asked_.push_back({&point, call, host_.monotonic_ns() / kNsPerMs});
  if (asked_.size() == 1 && asked_timer_) asked_timer_->arm_ms(kAskedLookMs, kAskedLookMs);
  asker_.read(*point.group, [this, &point, call] {
    const auto at = std::find_if(asked_.begin(), asked_.end(), [call](const Asked& a) { return a.call == call; });
    if (at == asked_.end()) return;  // answered while it waited for the line
    asked_.erase(at);
    answer(point, call);
  });
}

// Nothing while the command reads this very group: it may take as long as it does.
std::string BoardPoints::line_holder(Group group, uint32_t most_ms) const {
  AtEngine& engine = modem_.engine();
  if (engine.held_ms() < most_ms) return {};
  std::string holder = engine.busy_with();
  const bool own = std::any_of(std::begin(kOwn), std::end(kOwn),
                               [&](const Own& o) { return o.group == group && holder.rfind(o.command, 0) == 0; });
  return own ? std::string() : holder;
}

void BoardPoints::asked_look() {
  const int64_t now = host_.monotonic_ns() / kNsPerMs;
  for (auto at = asked_.begin(); at != asked_.end();) {
    const std::string holder = line_holder(*at->point->group, kHeldMs);
    if (holder.empty() || now - at->since_ms < kAskedMs) {
      ++at;
      continue;
    }
    const Asked asked = *at;
    at = asked_.erase(at);
    answer(*asked.point, asked.call, holder);
  }
  if (asked_.empty() && asked_timer_) asked_timer_->disarm();
}

void BoardPoints::answer(const Point& point, uint64_t call, const std::string& holder) const {
  const Value& value = values_.get(point.name);
  if (!value.known()) {
    if (!holder.empty()) {
      host_.reply_error(call, DTU_E_IO, std::string(point.name) + ": the modem is busy with " + holder,
                        DTU_ERR_RETRYABLE);
      return;
    }
    if (!modem_.is_ready())
      host_.reply_error(call, DTU_E_IO, std::string(point.name) + ": " + modem_.trouble(), DTU_ERR_RETRYABLE);
    else if (!value.why.empty())
      host_.reply_error(call, DTU_E_IO, std::string(point.name) + ": " + value.why, DTU_ERR_RETRYABLE);
    else
      host_.reply(call, "null");
    return;
  }
  const int64_t age = host_.monotonic_ns() / kNsPerMs - value.at_ms;
  const bool once = point.group == Group::identity || point.group == Group::sim;
  const bool old = !once && age > kStaleAfter * 1000 * config_.poll_s && point.group != Group::locator;
  host_.reply_aged(call, value.json, std::chrono::milliseconds(age), old || !modem_.is_ready());
}

void BoardPoints::answer_waiting() {
  std::deque<Waiting> waiting;
  waiting.swap(waiting_);
  if (patience_) patience_->disarm();
  for (const Waiting& w : waiting) {
    dtu_error e{};  // that the variant lacks it may be known only now
    const dtu_status status = dtu::guarded(&e, [&] {
      const Point& point = *find(w.name);
      refuse(point);
      read_or_ask(point, w.call);
      return DTU_OK;
    });
    if (status != DTU_OK) host_.reply_error(w.call, status, e.message, e.flags);
  }
}

std::string BoardPoints::modem_state() const {
  const Modem::Status s = modem_.status();
  std::string json = "{\"state\":" + dtu::quoted(s.state);
  if (!s.model.empty()) json += ",\"model\":" + dtu::quoted(s.model);
  if (!s.trouble.empty()) json += ",\"trouble\":" + dtu::quoted(s.trouble);
  if (s.steps != 0)
    json += ",\"recovery\":{\"step\":" + dtu::quoted(s.last_rung) + ",\"tries\":" + std::to_string(s.steps) + "}";
  return json + ",\"resets_today\":" + std::to_string(s.wear_today) + "}";
}

}  // namespace hal_ec600
