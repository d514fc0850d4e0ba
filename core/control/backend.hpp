// What the control API asks of the rest of dtud. The bodies are JSON text, exactly as docs/control-api.md has them: the
// server carries them and does not look inside.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace dtud::control {

class Feed;
using FeedPtr = std::shared_ptr<Feed>;

// An HTTP status and a JSON body.
struct Answer {
  int status = 200;
  std::string body;
  std::shared_ptr<void> held = nullptr;  // freed when the client has the answer, or is gone
  // {"error": text}: what happened and what to do.
  static Answer error(int status, std::string_view text);
  [[nodiscard]] bool ok() const { return status < 300; }
};

// Called on the server's worker threads, by several of them at once. Each call blocks until the kernel answered or its
// own deadline passed (then: Answer::error(503, ...)). An exception becomes a 500 that carries its text.
class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  virtual Answer status() = 0;
  virtual Answer plugins() = 0;
  virtual Answer plugin(const std::string& name) = 0;  // a plugin id, a file, or a type
  virtual Answer install_plugin(const std::string& json) = 0;
  virtual Answer remove_plugin(const std::string& id) = 0;
  virtual Answer retry_plugin(const std::string& json) = 0;
  virtual Answer retry_instance(const std::string& instance) = 0;
  virtual Answer upgrade_plugin(const std::string& json) = 0;  // when all is over
  virtual Answer plugin_upgrade() = 0;                         // how far it is
  virtual Answer component(const std::string& type) = 0;
  virtual Answer commands() = 0;
  virtual Answer call(const std::string& json) = 0;
  virtual Answer points() = 0;
  virtual Answer read_point(const std::string& name) = 0;
  virtual Answer write_point(const std::string& name, const std::string& json) = 0;
  virtual Answer ports() = 0;
  virtual Answer channels() = 0;
  virtual Answer spool() = 0;
  virtual Answer stored(uint32_t channel, uint64_t from_seq) = 0;  // a page of its stored messages
  virtual Answer clear_stored(uint32_t channel) = 0;
  virtual Answer config() = 0;
  virtual Answer board() = 0;
  virtual Answer check_config(const std::string& text) = 0;
  virtual Answer set_config(const std::string& text) = 0;
  virtual Answer patch_config(const std::string& json) = 0;  // a merge patch
  virtual Answer reload_config() = 0;                        // the device file is read again
  virtual Answer history() = 0;
  virtual Answer revision(uint64_t id) = 0;
  virtual Answer roll_back(uint64_t revision) = 0;  // 0: the one before the present
  virtual Answer audit() = 0;
  virtual Answer upgrade() = 0;
  virtual Answer log(uint32_t lines) = 0;
  virtual Answer events() = 0;   // which there are
  virtual Answer metrics() = 0;  // body: what MetricsText::take() gives

  // Subscriptions: from an Answer that is ok until drop(feed), each line (a JSON object without the newline) is pushed
  // to the feed. The feed may be pushed to after it was dropped; it ignores that.
  virtual Answer tap(const std::string& target, const FeedPtr& feed) = 0;
  virtual Answer follow_log(const FeedPtr& feed) = 0;
  virtual Answer follow_events(const std::string& prefix, const FeedPtr& feed) = 0;
  virtual Answer follow_upgrade(const FeedPtr& feed) = 0;
  virtual void drop(const FeedPtr& feed) = 0;

  // Server::stop() calls this, on the thread stop() is called on, before it waits for the workers: calls that wait for
  // that thread, and later ones, must fail at once (Answer::error(503, "dtud is stopping")).
  virtual void refuse_from_now() = 0;
};

}  // namespace dtud::control
