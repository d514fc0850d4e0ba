#include "hal.hpp"

#include <dtu/sdk/json.hpp>

#include <array>

#include "modem_tty.hpp"

namespace hal_ec600 {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

struct CommandRow {
  const char *name, *title, *schema;
  uint32_t flags;
};
constexpr std::array kCommands{
    CommandRow{"modem.at", "Send AT commands", AtCommands::kArgs, DTU_COMMAND_LOCAL | DTU_COMMAND_CHANGES},
    CommandRow{"modem.reset", "Restart the modem", "", DTU_COMMAND_PASSWORD | DTU_COMMAND_CHANGES},
    CommandRow{"network.attach", "Attach to the mobile network", "", DTU_COMMAND_PASSWORD | DTU_COMMAND_CHANGES},
    CommandRow{"network.detach", "Detach from the mobile network", "", DTU_COMMAND_PASSWORD | DTU_COMMAND_CHANGES}};

}  // namespace

Ec600Hal::Ec600Hal(dtu::Host host, std::string_view config) : Ec600Hal(host, config, nullptr) {}

Ec600Hal::Ec600Hal(dtu::Host host, std::string_view config, const Modem::MakePort& make_port)
    : Component(host),
      config_(read_config(config)),
      modem_(
          host, config_,
          make_port ? make_port
                    : [this, host](AtPort::Owner& owner) { return std::make_unique<ModemTty>(host, config_, owner); }),
      asker_(
          modem_, values_, config_, [host] { return host.monotonic_ns() / kNsPerMs; }, [this] { events_.look(); }),
      events_(host, values_),
      sim_(host, modem_, asker_, values_, config_),
      network_(host, modem_),
      points_(host, modem_, asker_, values_, network_, config_),
      at_commands_(host, modem_),
      sms_(host, modem_.engine(), sms::read_settings(dtu::Json(config)["sms"])),
      upgrade_(host, modem_.engine()),
      data_(host, modem_, data::read_settings(dtu::Json(config)["data"]), [this] { return registered(); }),
      reset_point_(host, config_.reset_point) {
  modem_.on_ready([this] { ready(); });
  modem_.on_unready([this] { unready(); });
  asker_.on_news([this] { poll_soon(); });
  modem_.on_unknown_line([this](std::string_view line) { events_.line(line); });
  modem_.searching_by([this] { return asker_.searching(); });
  modem_.kept_off_by([this] { return upgrade_.is_writing(); });
}

dtu_status Ec600Hal::start() {
  poll_timer_.emplace(host_, [this] { poll(); });
  soon_timer_.emplace(host_, [this] {
    soon_ = false;
    if (modem_.is_ready()) poll();
  });
  points_.start();
  sim_.start();
  modem_.start();
  data_.start();
  reset_point_.start();
  return DTU_OK;
}

dtu_status Ec600Hal::stop(uint32_t /*deadline_ms*/) {
  reset_point_.stop();
  data_.stop();
  modem_.stop();
  sim_.stop();
  points_.stop();
  sms_.stop();
  upgrade_.stop();
  poll_timer_.reset();
  soon_timer_.reset();
  return DTU_OK;
}

// All is read once, then what changes every poll_s.
void Ec600Hal::ready() {
  asker_.start_over();
  quick_polls_ = 0;
  asker_.read(Group::identity, [] {});
  poll();
  asker_.read(Group::poll, [this] { asker_.read(Group::sim, [] {}); });  // of the poll just begun
  sim_.modem_ready();
  network_.modem_ready();
  points_.modem_ready();
  sms_.ready();
  upgrade_.ready();
}

void Ec600Hal::unready() {
  if (poll_timer_) poll_timer_->disarm();
  if (soon_timer_) soon_timer_->disarm();
  soon_ = false;
  sim_.modem_unready();
  points_.modem_unready();
  sms_.gone();
  upgrade_.gone();
  data_.modem_unready();
}

void Ec600Hal::poll() {
  constexpr uint64_t kMsPerS = 1'000, kQuickMs = 2'000;
  constexpr uint32_t kMostSimBusy = 15;  // for 30 s (A9); then it is as slow as all else
  constexpr uint32_t kMostNameless = 5;  // the name of the operator comes later than the registration
  if (poll_timer_) poll_timer_->arm_ms(kMsPerS * config_.poll_s);
  asker_.read(Group::poll, [this] {
    const auto nameless = [this](const char* point) {
      const Value& value = values_.get(point);
      return !value.known() && value.why.empty();
    };
    const bool incomplete = registered() && (nameless("radio.operator") || nameless("radio.technology"));
    const uint32_t most = asker_.sim_state() == "busy" ? kMostSimBusy : incomplete ? kMostNameless : 0;
    if (most == 0) {
      quick_polls_ = 0;
    } else if (poll_timer_ && modem_.is_ready() && quick_polls_ < most) {
      ++quick_polls_;
      poll_timer_->arm_ms(kQuickMs);
    }
  });
}

// However much is told by the modem at once, it is asked once.
void Ec600Hal::poll_soon() {
  constexpr uint64_t kSoonMs = 1'500;
  if (soon_ || !soon_timer_ || !modem_.is_ready()) return;
  soon_ = true;
  soon_timer_->arm_ms(kSoonMs);
}

dtu_status Ec600Hal::read_point(std::string_view name, uint64_t call) {
  points_.read(name, call);
  return DTU_OK;
}

void Ec600Hal::list_commands(const CommandsIface::Each& each) {
  for (const CommandRow& c : kCommands)
    each({sizeof(dtu_command_info), c.flags, dtu::str(c.name), dtu::str(c.title), dtu::str(c.schema), nullptr, 0});
  list_network(each);
  list_firmware(each);
  sms::Service::list_commands(each);
  fota::Upgrade::list_commands(each);
}

dtu_status Ec600Hal::invoke(uint64_t call, std::string_view name, std::string_view args, const dtu_caller& caller) {
  if (invoke_network(call, name, args) || invoke_firmware(call, name, args) || sms_.invoke(call, name, args) ||
      upgrade_.invoke(call, name, args))
    return DTU_OK;
  if (name == "modem.at") {
    if (caller.kind == DTU_CALLER_CONSOLE && !config_.at_commands)
      throw dtu::Failure(DTU_E_DENIED,
                         "modem.at is for plugins only: set \"at_commands\" in board.json to use it here");
    return at_commands_.run(call, args), DTU_OK;
  }
  if (name == "modem.reset") return reset_modem(call), DTU_OK;
  if (name == "network.attach") return data_.attach(), network_.attach(call), DTU_OK;
  if (name == "network.detach") return data_.detach(), network_.detach(call), DTU_OK;
  throw dtu::Failure(DTU_E_NOT_FOUND, std::string(name) + " is not a command of the EC600 modem");
}

bool Ec600Hal::registered() const {
  const std::string& state = values_.json("network.data_state");
  return state == "1" || state == "5";  // home, roaming
}

void Ec600Hal::cancel(uint64_t call) {
  at_commands_.cancel(call);
  sms_.cancel(call);
  upgrade_.cancel(call);
}

// The modem takes a URL and fetches the package over its own network: a file of this board it cannot reach.
void Ec600Hal::install_firmware(const dtu::FirmwareImage& image, uint64_t /*call*/) {
  throw dtu::Failure(DTU_E_UNSUPPORTED, image.kind == "modem"
                                            ? "the modem fetches its firmware itself: call modem.upgrade with a URL"
                                            : "the modem installs no " + image.kind);
}

// A person asked for it: only the budget stands against it.
void Ec600Hal::reset_modem(uint64_t call) {
  const auto done = [this, call](const AtResult& r) {
    if (r.ok() || r.end == AtEnd::restarted)
      host_.reply(call, "");
    else
      host_.reply_error(call, DTU_E_IO, r.text, DTU_ERR_RETRYABLE);
  };
  if (const std::string why = modem_.restart(done, true); !why.empty()) throw dtu::Failure::retryable(DTU_E_IO, why);
}

std::string Ec600Hal::health() {
  const Modem::Status s = modem_.status();
  const AtCounters& c = modem_.engine().counters();
  std::string json = "{";
  const auto text = [&json](const char* name, const std::string& value) {
    if (!value.empty()) json += (json.size() > 1 ? ",\"" : "\"") + std::string(name) + "\":" + dtu::quoted(value);
  };
  const auto number = [&json](const char* name, uint64_t value) {
    json += ",\"" + std::string(name) + "\":" + std::to_string(value);
  };
  text("state", s.state);
  text("device", s.device);
  text("model", s.model);
  text("trouble", s.trouble);
  text("sim", std::string(asker_.sim_state()));
  text("sim_trouble", sim_.trouble());
  text("reset_point_trouble", reset_point_.trouble());
  text("apn_trouble", network_.trouble());
  text("unsolicited_lines_go_to", s.urc_port);
  text("last_recovery", s.last_rung);
  number("recovery_tries", s.steps);
  number("recoveries", s.recoveries);
  number("resets_today", s.wear_today);
  number("port_losses", s.losses);
  number("exchanges", c.exchanges);
  number("timeouts", c.timeouts);
  number("late_lines", c.late);
  number("stray_answers", c.strays);
  number("restarts", c.restarts);
  number("unsolicited", c.unsolicited);
  number("urc_events_left_out", events_.lines_left_out());
  number("bytes_of_too_long_lines", modem_.engine().lost_bytes());
  json += ",\"sms\":" + sms_.health() + ",\"upgrade\":" + upgrade_.state() + ",\"data\":" + data_.health();
  json += ",\"refused_settings\":[";
  for (size_t i = 0; i < s.refused.size(); ++i) (json += i == 0 ? "" : ",") += dtu::quoted(s.refused[i]);
  return json + "]}";
}

}  // namespace hal_ec600
