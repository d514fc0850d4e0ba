// AT+QFOTADL: the download, the restart, the update and the version after it. The URL is not fetched.
#include <array>
#include <cctype>
#include <cstdio>

#include "modem.hpp"
#include "table.hpp"

namespace sim::modem {
namespace {

constexpr std::array<int, 5> kDownloaded{0, 25, 50, 75, 100};
constexpr std::array<int, 8> kUpdated{7, 20, 33, 46, 59, 72, 85, 96};

void say(Modem& modem, const std::string& what) { modem.urc("+QIND: \"FOTA\"," + what); }

// The version with the number behind its last A counted up: …A01M08 becomes …A02M08.
std::string counted_up(std::string version) {
  const size_t letter = version.rfind('A');
  if (letter == std::string::npos || letter + 2 >= version.size()) return version + "-next";
  constexpr int kTwoDigits = 100;
  const int number = (version[letter + 1] - '0') * 10 + version[letter + 2] - '0';
  std::array<char, 8> digits{};
  std::snprintf(digits.data(), digits.size(), "%02d", (number + 1) % kTwoDigits);
  return version.replace(letter + 1, 2, digits.data());
}

void update_step(Modem& modem, size_t step);

void begin_update(Modem& modem) {
  say(modem, "\"START\"");
  update_step(modem, 0);
}

void end_update(Modem& modem) {
  State& state = modem.state();
  const int error = state.firmware.update_error;
  if (error == 0) state.version = state.firmware.next.empty() ? counted_up(state.version) : state.firmware.next;
  say(modem, "\"END\"," + std::to_string(error));
  modem.later(state.firmware.step_ms, [](Modem& m) { m.restart(false); });
}

void update_step(Modem& modem, size_t step) {
  Firmware& firmware = modem.state().firmware;
  if (step == kUpdated.size()) return end_update(modem);
  const int percent = kUpdated[step];
  if (firmware.cut_update >= 0 && percent >= firmware.cut_update) {
    firmware.cut_update = -1;
    modem.note("the power goes during the update");
    if (firmware.resume) modem.at_next_start(begin_update);
    return modem.restart(false);
  }
  say(modem, "\"UPDATING\"," + std::to_string(percent));
  modem.later(firmware.step_ms, [step](Modem& m) { update_step(m, step + 1); });
}

void download_step(Modem& modem, size_t step, bool restarts) {
  Firmware& firmware = modem.state().firmware;
  if (step < kDownloaded.size()) {
    const int percent = kDownloaded[step];
    if (firmware.cut_download >= 0 && percent >= firmware.cut_download) {
      firmware.cut_download = -1;
      modem.note("the power goes during the download");
      return modem.restart(false);
    }
    if (modem.profile().says_downloading) say(modem, "\"DOWNLOADING\"," + std::to_string(percent));
    return modem.later(firmware.step_ms, [=](Modem& m) { download_step(m, step + 1, restarts); });
  }
  say(modem, "\"HTTPEND\"," + std::to_string(firmware.download_error));
  if (firmware.download_error != 0) return;
  modem.at_next_start(begin_update);  // also when the host restarts it
  if (restarts) modem.later(firmware.step_ms, [](Modem& m) { m.restart(false); });
}

void download(Modem& modem, const Call& call, Answer& answer) {
  constexpr size_t kMostUrl = 700;
  constexpr int kMostTimeout = 600;
  const std::string& url = call.text(0);
  const auto restarts = call.number(1, 0, 1, 1);
  const bool known = url.rfind("http://", 0) == 0 || url.rfind("https://", 0) == 0 || url.rfind("ftp://", 0) == 0;
  if (!known || url.size() > kMostUrl || !restarts || !call.number(2, 1, kMostTimeout, 1))
    return answer.cme(kCmeParameter);
  const int64_t step_ms = modem.state().firmware.step_ms;
  answer.after(step_ms, [restarts = *restarts == 1, step_ms](Modem& m) {
    say(m, "\"HTTPSTART\"");
    m.later(step_ms, [restarts](Modem& later) { download_step(later, 0, restarts); });
  });
}

}  // namespace

const std::vector<AtCommand>& firmware_commands() {
  static const std::vector<AtCommand> table{
      {"+QFOTADL", kEvery, Need::nothing, "+QFOTADL: <URL>,(0,1),(1-600)", nullptr, nullptr, download},
  };
  return table;
}

}  // namespace sim::modem
