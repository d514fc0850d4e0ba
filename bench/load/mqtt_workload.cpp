// Port -> MQTT: 64-byte lines into the port, timed where an MQTT subscriber gets them.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "measure.hpp"
#include "subscriber.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kMostPerWrite = 4096;  // what the line discipline takes at once

// Line number `seq`, tagged, padded to 64 bytes with the newline.
void append_line(std::string& out, char tag, uint64_t seq) {
  char text[20];
  const int n = std::snprintf(text, sizeof text, "%c%016llx ", tag, static_cast<unsigned long long>(seq));
  out.append(text, static_cast<size_t>(n));
  out.append(kLine - 1 - static_cast<size_t>(n), '.');
  out += '\n';
}

class LineLoad {
 public:
  explicit LineLoad(const Options& options)
      : master_(static_cast<int>(options.number("master"))),
        count_(static_cast<uint64_t>(options.number("count"))),
        period_ns_(options.number("rate", 0) > 0 ? 1'000'000'000 / options.number("rate") : 0),
        window_(static_cast<uint64_t>(options.number("window", 0))),
        pids_(options.numbers("pids")),
        subscriber_(static_cast<uint16_t>(options.number("broker")), options.text("topic")),
        sent_at_(count_) {
    if ((period_ns_ == 0) == (window_ == 0)) throw std::runtime_error("give --rate or --window");
    if (fcntl(master_, F_SETFL, O_RDWR | O_NONBLOCK) != 0) throw std::runtime_error("--master is not open");
    latency_.reserve(count_);
  }

  int run() {
    wait_until_alive();
    const int64_t cpu_before = cpu_ns(pids_);
    const int64_t start = now_ns();
    next_due_ = start;
    while (latency_.size() < count_) turn();
    const int64_t elapsed = now_ns() - start;
    const int64_t cpu = cpu_ns(pids_) - cpu_before;
    const auto n = static_cast<double>(count_);

    Report report;
    report.add("msg_per_s", n * 1e9 / static_cast<double>(elapsed));
    report.add("cpu_us_per_msg", static_cast<double>(cpu) / 1000.0 / n);
    report.add("p50_us", percentile_us(latency_, 0.50));
    report.add("p99_us", percentile_us(latency_, 0.99));
    report.add("duplicates", static_cast<double>(duplicates_));
    report.add("out_of_order", static_cast<double>(out_of_order_));
    report.add("lost", 0);  // or we would not be here: every number was seen
    report.print();
    return 0;
  }

 private:
  // Sends probe lines until one arrives, then a last one that must arrive after them all: the order is kept.
  void wait_until_alive() {
    uint64_t probes = 0;
    uint64_t arrived = 0;
    const auto pump = [&](char tag, uint64_t until) {
      while (arrived < until) {
        if (tag == 'p' && out_.empty()) append_line(out_, tag, ++probes);
        flush();
        wait(5'000'000);
        subscriber_.read([&](std::string_view payload) {
          if (!payload.empty() && payload[0] == tag) ++arrived;
        });
      }
    };
    pump('p', 1);
    arrived = 0;
    append_line(out_, 'f', 0);
    pump('f', 1);
  }

  void turn() {
    const int64_t now = now_ns();
    if (out_.empty()) {
      while (sent_ < count_ && out_.size() < kMostPerWrite && may_send(now)) {
        sent_at_[sent_] = now;
        append_line(out_, 'm', sent_++);
      }
    }
    flush();
    int64_t patience = 100'000'000;
    if (period_ns_ != 0 && sent_ < count_) patience = std::max<int64_t>(0, next_due_ - now_ns());
    wait(patience);
    subscriber_.read([this](std::string_view payload) { take(payload); });
  }

  bool may_send(int64_t now) {
    if (window_ != 0) return sent_ - latency_.size() < window_;
    if (now < next_due_) return false;
    next_due_ += period_ns_;
    return true;
  }

  void take(std::string_view payload) {
    if (payload.empty() || payload[0] != 'm') return;
    uint64_t seq = 0;
    const bool whole = payload.size() == kLine || payload.size() == kLine - 1;  // some keep the newline
    if (!whole || std::from_chars(payload.data() + 1, payload.data() + 17, seq, 16).ptr != payload.data() + 17 ||
        seq >= sent_)
      throw std::runtime_error("a message arrived that was never sent");
    if (sent_at_[seq] == 0) {
      ++duplicates_;
      return;
    }
    latency_.push_back(now_ns() - sent_at_[seq]);
    sent_at_[seq] = 0;
    if (seq < highest_) ++out_of_order_;
    highest_ = std::max(highest_, seq);
  }

  void flush() {
    if (out_.empty()) return;
    const ssize_t done = ::write(master_, out_.data(), out_.size());
    if (done > 0) out_.erase(0, static_cast<size_t>(done));
    if (done < 0 && errno != EAGAIN && errno != EINTR) throw std::runtime_error("the port is gone");
  }

  void wait(int64_t patience_ns) {
    pollfd fds[2] = {{subscriber_.fd(), POLLIN, 0}, {master_, POLLOUT, 0}};
    const timespec timeout{patience_ns / 1'000'000'000, patience_ns % 1'000'000'000};
    ppoll(fds, out_.empty() ? 1 : 2, &timeout, nullptr);
  }

  int master_;
  uint64_t count_;
  int64_t period_ns_;
  uint64_t window_;
  std::vector<int> pids_;
  Subscriber subscriber_;
  std::vector<int64_t> sent_at_;  // 0: arrived
  std::vector<int64_t> latency_;
  std::string out_;
  int64_t next_due_ = 0;
  uint64_t sent_ = 0, highest_ = 0, duplicates_ = 0, out_of_order_ = 0;
};

}  // namespace

int run_lines(const Options& options) { return LineLoad(options).run(); }

}  // namespace bench
