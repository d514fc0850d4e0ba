// What the control API sees of the kernel. Called on the API's worker threads; each call is carried to the main lane
// and waited for, with a deadline.
#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "control/backend.hpp"
#include "control/feed.hpp"
#include "kernel/changes.hpp"
#include "lanes/thread_safety.hpp"

namespace dtud {

class Kernel;

class KernelBackend : public control::Backend {
 public:
  explicit KernelBackend(Kernel& kernel) : kernel_(kernel) {}

  control::Answer status() override;
  control::Answer plugins() override;
  control::Answer plugin(const std::string& name) override;
  control::Answer install_plugin(const std::string& json) override;
  control::Answer remove_plugin(const std::string& id) override;
  control::Answer retry_plugin(const std::string& json) override;
  control::Answer retry_instance(const std::string& instance) override;
  control::Answer upgrade_plugin(const std::string& json) override;
  control::Answer plugin_upgrade() override;
  control::Answer component(const std::string& type) override;
  control::Answer commands() override;
  control::Answer call(const std::string& json) override;
  control::Answer points() override;
  control::Answer read_point(const std::string& name) override;
  control::Answer write_point(const std::string& name, const std::string& json) override;
  control::Answer ports() override;
  control::Answer channels() override;
  control::Answer spool() override;
  control::Answer stored(uint32_t channel, uint64_t from_seq) override;
  control::Answer clear_stored(uint32_t channel) override;
  control::Answer config() override;
  control::Answer board() override;
  control::Answer check_config(const std::string& text) override;
  control::Answer set_config(const std::string& text) override;
  control::Answer patch_config(const std::string& json) override;
  control::Answer reload_config() override;
  control::Answer history() override;
  control::Answer revision(uint64_t id) override;
  control::Answer roll_back(uint64_t revision) override;
  control::Answer audit() override;
  control::Answer upgrade() override;
  control::Answer log(uint32_t lines) override;
  control::Answer metrics() override;
  control::Answer tap(const std::string& target, const control::FeedPtr& feed) override;
  control::Answer follow_log(const control::FeedPtr& feed) override;
  control::Answer events() override;
  control::Answer follow_events(const std::string& prefix, const control::FeedPtr& feed) override;
  control::Answer follow_upgrade(const control::FeedPtr& feed) override;
  void drop(const control::FeedPtr& feed) override;
  void refuse_from_now() override;

 private:
  using Reply = std::function<void(control::Answer)>;
  using Question = std::function<void(const Reply&)>;
  // Runs the question on the main lane; the answer may come later than the question returns.
  control::Answer ask(Question question, std::chrono::milliseconds deadline = std::chrono::seconds(5));
  control::Answer view(std::string (*make)(Kernel&));
  control::Answer ask_to_change(const char* name,
                                const std::function<void(const Changes::Stored&, Changes::Applied)>& change);
  // The reply, after an entry in the audit. Main lane.
  Reply audited(const char* what, Reply reply);

  struct Waiting;
  Kernel& kernel_;
  // Copies the file and has it probed. 200, or what is wrong.
  struct Staged {
    std::filesystem::path file;
    plugins::Probed probed;
  };
  control::Answer stage(const std::string& file, Staged& staged);
  std::mutex installing_;  // held while the store is changed, for the whole of it
  Mutex mutex_;
  bool refusing_ DTU_GUARDED_BY(mutex_) = false;
  uint64_t last_ DTU_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, std::shared_ptr<Waiting>> waiting_ DTU_GUARDED_BY(mutex_);
  std::map<control::Feed*, std::shared_ptr<void>> follows_ DTU_GUARDED_BY(mutex_);
  std::map<control::Feed*, uint64_t> taps_;                        // main lane
  std::map<control::Feed*, uint64_t> event_feeds_;                 // main lane
  std::map<control::Feed*, std::shared_ptr<void>> upgrade_feeds_;  // main lane
};

}  // namespace dtud
