#include "kernel/indicators.hpp"

#include <array>
#include <utility>

namespace dtud {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kAsk_ns = 3000 * kMs;
constexpr int64_t kMend_ns = 2000 * kMs;  // also the time HALs have to start in before a pin counts as missing
constexpr const char* kNetworkState = "network.data_state";

struct Pattern {
  int64_t on_ns, off_ns;
};
constexpr std::array kPatterns{Pattern{100 * kMs, 100 * kMs},    // registering
                               Pattern{500 * kMs, 500 * kMs},    // attached
                               Pattern{200 * kMs, 1800 * kMs}};  // connected

bool registered(const std::string& state) { return state == "1" || state == "5"; }  // +CEREG: home, roaming

}  // namespace

Indicators::Indicators(Lane& lane, Log& log, commands::Directory& directory, commands::Calls& calls,
                       std::function<bool()> connected, std::function<void()> reset_parameters)
    : lane_(lane),
      directory_(directory),
      calls_(calls),
      connected_(std::move(connected)),
      led_(log, directory, calls, "pins/0 (network LED)", [this] { mend_later(); }),
      ready_(log, directory, calls, "pins/1 (ready line)", [this] { mend_later(); }),
      reset_(lane, log, directory, calls, std::move(reset_parameters)),
      blink_timer_(lane.timers().create(run_blink, this)),
      ask_timer_(lane.timers().create(run_ask, this)),
      mend_timer_(lane.timers().create(run_mend, this)) {}

Indicators::~Indicators() {
  for (const uint64_t timer : {blink_timer_, ask_timer_, mend_timer_}) lane_.timers().destroy(timer);
}

void Indicators::configure(const config::PinsConfig& pins) {
  if (pins == pins_) return;
  pins_ = pins;
  led_.use(pins.led);
  ready_.use(pins.ready);
  reset_.use(pins.reset);
  mend_later();
  show();
}

void Indicators::look() { show(); }

void Indicators::points_changed() {
  led_.forget();
  ready_.forget();
  reset_.points_changed();
  show();
}

void Indicators::show() {
  const bool up = connected_();
  ready_.set(up);
  if (!led_.there()) {
    lane_.timers().disarm(blink_timer_);
    lane_.timers().disarm(ask_timer_);
    blinking_ = false;
    return;
  }
  if (up) {
    lane_.timers().disarm(ask_timer_);
    asking_.reset();
    return show(Network::connected);
  }
  if (network_ == Network::connected || !blinking_) show(Network::registering);
  ask_network();
}

void Indicators::show(Network network) {
  if (std::exchange(network_, network) == network && blinking_) return;
  lit_ = false;
  blink();
}

void Indicators::blink() {
  blinking_ = led_.there();
  if (!blinking_) return;
  lit_ = !lit_;
  led_.set(lit_);
  const Pattern& pattern = kPatterns.at(static_cast<size_t>(network_));
  lane_.timers().arm(blink_timer_, monotonic_ns() + (lit_ ? pattern.on_ns : pattern.off_ns));
}

void Indicators::ask_network() {
  if (asking_ != nullptr) return;
  if (!led_.there() || directory_.point(kNetworkState) == nullptr) return show(Network::attached);
  asking_ = std::make_shared<bool>(true);
  const commands::Answer refusal = calls_.read_point(
      kNetworkState, nullptr, [this, asking = std::weak_ptr<bool>(asking_)](const commands::Answer& answer) {
        if (!asking.expired()) understood(answer);
      });
  if (refusal.status != DTU_OK) understood(refusal);
}

// A board that cannot say is asked again; until it can, it is not attached.
void Indicators::understood(const commands::Answer& data_state) {
  asking_.reset();
  if (connected_() || !led_.there()) return;
  lane_.timers().arm(ask_timer_, monotonic_ns() + kAsk_ns);
  show(data_state.status == DTU_OK && registered(data_state.json) ? Network::attached : Network::registering);
}

void Indicators::mend_later() {
  if (pins_ == config::PinsConfig{}) return;
  lane_.timers().arm(mend_timer_, monotonic_ns() + kMend_ns);
}

void Indicators::mend() {
  led_.say_if_missing();
  ready_.say_if_missing();
  reset_.say_if_missing();
  led_.again();
  ready_.again();
}

}  // namespace dtud
