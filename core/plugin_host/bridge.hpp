// The plugin's process: what dtud is to a plugin, made of frames. It has one instance, told about by the first frame,
// and ends with it; what follows from an end is dtud's business. Main lane.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "events/exchange.hpp"
#include "plugin_host/feed.hpp"
#include "plugins/folders.hpp"
#include "plugins/instances.hpp"
#include "plugins/isolation/wire.hpp"
#include "plugins/kv.hpp"
#include "plugins/upcalls.hpp"

namespace dtud::host {

using plugins::Instance;
using plugins::isolation::Frame;
using plugins::isolation::Reader;
using plugins::isolation::Wire;
using plugins::isolation::Writer;

class Bridge final : public plugins::Upcalls, public events::Exchange {
 public:
  Bridge(Lane& lane, Descriptor socket, plugins::isolation::Activity& activity);
  ~Bridge() override;
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  [[nodiscard]] bool alive() const { return instance_ != nullptr && instance_->alive(); }

  // plugins::Upcalls
  void started(Instance&) override;
  void stopping(Instance&) override {}
  void stopped(Instance&) override;
  void state_changed(Instance&, uint64_t source, int32_t state, const dtu_error*) override;
  dtu_status emit(Instance&, const dtu_msg*, uint32_t n, uint32_t* taken) override;
  void complete(Instance&, uint64_t token, dtu_status) override;
  void writable(Instance&, uint64_t source) override;
  dtu_status to_port(Instance&, uint64_t link, const dtu_msg&) override;
  dtu_status to_channel(Instance&, uint64_t link, uint32_t channel, const dtu_msg&) override;
  void drop(Instance&, uint64_t link, std::string_view reason, uint64_t bytes) override;
  dtu_status discard(Instance&, uint64_t link, uint32_t which, uint64_t* bytes) override;
  dtu_status set_line(Instance&, uint64_t link, const dtu_line& line, dtu_error*) override;
  dtu_status reply(Instance&, const dtu_reply&) override;
  dtu_status invoke(Instance&, const dtu_request&, plugins::Asking, dtu_error*) override;
  dtu_status read_point(Instance&, const dtu_point_request&, plugins::Asking, dtu_error*) override;
  dtu_status write_point(Instance&, const dtu_point_request&, plugins::Asking, dtu_error*) override;
  dtu_status await_point(Instance&, const dtu_point_request&, plugins::Asking, dtu_error*) override;
  void cancel(Instance&, uint64_t number) override;
  void after_answers(Instance&, uint32_t deadline_ms, plugins::Asking) override;
  dtu_status list_points(std::string_view prefix, void (*each)(void*, const dtu_point_info*), void* ctx) override;
  dtu_status list_commands(std::string_view prefix, plugins::CommandSink each, void* ctx) override;

  // events::Exchange: dtud's hub, by frames
  void publish(std::string_view source, const events::Declared& what, std::string json) override;
  dtu_status subscribe(const events::MailboxPtr& mailbox, const dtu_subscription* subscription, uint64_t* id) override;
  [[nodiscard]] bool unsubscribe(events::Mailbox& mailbox, uint64_t id) override;
  [[nodiscard]] bool checks_schemas() const override { return false; }  // dtud does

 private:
  friend struct Orders;  // one function a frame: orders.cpp
  struct Port {
    void* handle = nullptr;
    std::shared_ptr<Feed> feed;
  };
  struct Session {
    void* handle = nullptr;
    uint64_t link = 0;
    std::string port, dialect;
    std::vector<uint32_t> channels;
  };
  struct Source {
    uint64_t outstanding = 0;  // bytes emitted that dtud has not told to be taken
    bool refused = false;      // an emit was answered DTU_AGAIN
  };
  struct Unfinished {
    std::string dialect, bytes;
  };

  // Says a frame, and waits for dtud when far too much is on its way.
  template <typename Fill>
  void say(Frame type, Fill fill) {
    fill(Writer(wire_.out(), type));
    if (wire_.pending() > kMostPending) flush_all();
  }
  void readable();
  void take_frames();
  bool turn();
  void cannot(const std::string& why);
  void list_offers();
  void log_line(Level level, std::string_view text);
  void tell_faults();
  void flush_all();
  void hung_up();
  [[noreturn]] static void leave(int status);
  dtu_status ask(Frame type, plugins::Asking asking, const std::function<void(Writer&)>& fill);
  dtu_status ask_of_point(Frame type, const dtu_point_request& request, plugins::Asking asking);
  dtu_status ask_list(Frame asked, Frame answered, std::string_view prefix,
                      const std::function<void(Reader&)>& take_one);
  dtu_status fetch_list(Frame asked, Frame answered, std::string_view prefix, std::string& body);
  [[nodiscard]] Session* session_of_link(uint64_t link);
  void heard(uint64_t bytes);
  void keep_in(const std::string& kv, const std::string& folders, uint64_t quota);
  void on_main(std::function<void()> fn);  // now, or soon, in order
  // Calls a function of the plugin on its lane; `then` gets what it answered.
  void call(const char* function, std::function<dtu_status(dtu_error&)> fn,
            std::function<void(dtu_status, const dtu_error&)> then);
  // One whose failure is the answer to `id`.
  void call_for(uint64_t id, const char* function, std::function<dtu_status(dtu_error&)> fn);
  static void run_readable(void* self, uint32_t events);

  static constexpr size_t kMostPending = 1U << 20U;
  static constexpr size_t kMostLines = 1000;  // of the log, from other threads
  Lane& lane_;
  Wire wire_;
  plugins::isolation::Activity& activity_;
  Log log_;
  std::shared_ptr<void> log_follower_;
  std::atomic<size_t> lines_{0}, lines_lost_{0};
  std::atomic<bool> faults_untold_{false};
  std::array<uint64_t, plugins::kFaultKinds> told_faults_{};  // how many of each
  uint64_t told_refused_ = 0;                                 // of the floods: refused events
  StallWatch stalls_;
  plugins::Metrics metrics_;
  plugins::Inbox inbox_;
  DiskLane disk_;
  std::unique_ptr<plugins::KvStore> kv_;
  std::unique_ptr<plugins::Folders> folders_;
  plugins::Context context_;
  plugins::Instances instances_;
  std::shared_ptr<const plugins::LoadedPlugin> plugin_;
  plugins::InstancePtr instance_;
  uint64_t watch_ = 0;
  uint32_t events_ = 0;
  bool reported_start_ = false, ending_ = false;

  std::shared_ptr<Feed> channel_;
  bool channel_serves_ = true;   // not between a failure and the next report(UP)
  uint32_t taken_messages_ = 0;  // of the channel, and not told yet
  uint64_t taken_bytes_ = 0;
  uint64_t heard_bytes_ = 0;  // of the dialect, likewise
  uint32_t told_events_ = 0;  // to the plugin, and not said yet
  std::unordered_map<uint64_t, Port> ports_;
  std::unordered_map<uint64_t, Session> sessions_;
  std::map<std::string, Unfinished> unfinished_;  // by port, for its next session
  std::unordered_map<uint64_t, Source> sources_;
  std::unordered_map<uint64_t, std::function<void(const dtu_answer&)>> waiting_;  // for an answer
};

}  // namespace dtud::host
