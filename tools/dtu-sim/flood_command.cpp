// dtu-sim flood and dtu-sim sink: the numbered pattern as fast as the line takes it, and the check of what arrives.
#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "commands.hpp"
#include "pattern.hpp"
#include "session.hpp"

namespace sim {
namespace {

constexpr int64_t kMostBytes = 1LL << 40;

const std::vector<Option> kLineOptions = {{"port", "PATH", "the serial device or pseudo terminal to use", ""},
                                          {"pty", "PATH", "make a pseudo terminal instead, and link PATH to it", ""},
                                          {"tcp", "HOST:PORT", "connect to HOST:PORT instead", ""},
                                          {"baud", "N", "speed of a real line", "115200"},
                                          {"bytes", "N", "number of bytes, rounded up to lines of 64", "1048576"},
                                          {"idle", "S", "stop after S seconds without data", "10"},
                                          {"json", "", "the result as JSON", ""}};

LineSettings line_from(const Options& options) {
  return {options.text("port"), options.text("pty"), options.text("tcp"), options.number("baud", 1, 4'000'000)};
}

uint64_t lines_from(const Options& options) {
  return (static_cast<uint64_t>(options.number("bytes", 1, kMostBytes)) + kPatternLine - 1) / kPatternLine;
}

void print_result(const Options& options, const char* did, uint64_t lines, const PatternCounts& c, int64_t ms) {
  const double seconds = static_cast<double>(std::max<int64_t>(ms, 1)) / 1000.0;
  const double bytes = static_cast<double>(lines * kPatternLine);
  const char* pattern = options.has("json")
                            ? "{\"did\":\"%s\",\"bytes\":%.0f,\"seconds\":%.3f,\"mb_per_s\":%.3f,\"good\":%llu,"
                              "\"damaged\":%llu,\"repeated\":%llu,\"lost\":%llu}\n"
                            : "%s %.0f bytes in %.3f s (%.3f MB/s): %llu lines good, %llu damaged, %llu repeated, "
                              "%llu lost\n";
  std::printf(pattern, did, bytes, seconds, bytes / 1e6 / seconds, static_cast<unsigned long long>(c.good),
              static_cast<unsigned long long>(c.damaged), static_cast<unsigned long long>(c.repeated),
              static_cast<unsigned long long>(c.lost));
}

// Fails when the line is interrupted or nothing moves any more.
void must_move(const Session& session, int64_t moved_at, int64_t idle_ms) {
  if (session.interrupted()) throw std::runtime_error("interrupted before the end");
  if (now_ms() - moved_at > idle_ms) throw std::runtime_error("no data for " + std::to_string(idle_ms) + " ms");
  if (session.vanished() != 0) throw std::runtime_error("the line vanished");
}

int run_flood(const Options& options) {
  constexpr size_t kAhead = 16384;  // kept ready for the line
  const uint64_t lines = lines_from(options);
  const int64_t idle_ms = options.number("idle", 1, 3600) * 1000;
  Session session(line_from(options), idle_ms / 1000);
  int64_t moved_at = now_ms();
  int64_t start = -1;
  uint64_t next = 0;
  size_t waited = 0;
  while (next < lines) {
    must_move(session, moved_at, idle_ms);
    if (session.wait(now_ms() + 100)) session.line().read();  // answers are of no interest, but must not pile up
    if (!session.line().is_open()) continue;
    if (start < 0) start = now_ms();
    if (session.waiting() != waited) moved_at = now_ms();
    std::string block;
    while (next < lines && session.waiting() + block.size() < kAhead) block += pattern_line(next++);
    session.send(block);
    waited = session.waiting();
  }
  if (!session.finish(idle_ms)) throw std::runtime_error("the last bytes could not be written to the line");
  PatternCounts sent;
  sent.good = lines;
  print_result(options, "sent", lines, sent, now_ms() - start);
  return 0;
}

int run_sink(const Options& options) {
  const uint64_t lines = lines_from(options);
  const int64_t idle_ms = options.number("idle", 1, 3600) * 1000;
  Session session(line_from(options), idle_ms / 1000);
  PatternChecker checker;
  int64_t moved_at = now_ms();
  int64_t start = -1;
  std::string why;
  while (checker.next() < lines && why.empty()) {
    try {
      must_move(session, moved_at, idle_ms);
      if (!session.wait(now_ms() + 100)) continue;
    } catch (const std::exception& e) {
      why = e.what();  // what arrived until now is still worth a report
      continue;
    }
    const std::string bytes = session.line().read();
    if (bytes.empty()) continue;
    moved_at = now_ms();
    if (start < 0) start = moved_at;
    checker.feed(bytes);
  }
  PatternCounts counts = checker.counts();
  if (checker.next() < lines) counts.lost += lines - checker.next();
  print_result(options, "received", counts.good, counts, now_ms() - (start < 0 ? now_ms() : start));
  if (!why.empty()) std::fprintf(stderr, "dtu-sim: %s\n", why.c_str());
  return counts.good == lines && counts.damaged + counts.repeated + counts.lost == 0 ? 0 : 1;
}

}  // namespace

Command flood_command() {
  return {"flood", "writes a numbered, checksummed pattern as fast as the line takes it", kLineOptions,
          "  dtu-sim flood --port /dev/pts/5 --bytes 33554432\n", run_flood};
}

Command sink_command() {
  return {"sink", "reads the pattern of flood and checks every line; exit code 1 when one is damaged, repeated or lost",
          kLineOptions, "  dtu-sim sink --tcp 127.0.0.1:7001 --bytes 33554432 --json\n", run_sink};
}

}  // namespace sim
