// dtu-sim meter: a meter on a serial line.
#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

#include "commands.hpp"
#include "meter.hpp"
#include "session.hpp"

namespace sim {
namespace {

struct Mode {
  std::string_view name;
  Syntax syntax;
};
constexpr std::array<Mode, 3> kModes{
    {{"lines", Syntax::lines}, {"frames", Syntax::command_frames}, {"through", Syntax::through_frames}}};

MeterSettings settings_from(const Options& options) {
  MeterSettings settings;
  const std::string mode = options.text("mode");
  const Mode* found = nullptr;
  for (const Mode& m : kModes)
    if (m.name == mode) found = &m;
  if (found == nullptr) throw UsageError("--mode is \"" + mode + "\": lines, frames or through is needed");
  settings.syntax = found->syntax;
  const std::string format = options.text("format");
  if (format != "csv" && format != "json") throw UsageError("--format is \"" + format + "\": csv or json is needed");
  settings.json = format == "json";
  settings.channel = static_cast<uint32_t>(options.number("channel", 1, 98));
  if (options.has("topic")) settings.topic = static_cast<uint32_t>(options.number("topic", 0, 98));
  settings.seed = static_cast<uint32_t>(options.number("seed", 0, std::numeric_limits<uint32_t>::max()));
  settings.every_ms = options.number("every", 1, Meter::kMostEveryMs);
  return settings;
}

class MeterRun {
 public:
  explicit MeterRun(const Options& options)
      : json_(options.has("json")),
        verbose_(options.has("verbose")),
        count_(static_cast<uint64_t>(options.number("count", 0, std::numeric_limits<int64_t>::max()))),
        meter_(settings_from(options)),
        session_({options.text("port"), options.text("pty"), "", options.number("baud", 1, 4'000'000)},
                 options.number("wait", 0, 86400)) {}

  int run() {
    due_ = now_ms();
    while (!session_.interrupted() && !finished_sending()) {
      const int64_t wake = quiet_at_ < 0 ? due_ : std::min(due_, quiet_at_);
      if (session_.wait(wake)) receive();
      if (quiet_at_ >= 0 && now_ms() >= quiet_at_) {
        quiet_at_ = -1;
        send(meter_.silence(told()));
      }
      if (session_.line().is_open() && now_ms() >= due_) send_reading();
    }
    if (!session_.interrupted() && !session_.finish(kFinishMs))
      std::fprintf(stderr, "dtu-sim: the last readings could not be written to the line\n");
    summary();
    return 0;
  }

 private:
  static constexpr int64_t kFinishMs = 2000;
  static constexpr int64_t kQuietMs = 20;  // after so long a frame is over

  bool finished_sending() const { return count_ != 0 && sent_ >= count_; }

  void send_reading() {
    const int64_t before = meter_.every_ms();
    const std::string bytes = meter_.reading();
    if (verbose_) std::fprintf(log(), "> %s%s", bytes.c_str(), bytes.back() == '\n' ? "" : "\n");
    send(bytes);
    ++sent_;
    // Late by more than a whole interval (the line was gone): do not make up for it in one burst.
    due_ = due_ + before > now_ms() ? due_ + before : now_ms() + before;
  }

  void receive() {
    const std::string bytes = session_.line().read();
    if (bytes.empty()) return;
    received_ += bytes.size();
    quiet_at_ = now_ms() + kQuietMs;
    const int64_t before = meter_.every_ms();
    send(meter_.receive(bytes, told()));
    if (meter_.every_ms() != before) due_ = now_ms() + meter_.every_ms();
  }

  Meter::OnQuery told() {
    return [this](const std::string& query, const std::string& answer) {
      std::fprintf(log(), "< %s\n", query.c_str());
      if (!answer.empty()) std::fprintf(log(), "> %s\n", answer.c_str());
      std::fflush(log());
    };
  }

  void send(const std::string& bytes) {
    if (!bytes.empty() && !session_.send(bytes)) ++not_taken_;
  }

  void summary() {
    const MeterCounts c = meter_.counts();
    const char* pattern =
        json_ ? "{\"readings\":%llu,\"queries\":%llu,\"unknown_queries\":%llu,\"received_bytes\":%llu,"
                "\"dropped_bytes\":%llu,\"not_taken\":%llu,\"line_vanished\":%llu}\n"
              : "%llu readings sent, %llu queries (%llu unknown) in %llu bytes received, %llu bytes dropped as noise, "
                "%llu messages the line did not take, the line vanished %llu times\n";
    std::printf(pattern, static_cast<unsigned long long>(c.readings), static_cast<unsigned long long>(c.queries),
                static_cast<unsigned long long>(c.unknown), static_cast<unsigned long long>(received_),
                static_cast<unsigned long long>(c.dropped_bytes), static_cast<unsigned long long>(not_taken_),
                static_cast<unsigned long long>(session_.vanished()));
  }

  FILE* log() const { return json_ ? stderr : stdout; }

  bool json_, verbose_;
  uint64_t count_;
  Meter meter_;
  Session session_;
  int64_t due_ = 0;
  int64_t quiet_at_ = -1;
  uint64_t sent_ = 0, received_ = 0, not_taken_ = 0;
};

int run_meter(const Options& options) { return MeterRun(options).run(); }

}  // namespace

Command meter_command() {
  return {
      "meter",
      "a meter on a serial line: sends readings, answers \"read\" and \"set interval MS\"",
      {{"port", "PATH", "the serial device or pseudo terminal to use", ""},
       {"pty", "PATH", "make a pseudo terminal instead, and link PATH to it", ""},
       {"baud", "N", "speed of a real line", "115200"},
       {"mode", "MODE", "lines; frames: channel,[topic,]length,crc,data; through: [topic,]length,crc,data", "lines"},
       {"channel", "N", "channel in frames", "1"},
       {"topic", "N", "topic in frames (for channels that have topics)", ""},
       {"format", "FORMAT", "readings as csv (number, Wh, V, A) or json", "csv"},
       {"every", "MS", "time between readings", "1000"},
       {"count", "N", "stop after N readings, 0 = never", "0"},
       {"seed", "N", "the same seed gives the same readings", "1"},
       {"wait", "S", "stop when the line is missing for S seconds, 0 = never", "30"},
       {"verbose", "", "print what is sent as well", ""},
       {"json", "", "statistics as JSON, everything else to stderr", ""}},
      "  dtu-sim meter --pty /tmp/meter --every 500\n"
      "  dtu-sim meter --port /dev/ttyUSB0 --mode frames --channel 3 --topic 0 --format json\n"
      "  dtu-sim meter --port /dev/pts/5 --mode through --count 100 --json\n",
      run_meter};
}

}  // namespace sim
