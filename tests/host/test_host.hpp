// A host for plugin tests: dtu_host and every service, without core/. Link dtukit-test-host.
//
//   TestHost host;                                             // before the instances
//   auto inst = host.create(*dtu_plugin_v0.components[0], R"({"port": 1})");
//   ASSERT_TRUE(inst) << inst.error();
//   ASSERT_EQ(inst.start(), DTU_OK);
//   ASSERT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }));
//   auto sent = inst.send({{"hello", "0"}});                   // payload, route; tokens are given out
//   ASSERT_TRUE(host.run_until([&] { return host.completions().size() == 1; }));
//
// One thread, the one that made the host, is the lane: it runs the loop inside run_until/run_for/advance and makes all
// [lane] calls. Plugins may call [any] functions from their own threads. All members here are for the lane.
//
// Records hold everything the plugin said, in order, as copies; references into them stay valid until clear().
//
// The host complains (a test failure, and an entry in misbehaviour()) when a plugin
//   calls a [lane] service from a foreign thread, or the host after destroy();
//   emits, completes, reports, replies or calls writable from create();
//   completes a token twice, or one it did not take (of those given by Instance::send); answers a call twice;
//   tells an event that it does not list, or one that is no JSON object;
//   emits a payload outside its buffer; closes a descriptor it still watches;
//   leaves a timer or a watch behind at destroy(), or a buffer at the end of the host.
// tolerate_misbehaviour() keeps the entries and drops the failures.
//
// DTU_TEST_LOG=1 in the environment prints what plugins log.
#pragma once
#include <dtu/channel.h>
#include <dtu/message.h>
#include <dtu/ports.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "host/records.hpp"

namespace dtu::host {
class State;
struct InstanceRecord;
}  // namespace dtu::host

namespace dtu::test {

using namespace host;  // the records
using host::Answer;    // not the answer of dtu/sdk/calls.hpp

// A message as the host hands it to plugins: payload in a host buffer, the rest kept here.
class OwnedMsg {
 public:
  explicit OwnedMsg(Message m);
  OwnedMsg(OwnedMsg&& o) noexcept;
  OwnedMsg(const OwnedMsg&) = delete;
  OwnedMsg& operator=(const OwnedMsg&) = delete;
  OwnedMsg& operator=(OwnedMsg&&) = delete;
  ~OwnedMsg();
  [[nodiscard]] const dtu_msg* get() const { return &raw_; }  // owner is never null; valid as long as this object

 private:
  std::unique_ptr<Message> text_;
  std::vector<dtu_prop> props_;
  dtu_msg raw_{};
};

// What check() of a component found: "error /tls/ca: ...", "claim /port: tcp-listen:7001:*", a line each.
[[nodiscard]] std::string check(const dtu_component& component, std::string_view config_json);

struct Sent {
  dtu_status status = DTU_OK;
  uint32_t taken = 0;
  std::vector<uint64_t> tokens;  // of the messages taken, in order
  std::string error;
};

// A created component. Stopped and destroyed with the object, if the test has not done so.
class Instance {
 public:
  Instance(Instance&& o) noexcept;
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  Instance& operator=(Instance&&) = delete;
  ~Instance();

  explicit operator bool() const;                              // create() succeeded
  [[nodiscard]] dtu_status status() const { return status_; }  // of the last call below
  [[nodiscard]] std::string error() const;                     // its text
  [[nodiscard]] const dtu_error& raw_error() const { return error_; }

  dtu_status start();
  dtu_status stop(uint32_t deadline_ms = 1000);
  bool stop_and_wait(std::chrono::milliseconds deadline = std::chrono::seconds(5));  // also through DTU_PENDING
  void destroy();
  std::string health();

  // The table of an interface, or null: iface<dtu_ports>(DTU_PORTS_IFACE)->list(inst.self(), ...).
  template <typename Table>
  [[nodiscard]] const Table* iface(const char* id) const {
    return static_cast<const Table*>(find_iface(id));
  }
  [[nodiscard]] void* self() const;
  [[nodiscard]] dtu_instance* handle() const;

  // dtu.channel/1 send and dtu.ports/1 write, with buffers and tokens as the host makes them. A message with a token of
  // its own keeps it (to send again what was completed with a failure); send() gives the others the next free ones.
  Sent send(std::vector<Message> messages);
  Sent write(void* port, std::vector<Message> messages);
  [[nodiscard]] size_t open_tokens() const;  // taken and not completed

 private:
  friend class TestHost;
  Instance(State& host, InstanceRecord& record) : host_(&host), record_(&record) {}
  [[nodiscard]] const void* find_iface(const char* id) const;
  using Call = std::function<dtu_status(const dtu_msg*, uint32_t n, uint32_t* taken, dtu_error*)>;
  Sent offer(std::vector<Message> messages, bool with_tokens, const Call& call);

  State* host_;
  InstanceRecord* record_;
  dtu_status status_ = DTU_OK;
  dtu_error error_{};
  bool started_ = false;
};

class TestHost {
 public:
  TestHost();
  TestHost(const TestHost&) = delete;
  TestHost& operator=(const TestHost&) = delete;
  ~TestHost();

  Instance create(const dtu_component& component, const std::string& config_json = "{}");

  // The loop. False: the deadline passed. A false run_until prints nothing: look at reports() and logs().
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds deadline = std::chrono::seconds(5));
  void run_for(std::chrono::milliseconds time);  // to show that nothing happens; to wait for something, run_until
  void use_fake_clock();                       // timers and monotonic_ns stand still; one host of the process at a time
  void advance(std::chrono::milliseconds by);  // runs the timers that fall due on the way

  // Records.
  const std::deque<Emitted>& emitted();
  const std::deque<Completion>& completions();
  const std::deque<Report>& reports();
  const std::deque<LogLine>& logs();
  const std::deque<Reply>& replies();
  const std::deque<Writable>& writables();
  const std::deque<LinkWrite>& link_writes();
  const std::deque<LineCall>& line_calls();  // discard and set_line
  void refuse_line(dtu_status status);       // set_line is answered so; DTU_OK: no longer
  const std::deque<Drop>& drops();
  const std::deque<Request>& requests();  // what was asked through dtu.invoke/1
  const std::deque<Published>& events();  // what was told through dtu.events/1
  const std::deque<std::string>& misbehaviour();
  int32_t state(const Instance& inst, uint64_t source = 0);  // the last one reported; 0 = none yet
  bool logged(std::string_view piece);                       // some line of the log contains it
  std::string emitted_bytes(uint64_t source = 0);            // payloads from `source`, joined
  void clear();                                              // forgets the records

  // Script.
  void block_emit(bool yes);                 // true: emit answers DTU_AGAIN; false: the refused are told by writable()
  void block_emit_after(uint32_t messages);  // takes so many more first
  void withhold(const std::string& service_id);                               // as a host that is too old to have it
  std::map<std::string, std::string>& kv(const std::string& component_type);  // survives the instance
  std::optional<int64_t> metric(const std::string& name, const std::string& component_type = "");
  void tolerate_misbehaviour();

  // dtu.invoke/1. A handler that answers nothing leaves the request open for answer(request.id, ...).
  // Commands without a handler and points without a value are answered with DTU_E_NOT_FOUND.
  using Handler = std::function<std::optional<Answer>(const Request&)>;
  void on_command(const std::string& name, Handler handler);
  void on_code(int64_t code, Handler handler);
  void on_point(const std::string& name, Handler handler);  // instead of a value; reads and writes
  void set_point(const std::string& name, const std::string& json,
                 const std::string& unit = "");  // read_point answers it, write_point changes it, list_points lists it
  void answer(uint64_t request_id, const Answer& answer);
  void refuse_invoke(dtu_status status);  // the call itself fails, done() is not called; DTU_OK: no more

  // dtu.events/1: an event of another instance, or of dtud, for those who subscribed; they get it within run_until().
  // flags: DTU_EVENT_STATE is kept for later subscribers, with DTU_EVENT_GONE no longer.
  void tell(const std::string& name, const std::string& json, const std::string& source = "kernel", uint32_t flags = 0);

  // dtu.link/1: what to_port (channel 0) and to_channel answer. Only DTU_OK is written down. Default: DTU_OK.
  void on_link_write(std::function<dtu_status(const LinkWrite&)> handler);

  // To call a plugin's C functions by hand.
  [[nodiscard]] const dtu_host* table() const;

 private:
  class Judge;
  std::unique_ptr<Judge> judge_;
  std::unique_ptr<State> state_;
};

}  // namespace dtu::test
