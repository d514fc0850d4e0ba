// dtu-sim modem: a cellular module on a pseudo terminal.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "modem/simulation.hpp"
#include "session.hpp"

namespace sim {
namespace {

const modem::Profile& profile_from(const Options& options) {
  const std::string name = options.text("variant");
  const modem::Profile* profile = modem::find_profile(name);
  if (profile == nullptr) throw UsageError("--variant is \"" + name + "\": ec600n, ec600u or bare is needed");
  return *profile;
}

std::vector<modem::Step> script_from(const std::string& path) {
  if (path.empty()) return {};
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read --script " + path);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  try {
    return modem::parse_script(text);
  } catch (const modem::ScriptError& e) {
    throw UsageError(path + ", " + e.what());
  }
}

// Control characters as a script writes them, so that a line stays a line.
std::string printable(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r')
      out += "\\r";
    else if (c == '\n')
      out += "\\n";
    else if (byte >= ' ' && byte < 0x7f)
      out += c;
    else
      out += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 0xfU]};
  }
  return out;
}

// The rate the host has set on its end of our pseudo terminal; 0: not known.
int64_t host_rate(int fd) {
  struct Rate {
    speed_t code;
    int64_t baud;
  };
  constexpr std::array<Rate, 9> kRates{{{B4800, 4800},
                                        {B9600, 9600},
                                        {B19200, 19200},
                                        {B38400, 38400},
                                        {B57600, 57600},
                                        {B115200, 115200},
                                        {B230400, 230400},
                                        {B460800, 460800},
                                        {B921600, 921600}}};
  termios settings{};
  if (tcgetattr(fd, &settings) != 0) return 0;
  for (const Rate& rate : kRates)
    if (cfgetospeed(&settings) == rate.code) return rate.baud;
  return 0;
}

class ModemRun {
 public:
  explicit ModemRun(const Options& options)
      : json_(options.has("json")),
        trace_(options.has("trace")),
        from_stdin_(options.has("stdin")),
        path_(options.text("pty")),
        steps_(script_from(options.text("script"))),
        simulation_(profile_from(options), static_cast<uint32_t>(options.number("seed", 1, 1'000'000'000)),
                    {[this] { line_.reset(); }, [this](const std::string& path) { plug(path); },
                     trace_ ? [this](char direction, std::string_view text) { trace(direction, text); }
                            : std::function<void(char, std::string_view)>()}) {
    if (path_.empty()) throw UsageError("--pty PATH is needed");
  }

  int run() {
    plug("");
    begun_ms_ = now_ms();
    simulation_.advance(begun_ms_);
    simulation_.play(std::move(steps_));
    std::printf("%s is a %s\n", path_.c_str(), std::string(simulation_.modem().profile().model).c_str());
    std::fflush(stdout);
    while (!interrupted_ && !simulation_.ended()) {
      write();
      wait();
      simulation_.advance(now_ms());
      read();
      simulation_.modem().read_sockets();
    }
    write();
    summary();
    return 0;
  }

 private:
  static constexpr size_t kAtOnce = 4096;

  void plug(const std::string& path) {
    line_.reset();
    if (!path.empty()) path_ = path;
    line_ = std::make_unique<Line>(LineSettings{"", path_, ""});
  }

  void write() {
    if (!line_) return simulation_.modem().wire().clear();  // what is said into a cable that is pulled out
    for (std::string_view bytes; !(bytes = simulation_.ready(kAtOnce)).empty();) {
      const size_t done = line_->write(bytes);
      full_ = done < bytes.size();
      simulation_.taken(done);
      sent_ += done;
      if (full_) return;
    }
    full_ = false;
  }

  // Until the host sent or can take more, a peer of a socket or a line of standard input is there, or something is due.
  void wait() {
    std::vector<pollfd> fds{{interrupts_.fd(), POLLIN, 0},
                            {from_stdin_ ? STDIN_FILENO : -1, POLLIN, 0},
                            {line_ ? line_->fd() : -1, static_cast<short>(full_ ? POLLIN | POLLOUT : POLLIN), 0}};
    for (const auto& [id, socket] : simulation_.modem().state().sockets)
      if (socket.peer) fds.push_back({socket.peer->fd(), POLLIN, 0});
    constexpr int64_t kMost = 60'000;
    const int64_t due = simulation_.due_ms(line_ && !full_);
    const int64_t now = now_ms();
    const int64_t patience = due <= now ? 0 : std::min(kMost, due - now);
    if (poll(fds.data(), fds.size(), static_cast<int>(patience)) < 0 && errno != EINTR)
      throw std::runtime_error("poll failed");
    interrupted_ = interrupted_ || fds[0].revents != 0;
    if (fds[1].revents != 0) read_actions();
    readable_ = fds[2].revents != 0;
  }

  void read() {
    if (!line_ || !std::exchange(readable_, false)) return;
    const std::string bytes = line_->read();
    received_ += bytes.size();
    if (bytes.empty()) return;
    simulation_.modem().set_line_rate(host_rate(line_->fd()));
    simulation_.receive(bytes);
  }

  void read_actions() {
    std::array<char, kAtOnce> room{};
    const ssize_t got = ::read(STDIN_FILENO, room.data(), room.size());
    if (got <= 0) {
      from_stdin_ = false;  // the end of it is not ours
      return;
    }
    typed_.append(room.data(), static_cast<size_t>(got));
    for (size_t end = 0; (end = typed_.find('\n')) != std::string::npos; typed_.erase(0, end + 1)) {
      const std::string line = typed_.substr(0, end);
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      simulation_.advance(now_ms());
      try {
        simulation_.act(modem::parse_action(line));
        std::printf("ok\n");
      } catch (const modem::ScriptError& e) {
        std::printf("error: %s\n", e.what());
      }
      std::fflush(stdout);
    }
  }

  void trace(char direction, std::string_view text) {
    constexpr double kMs = 1000;
    const double at = begun_ms_ == 0 ? 0 : static_cast<double>(simulation_.modem().now_ms() - begun_ms_) / kMs;
    std::fprintf(json_ ? stderr : stdout, "%8.3f %c %s\n", at, direction, printable(text).c_str());
    std::fflush(json_ ? stderr : stdout);
  }

  void summary() {
    modem::Modem& modem = simulation_.modem();
    const modem::Counts& c = modem.counts();
    const char* pattern =
        json_ ? "{\"commands\":%llu,\"errors\":%llu,\"urcs\":%llu,\"urcs_elsewhere\":%llu,\"restarts\":%llu,"
                "\"sms_sent\":%llu,\"received_bytes\":%llu,\"sent_bytes\":%llu,\"lost_bytes\":%llu,"
                "\"ignored_bytes\":%llu}\n"
              : "%llu commands (%llu answered with an error), %llu unsolicited lines (%llu to another port), %llu "
                "restarts, %llu messages sent; %llu bytes received, %llu sent, %llu lost, %llu ignored\n";
    // NOLINTNEXTLINE(clang-diagnostic-format-nonliteral)
    const std::array<unsigned long long, 10> counted{c.commands,       c.errors,   c.urcs,
                                                     c.urcs_elsewhere, c.restarts, modem.state().sms.sent,
                                                     received_,        sent_,      modem.wire().lost(),
                                                     c.ignored_bytes};
    std::printf(pattern, counted[0], counted[1], counted[2], counted[3], counted[4], counted[5], counted[6], counted[7],
                counted[8], counted[9]);
  }

  bool json_;
  bool trace_;
  bool from_stdin_;
  std::string path_;
  std::vector<modem::Step> steps_;
  Interrupts interrupts_;
  std::unique_ptr<Line> line_;
  modem::Simulation simulation_;
  int64_t begun_ms_ = 0;
  bool interrupted_ = false;
  bool full_ = false;
  bool readable_ = false;
  std::string typed_;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
};

int run_modem(const Options& options) { return ModemRun(options).run(); }

}  // namespace

Command modem_command() {
  return {"modem",
          "a cellular module that answers AT commands, with a script of troubles",
          {{"pty", "PATH", "make a pseudo terminal, and this link to it", ""},
           {"variant", "NAME", "ec600n, ec600u (no AT+QTEMP) or bare (no AT+QTEMP, no GNSS)", "ec600n"},
           {"script", "FILE", "what happens to it; see below", ""},
           {"stdin", "", "actions also from standard input, a line each, done at once", ""},
           {"seed", "N", "the same seed gives the same garbage and drift", "1"},
           {"trace", "", "print what is received (<), sent (>) and done (*)", ""},
           {"json", "", "statistics as JSON, the trace to stderr", ""}},
          "  dtu-sim modem --pty /tmp/modem --trace\n"
          "  dtu-sim modem --pty /tmp/modem --variant bare --script tunnel.modem\n"
          "  echo 'at 5 sms from +8613800000000 \"hello\"' > one.modem\n",
          run_modem,
          "The script, one line each: [condition] action. Words with blanks are quoted.\n\n" + modem::script_help()};
}

}  // namespace sim
