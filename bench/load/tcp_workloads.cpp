// Port <-> TCP: round trips and streams over one connection the harness has opened.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "byte_io.hpp"
#include "measure.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

// A prime length, so that a block that is lost or repeated by the usual buffer sizes shows.
constexpr size_t kPattern = 65521;

std::vector<char> make_pattern() {
  std::vector<char> pattern(kPattern);
  std::minstd_rand random(20211125);
  for (char& c : pattern) c = static_cast<char>(random() >> 8U);
  return pattern;
}

void send_pattern(int fd, const std::vector<char>& pattern, size_t bytes) {
  constexpr size_t kChunk = 16384;
  for (size_t sent = 0; sent < bytes;) {
    const size_t at = sent % kPattern;
    const size_t n = std::min({kChunk, kPattern - at, bytes - sent});
    write_all(fd, &pattern[at], n);
    sent += n;
  }
}

void check_pattern(int fd, const std::vector<char>& pattern, size_t bytes) {
  std::vector<char> got(65536);
  for (size_t seen = 0; seen < bytes;) {
    const size_t n = read_some(fd, got.data(), std::min(got.size(), bytes - seen));
    for (size_t done = 0; done < n;) {
      const size_t at = (seen + done) % kPattern;
      const size_t part = std::min(n - done, kPattern - at);
      if (std::memcmp(&got[done], &pattern[at], part) != 0)
        throw std::runtime_error("content differs near byte " + std::to_string(seen + done));
      done += part;
    }
    seen += n;
  }
}

}  // namespace

int run_pingpong(const Options& options) {
  const int master = static_cast<int>(options.number("master"));
  const int tcp = static_cast<int>(options.number("tcp"));
  const auto count = static_cast<size_t>(options.number("count"));
  const auto pids = options.numbers("pids");
  std::vector<char> message(static_cast<size_t>(options.number("size", 64)));
  std::vector<char> back(message.size());
  std::vector<int64_t> rtt;
  rtt.reserve(count);

  const int64_t cpu_before = cpu_ns(pids);
  for (size_t i = 0; i < count; ++i) {
    std::memset(message.data(), 'a' + static_cast<int>(i % 26), message.size());
    const int64_t start = now_ns();
    write_all(tcp, message.data(), message.size());
    read_all(master, back.data(), back.size());
    write_all(master, back.data(), back.size());
    read_all(tcp, back.data(), back.size());
    rtt.push_back(now_ns() - start);
    if (back != message) throw std::runtime_error("message " + std::to_string(i) + " came back changed");
  }
  const int64_t cpu_after = cpu_ns(pids);

  Report report;
  report.add("rtt_p50_us", percentile_us(rtt, 0.50));
  report.add("rtt_p99_us", percentile_us(rtt, 0.99));
  // A round trip carries two messages through the gateway.
  report.add("cpu_us_per_msg",
             static_cast<double>(cpu_after - cpu_before) / 1000.0 / (2.0 * static_cast<double>(count)));
  report.print();
  return 0;
}

int run_stream(const Options& options) {
  const int master = static_cast<int>(options.number("master"));
  const int tcp = static_cast<int>(options.number("tcp"));
  const auto bytes = static_cast<size_t>(options.number("bytes"));
  const bool to_serial = options.text("to") == "serial";
  const auto pattern = make_pattern();

  const int64_t start = now_ns();
  std::exception_ptr failure;  // of the writer; its reader then meets the deadline or the same closed line
  std::thread writer([&] {
    try {
      send_pattern(to_serial ? tcp : master, pattern, bytes);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  try {
    check_pattern(to_serial ? master : tcp, pattern, bytes);
  } catch (const std::exception& e) {
    // The writer may be blocked for good now: say what happened and leave without waiting for it.
    std::fprintf(stderr, "bench-load: %s\n", e.what());
    std::fflush(stderr);
    _exit(1);
  }
  writer.join();
  if (failure) std::rethrow_exception(failure);
  const double seconds = static_cast<double>(now_ns() - start) / 1e9;

  Report report;
  report.add("mb_per_s", static_cast<double>(bytes) / 1e6 / seconds);
  report.print();
  return 0;
}

}  // namespace bench
