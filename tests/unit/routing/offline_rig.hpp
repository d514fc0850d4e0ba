// An outbox that stores, with its lane, in a folder of its own; what a test does with it runs on the lane.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "routing/outbox.hpp"

namespace dtud::routing {

using Texts = std::vector<std::string>;

class OfflineRig {
 public:
  OfflineRig() : log(Level::debug, false) {
    std::string pattern = (std::filesystem::temp_directory_path() / "dtukit-offline-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    dir = pattern;
  }
  ~OfflineRig() {
    end();
    std::error_code ignored;
    std::filesystem::remove_all(dir, ignored);
  }
  OfflineRig(const OfflineRig&) = delete;
  OfflineRig& operator=(const OfflineRig&) = delete;

  // dtud starts: what is left in the folders is taken up.
  void begin(OutboxLimits limits, config::Storage mode, spool::SpoolLimits disk_limits = {},
             std::unique_ptr<spool::Disk> disk = spool::make_disk()) {
    lane = std::make_unique<Lane>("test");
    disk_thread = std::make_unique<DiskLane>(*lane);
    disk_lane = std::make_unique<spool::DiskLane>(*disk_thread, std::move(disk));
    storage =
        std::make_unique<Storage>(Storage{*lane, log, *disk_lane, dir + "/spool", dir + "/journal", tick_ns, retry_ns});
    outbox = std::make_unique<Outbox>(limits);
    outbox->keep(
        *storage, 3, mode, disk_limits, [this] { return carries; }, [] {});
    thread = std::thread([this] { lane->run(); });
  }
  // dtud ends, without a word as a kill does; what is under way on the disk lane is still done.
  void end() {
    if (!thread.joinable()) return;
    lane->stop();
    thread.join();
    outbox.reset();
    disk_thread.reset();
    disk_lane.reset();
    lane.reset();
  }
  // The board lost power: what is in memory is gone.
  void forget_memory() const { std::filesystem::remove_all(dir + "/journal"); }

  // Runs fn on the lane and waits for it.
  void on_lane(const std::function<void()>& fn) {
    std::promise<void> done;
    lane->post([&] {
      fn();
      done.set_value();
    });
    ASSERT_EQ(done.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  }
  void on_disk_lane(const std::function<void()>& fn) {
    std::promise<void> done;
    lane->post([&] {
      disk_lane->run(
          here_, [&] { return fn(), true; }, [&](bool) { done.set_value(); });
    });
    ASSERT_EQ(done.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  }
  [[nodiscard]] bool eventually(const std::function<bool()>& question) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (bool answer = false; std::chrono::steady_clock::now() < end;) {
      on_lane([&] { answer = question(); });
      if (answer) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // between two questions
    }
    return false;
  }
  void push(uint32_t from, uint32_t to, size_t size = 0) {
    on_lane([&] {
      for (; from <= to; ++from) push_one(from, size);
    });
  }
  void push_one(uint32_t number, size_t size) const {
    std::string text = std::to_string(number);
    if (text.size() < size) text.append(size - text.size(), '.');
    dtu_msg m{};
    m.payload = {text.data(), text.size()};
    m.time_ns = number;
    outbox->push(KeptMessage::keep(m));
  }
  // Takes and completes what there is until so many came; their numbers.
  std::vector<uint32_t> deliver(size_t count) {
    std::vector<uint32_t> numbers;
    EXPECT_TRUE(eventually([&] {
      while (numbers.size() < count && take_batch(numbers, count)) continue;
      return numbers.size() >= count;
    })) << "only "
        << numbers.size() << " of " << count;
    return numbers;
  }
  bool take_batch(std::vector<uint32_t>& numbers, size_t most) const {
    std::array<dtu_msg, Outbox::kBatch> msgs{};
    const uint32_t n = outbox->take(msgs.data());
    uint32_t used = 0;
    std::vector<uint64_t> tokens;
    for (; used < n && numbers.size() < most; ++used) {
      numbers.push_back(static_cast<uint32_t>(std::stoul(std::string(msgs[used].payload.ptr, msgs[used].payload.len))));
      tokens.push_back(msgs[used].token);
    }
    outbox->untake(n - used);
    for (const uint64_t token : tokens) outbox->complete(token, DTU_OK);
    return n != 0;
  }
  [[nodiscard]] bool has_logged(const std::string& text) const {
    for (const LogLine& line : log.newest(1000))
      if (line.text.find(text) != std::string::npos) return true;
    return false;
  }
  [[nodiscard]] const Backlog& backlog() const { return *outbox->backlog(); }

  std::string dir;
  Log log;
  bool carries = false;
  int64_t tick_ns = 1'000'000'000, retry_ns = 5'000'000'000;  // for the next begin()
  std::unique_ptr<Lane> lane;
  std::unique_ptr<DiskLane> disk_thread;
  std::unique_ptr<spool::DiskLane> disk_lane;
  std::unique_ptr<Storage> storage;
  std::unique_ptr<Outbox> outbox;
  std::thread thread;

 private:
  std::shared_ptr<int> here_ = std::make_shared<int>();
};

inline std::vector<uint32_t> from_to(uint32_t from, uint32_t to) {
  std::vector<uint32_t> all;
  for (; from <= to; ++from) all.push_back(from);
  return all;
}

}  // namespace dtud::routing
