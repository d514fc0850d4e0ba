// A backend with fixed answers that remembers what it was asked, and a server with it on a socket of its own.
#pragma once
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "control/backend.hpp"
#include "control/feed.hpp"
#include "control/metrics_text.hpp"
#include "control/server.hpp"

namespace dtud::control::test {

inline constexpr std::chrono::seconds kPatience{20};

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dtukit-control-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class FakeBackend : public Backend {
 public:
  // What to answer from now on, by what is asked: "status", "read_point adc.0".
  void set_answer(const std::string& what, Answer answer) {
    const std::lock_guard lock(mutex_);
    answers_[what] = std::move(answer);
  }
  std::string throw_on;  // asking this throws
  std::string hang_on;   // asking this blocks until release() or refuse_from_now()
  void release() {
    const std::lock_guard lock(mutex_);
    hang_on.clear();
    changed_.notify_all();
  }

  Answer status() override { return say("status"); }
  Answer plugins() override { return say("plugins"); }
  Answer plugin(const std::string& name) override { return say("plugin " + name); }
  Answer install_plugin(const std::string& json) override { return say("install_plugin", json); }
  Answer remove_plugin(const std::string& id) override { return say("remove_plugin " + id); }
  Answer retry_plugin(const std::string& json) override { return say("retry_plugin", json); }
  Answer retry_instance(const std::string& instance) override { return say("retry " + instance); }
  Answer upgrade_plugin(const std::string& json) override { return say("upgrade_plugin", json); }
  Answer plugin_upgrade() override { return say("plugin_upgrade"); }
  Answer component(const std::string& type) override { return say("component " + type); }
  Answer commands() override { return say("commands"); }
  Answer call(const std::string& json) override { return say("call", json); }
  Answer points() override { return say("points"); }
  Answer read_point(const std::string& name) override { return say("read_point " + name); }
  Answer write_point(const std::string& name, const std::string& json) override {
    return say("write_point " + name, json);
  }
  Answer ports() override { return say("ports"); }
  Answer channels() override { return say("channels"); }
  Answer spool() override { return say("spool"); }
  Answer stored(uint32_t channel, uint64_t from) override {
    return say("stored " + std::to_string(channel) + " " + std::to_string(from));
  }
  Answer clear_stored(uint32_t channel) override { return say("clear_stored " + std::to_string(channel)); }
  Answer config() override { return say("config"); }
  Answer board() override { return say("board"); }
  Answer check_config(const std::string& text) override { return say("check_config", text); }
  Answer set_config(const std::string& text) override { return say("set_config", text); }
  Answer patch_config(const std::string& json) override { return say("patch_config", json); }
  Answer reload_config() override { return say("reload_config"); }
  Answer history() override { return say("history"); }
  Answer revision(uint64_t id) override { return say("revision " + std::to_string(id)); }
  Answer roll_back(uint64_t id) override { return say("roll_back " + std::to_string(id)); }
  Answer audit() override { return say("audit"); }
  Answer upgrade() override { return say("upgrade"); }
  Answer log(uint32_t lines) override { return say("log " + std::to_string(lines)); }
  Answer metrics() override {
    MetricsText text;
    text.counter("dtud_asked_total", "Questions", 1);
    return {200, text.take()};
  }
  Answer tap(const std::string& target, const FeedPtr& feed) override { return subscribe("tap " + target, feed); }
  Answer follow_log(const FeedPtr& feed) override { return subscribe("follow_log", feed); }
  Answer events() override { return say("events"); }
  Answer follow_events(const std::string& prefix, const FeedPtr& feed) override {
    return subscribe("events " + prefix, feed);
  }
  Answer follow_upgrade(const FeedPtr& feed) override { return subscribe("follow_upgrade", feed); }
  void drop(const FeedPtr& feed) override {
    const std::lock_guard lock(mutex_);
    feeds_.erase(feed);
    changed_.notify_all();
  }
  void refuse_from_now() override {
    const std::lock_guard lock(mutex_);
    refusing_ = true;
    changed_.notify_all();
  }

  // Waits, with a deadline, until `n` feeds are subscribed.
  bool wait_feeds(size_t n) {
    return wait([&] { return feeds_.size() == n; });
  }
  bool wait_asked(const std::string& what) {
    return wait([&] { return asked_.count(what) > 0; });
  }
  void push(const std::string& line) {
    const std::lock_guard lock(mutex_);
    for (const FeedPtr& feed : feeds_) feed->push(line);
  }
  // The body that came with the last such question, "-" if it never came.
  std::string body_of(const std::string& what) {
    const std::lock_guard lock(mutex_);
    const auto at = asked_.find(what);
    return at == asked_.end() ? "-" : at->second;
  }

 private:
  template <typename Ready>
  bool wait(Ready ready) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, ready);
  }
  Answer say(const std::string& what, const std::string& body = {}) {
    std::unique_lock lock(mutex_);
    asked_[what] = body;
    changed_.notify_all();
    if (what == throw_on) throw std::runtime_error("the fake was told to throw");
    if (what == hang_on && !changed_.wait_for(lock, kPatience, [&] { return refusing_ || what != hang_on; }))
      return Answer::error(503, "never refused");
    if (refusing_) return Answer::error(503, "dtud is stopping");
    const auto at = answers_.find(what);
    return at != answers_.end() ? at->second : Answer{200, "{\"asked\": \"" + what + "\"}"};
  }
  Answer subscribe(const std::string& what, const FeedPtr& feed) {
    const Answer answer = say(what);
    const std::lock_guard lock(mutex_);
    if (answer.ok()) feeds_.insert(feed);
    changed_.notify_all();
    return answer;
  }

  std::mutex mutex_;
  std::map<std::string, Answer> answers_;  // under mutex_
  std::condition_variable changed_;
  std::map<std::string, std::string> asked_;
  std::set<FeedPtr> feeds_;
  bool refusing_ = false;
};

// The server with a thread in place of the kernel's lane.
class Running {
 public:
  Running(const Server::Options& options, Backend& backend)
      : server(options, backend), wake_(::eventfd(0, EFD_CLOEXEC)), lane_([this] { run(); }) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { stop(std::chrono::steady_clock::now() + kPatience); }

  void stop(std::chrono::steady_clock::time_point deadline) {
    if (!lane_.joinable()) return;
    ending_ = true;
    wake();
    lane_.join();
    server.stop(deadline);
  }

  // Afterwards the lane has done what it was at and waits: even a look for who else is there takes a descriptor.
  void let_it_rest() {
    const unsigned before = woken_;
    wake();
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (woken_ == before && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  }

  Server server;

 private:
  void wake() {
    const uint64_t one = 1;
    if (::write(wake_.get(), &one, sizeof one) != sizeof one) std::abort();
  }
  void run() {
    for (;;) {
      std::array<pollfd, 2> fds{{{server.fd(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
      if (::poll(fds.data(), fds.size(), -1) < 0) continue;
      if (ending_) return;
      if (fds[0].revents != 0) server.ready();
      uint64_t times = 0;
      if (fds[1].revents != 0 && ::read(wake_.get(), &times, sizeof times) == sizeof times) ++woken_;
    }
  }
  Descriptor wake_;
  std::atomic<bool> ending_{false};
  std::atomic<unsigned> woken_{0};
  std::thread lane_;
};

}  // namespace dtud::control::test
