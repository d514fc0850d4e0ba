// What a dialect does to the line itself: forgetting what is under way, and other settings for a while.
#include <dtu/sdk/text.hpp>

#include <algorithm>

#include "plugins/sound.hpp"
#include "routing/router.hpp"

namespace dtud::routing {
namespace {

constexpr int64_t kAskAfter_ns = 1'000'000;               // the first question of whether the line is empty
constexpr uint32_t kSlowest = 50, kFastest = 12'000'000;  // bits per second

dtu_port_settings configured(const config::PortConfig& c) {
  return {sizeof(dtu_port_settings), c.baud,           c.databits, c.parity, c.stopbits, c.flow,
          c.direction_gpio,          c.direction_level};
}

// "" or what is wrong with it.
std::string wrong_with(const dtu_port_settings& s) {
  const auto outside = [](const char* what, uint32_t value, const char* allowed) {
    return std::string(what) + " " + std::to_string(value) + " is not allowed: " + allowed;
  };
  if (s.baud < kSlowest || s.baud > kFastest) return outside("baud rate", s.baud, "give 50 to 12000000");
  if (s.databits < 5 || s.databits > 8) return outside("data bits", s.databits, "give 5 to 8");
  if (s.parity > DTU_PARITY_SPACE) return outside("parity", s.parity, "give 0 to 4");
  if (s.stopbits < DTU_STOP_1 || s.stopbits > DTU_STOP_1_5)
    return outside("stop bits", s.stopbits, "give 1, 2 or 3 (1.5)");
  return {};
}

}  // namespace

dtu_status Router::discard(const plugins::Instance& speaker, uint64_t link_id, uint32_t which, uint64_t& bytes) {
  Link* link = link_of(link_id);
  if (link == nullptr || link->speaker != &speaker || link->port == nullptr) return DTU_E_NOT_FOUND;
  Port& port = *link->port;
  bytes = 0;
  if ((which & DTU_DISCARD_TO_PORT) != 0) {
    bytes = port.queued_bytes;
    if (const uint64_t token = std::exchange(port.line.token, 0); token != 0) {
      ++port.dropped(PortDrop::discarded);
      ended(link, 0, token, DTU_E_DROPPED, "discard");
    }
    // What the HAL is being shown cannot be taken back: it is dropped when that is over. The rest goes now; fates come
    // in the order of the messages, so those in front of it have to be told first.
    if (port.shown != 0)
      port.doomed = port.queue.size();
    else
      while (!port.queue.empty()) drop_from(port, PortDrop::discarded, DTU_E_DROPPED, "discard");
  }
  if (port.handle != nullptr && port.hal->alive() && port.hal->tables().ports.discard != nullptr) {
    plugins::Instance* hal = port.hal;
    const bool now = hal->on_main();
    hal->call(
        [hal, handle = port.handle, which] {
          uint64_t forgotten = 0;
          hal->guarded("discard", nullptr,
                       [&] { return forgotten = hal->tables().ports.discard(hal->self(), handle, which), DTU_OK; });
          return forgotten;
        },
        [now, &bytes](uint64_t forgotten) {
          if (now) bytes += forgotten;  // else nobody waits for it
        });
  }
  mark(port);
  unblock_channels_of(port);
  return DTU_OK;
}

dtu_status Router::set_line(const plugins::Instance& speaker, uint64_t link_id, const dtu_line& line,
                            dtu_error* error) {
  Link* link = link_of(link_id);
  if (link == nullptr || link->speaker != &speaker || link->port == nullptr)
    return dtu::fail(error, DTU_E_NOT_FOUND, "this link has no port");
  Port& port = *link->port;
  dtu_port_settings settings = configured(port.config);
  if (line.baud != 0) settings.baud = line.baud;
  if (line.databits != 0) settings.databits = line.databits;
  if (line.stopbits != 0) settings.stopbits = line.stopbits;
  if (line.parity >= 0) settings.parity = static_cast<uint32_t>(line.parity);
  if (line.parity < -1) return dtu::fail(error, DTU_E_INVALID, "parity: give 0 to 4, or -1 for the configured one");
  if (const std::string wrong = wrong_with(settings); !wrong.empty()) return dtu::fail(error, DTU_E_INVALID, wrong);
  return change_line(port, settings, error);
}

dtu_status Router::change_line(Port& port, const dtu_port_settings& settings, dtu_error* error) {
  if (port.hal == nullptr || port.handle == nullptr)
    return dtu::fail(error, DTU_E_NOT_FOUND, port.name + " is not open");
  if (port.hal->tables().ports.set_line == nullptr)
    return dtu::fail(error, DTU_E_UNSUPPORTED, "this board cannot change the settings of an open port");
  port.of_session = settings;
  port.changes.push_back({port.left + port.queue.size(), settings});
  if (port.changes.size() > 1) {  // of several that wait for the same message only the last counts
    const auto before = port.changes.end() - 2;
    if (before->after == port.changes.back().after && !(before == port.changes.begin() && port.changing))
      port.changes.erase(before);
  }
  mark(port);
  return DTU_OK;
}

// False: a change has to be made first, and the line is not empty or the HAL is making it.
bool Router::settle_line(Port& port) {
  while (!port.changes.empty() && port.changes.front().after <= port.left) {
    if (port.changing || port.shown != 0) return false;
    if (port.line.busy && port.hal->tables().ports.drained != nullptr) {
      if (!port.line.awaited) {
        port.line.awaited = true;
        port.line.pause_ns = kAskAfter_ns;
        ask_line(port);
      }
      if (port.line.awaited) return false;
    }
    plugins::Instance* hal = port.hal;
    const dtu_port_settings settings = port.changes.front().settings;
    struct Made {
      dtu_status status;
      dtu_error error;
    };
    port.changing = true;
    hal->call(
        [hal, handle = port.handle, settings] {
          Made made{DTU_OK, {}};
          made.error.struct_size = sizeof made.error;
          made.status = hal->guarded("set_line", &made.error, [&] {
            return hal->tables().ports.set_line(hal->self(), handle, &settings, &made.error);
          });
          return made;
        },
        [this, hal, key = port.key, settings](const Made& made) {
          if (Port* same = port_of(*hal, key); same != nullptr) line_changed(*same, settings, made.status, made.error);
        });
    if (port.changing) return false;
  }
  return true;
}

void Router::line_changed(Port& port, const dtu_port_settings& settings, dtu_status status, const dtu_error& error) {
  port.changing = false;
  if (!port.changes.empty()) port.changes.pop_front();
  if (status < 0) {
    log_.error(port.name, "cannot run at " + std::to_string(settings.baud) + " baud, " +
                              std::to_string(settings.databits) + " data bits, parity " +
                              std::to_string(settings.parity) + ": " + text_of(&error, port.name));
    port_state(*port.hal, port.key, port.state, &error);
  } else if (!port.error.empty() && port.state == DTU_STATE_UP) {
    port_state(*port.hal, port.key, port.state, nullptr);
  }
  mark(port);
}

// The session that asked for other settings is over.
void Router::restore_line(Port& port) {
  if (!port.of_session) return;
  port.of_session.reset();
  if (port.hal == nullptr || port.handle == nullptr || port.hal->tables().ports.set_line == nullptr) return;
  port.changes.push_back({port.left + port.queue.size(), configured(port.config)});
  mark(port);
}

// It was opened as configured.
void Router::resume_line(Port& port) {
  port.changes.clear();
  port.changing = false;
  if (port.of_session && port.hal->tables().ports.set_line != nullptr)
    port.changes.push_back({port.left, *port.of_session});
}

}  // namespace dtud::routing
