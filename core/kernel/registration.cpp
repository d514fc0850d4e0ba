#include "kernel/registration.hpp"

#include <algorithm>
#include <dtu/sdk/placeholder_reader.hpp>

#include "config/json_value.hpp"

namespace dtud {
namespace {

using dtu::Placeholder;
using dtu::PlaceholderSet;
using dtu::PlaceholderValues;
using dtu::TextTemplate;

constexpr int64_t kUnknownSignal = 99;  // as 3GPP TS 27.007 writes "not known or not detectable"

// reg 1
std::string standard_message(const PlaceholderValues& values) {
  const std::string& csq = values[Placeholder::csq];
  const bool number = !csq.empty() && csq.size() <= 3 && csq.find_first_not_of("0123456789") == std::string::npos;
  auto o = config::make_object();
  o->set("csq", number ? std::stoll(csq) : kUnknownSignal);
  o->set("imei", values[Placeholder::imei]);
  o->set("iccid", values[Placeholder::iccid]);
  o->set("ver", values[Placeholder::ver]);
  return config::to_json(config::Json(o));
}

PlaceholderSet standard_values() {
  PlaceholderSet all;
  for (const Placeholder one : {Placeholder::imei, Placeholder::iccid, Placeholder::csq, Placeholder::ver})
    all.add(one);
  return all;
}

}  // namespace

// The placeholders' values, read by the kernel itself. Its answers may come after it is gone: they hold it weakly.
class Registration::Facts final : public dtu::PlaceholderReader, public std::enable_shared_from_this<Facts> {
 public:
  Facts(Registration& owner, std::string who)
      : owner_(owner), who_(std::move(who)), timer_(owner.lane_.timers().create(on_timer, this)) {}
  ~Facts() override { owner_.lane_.timers().destroy(timer_); }
  Facts(const Facts&) = delete;
  Facts& operator=(const Facts&) = delete;

 private:
  dtu_status ask(size_t which) override {
    if (static_cast<Placeholder>(which) == Placeholder::ver) {
      if (const std::string version = owner_.version_(); !version.empty()) return tell_version(which, version);
    }
    const auto done = [self = weak_from_this(), which](const commands::Answer& answer) {
      if (const auto facts = self.lock()) facts->answered(which, answer.status, answer.json);
    };
    return owner_.calls_.read_point(kPoints[which], nullptr, done).status;
  }
  dtu_status tell_version(size_t which, const std::string& version) {
    owner_.lane_.post([self = weak_from_this(), which, json = config::to_json(config::Json(version))] {
      if (const auto facts = self.lock()) facts->answered(which, DTU_OK, json);
    });
    return DTU_OK;
  }
  void arm(int64_t delay_ns) override { owner_.lane_.timers().arm(timer_, monotonic_ns() + delay_ns); }
  void disarm() override { owner_.lane_.timers().disarm(timer_); }
  int64_t now_ns() override { return monotonic_ns(); }
  void warn(const std::string& text) override { owner_.log_.warning(who_, "registration: " + text); }
  static void on_timer(void* self) { static_cast<Facts*>(self)->due(); }

  Registration& owner_;
  std::string who_;
  uint64_t timer_;
};

Registration::Registration(Lane& lane, Log& log, commands::Calls& calls, routing::Router& router,
                           std::function<std::string()> version)
    : lane_(lane), log_(log), calls_(calls), router_(router), version_(std::move(version)) {}

Registration::~Registration() = default;

void Registration::look(routing::Channel& channel) {
  const bool carried = std::exchange(channel.connected, channel.carries());
  if (carried == channel.connected) return;
  if (!channel.connected) return ended(channel);
  if (!channel.config.registration || (channel.instance->component().caps & DTU_CAP_REQUESTS) != 0) return;
  if (channel.registered && channel.config.register_once) return;
  begin(channel);
}

void Registration::ended(routing::Channel& channel) {
  channel.connected = channel.registering = false;
  if (const auto at = facts_.find(channel.id); at != facts_.end()) at->second->cancel();
}

void Registration::begin(routing::Channel& channel) {
  channel.registering = true;
  const std::string given = *channel.config.registration;
  const TextTemplate text(given, TextTemplate::Form::bytes);
  facts_of(channel).read(given.empty() ? standard_values() : text.uses(),
                         [this, id = channel.id, standard = given.empty(), text](const PlaceholderValues& values) {
                           routing::Channel* to = router_.channel(id);
                           if (to == nullptr || !to->registering) return;
                           PlaceholderValues all = values;
                           all[Placeholder::id] = std::to_string(id);
                           router_.register_channel(*to, standard ? standard_message(all) : text.fill(all));
                         });
}

Registration::Facts& Registration::facts_of(const routing::Channel& channel) {
  auto& facts = facts_[channel.id];
  if (!facts) facts = std::make_shared<Facts>(*this, channel.name);
  return *facts;
}

}  // namespace dtud
