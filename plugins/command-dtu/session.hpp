// One link in the dialect "command" or "through".
#pragma once
#include <dtu/sdk/component.hpp>

#include <map>
#include <set>

#include "answer.hpp"
#include "asker.hpp"
#include "diagnosis.hpp"
#include "event_feed.hpp"
#include "frame_parser.hpp"
#include "link_settings.hpp"
#include "pieces.hpp"
#include "upgrade_watch.hpp"

namespace command_dtu {

class Session final : public dtu::DialectIface::Session, private FrameSink, private EventFeed::Listener {
 public:
  static constexpr size_t commands_at_once = 32;  // of one channel, or of the port

  Session(dtu::Host host, Asker& asker, Diagnosis& diagnosis, MessageIds& ids, EventFeed& events,
          const dtu_link_info& link);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void from_port(const dtu_msg& msg) override;
  void from_channel(uint32_t channel, const dtu_msg& msg) override;
  void channel_state(uint32_t channel, int32_t state, const dtu_error* error) override;
  [[nodiscard]] std::string_view unfinished() const override { return parser_.unfinished(); }

 private:
  // Who asked, and so where the answer goes.
  struct Asked {
    Request request;
    const LinkChannel* channel = nullptr;  // null: the port
    uint64_t peer = 0;
  };

  void on_frame(const Frame& frame) override;
  void on_drop(Drop reason, uint64_t bytes) override;
  void on_idle();
  void on_event(const dtu_event& event) override;

  void uplink(const LinkChannel& channel, const Frame& frame);
  void downlink(const LinkChannel& channel, std::string_view route, std::string_view payload);
  // A message of a channel, or a piece of its stream.
  struct Incoming {
    const LinkChannel& channel;
    uint64_t peer;
    std::string_view route;
    std::string_view payload;
    bool more_may_come;  // what is not whole is kept until it is
  };
  // True: it ended with a command that cannot be read. What follows up to the next bracket belongs to that.
  bool message(const Incoming& in);
  bool row_of_data(const Incoming& in);
  bool parts(const Incoming& in);
  bool hold(const Incoming& in, std::string_view text);
  void follow(const Incoming& in, std::string_view text, bool secret);
  bool given_back(const Pieces::Given& given);
  void to_port(std::string_view head, std::string_view payload, uint32_t flags);
  void append_check(std::string& head, std::string_view payload) const;

  void command(Asked asked);
  void carry_out(Asked asked);
  size_t& running(const Asked& asked) { return running_[asked.channel != nullptr ? asked.channel->id : 0]; }
  void finish(const Asked& asked, const Outcome& outcome);
  [[nodiscard]] static std::string arguments_of(const Asked& asked);
  void follow_upgrade(const Asked& asked, std::string_view state);
  void resume_upgrade(std::string_view state);
  void send_answer(const Asked& asked, const Outcome& outcome);
  [[nodiscard]] const LinkChannel* find(uint32_t id) const;
  void drop(std::string_view reason, uint64_t bytes);
  void drop_retained(const LinkChannel& channel, const dtu_msg& msg);

  dtu::Host host_;
  const dtu_link_service& link_;
  Asker& asker_;
  Diagnosis& diagnosis_;
  MessageIds& ids_;
  EventFeed& events_;
  uint64_t last_event_ = 0;  // that was forwarded: two names may select the same
  const LinkSettings settings_;
  FrameParser parser_;
  dtu::Timer idle_;
  bool looked_again_ = false;  // the idle timer ran once without anything having come
  int64_t now_ns_ = 0;         // when the message being worked on was read
  Pieces pieces_;
  UpgradeWatch upgrade_;
  std::map<uint32_t, size_t> running_;   // commands not answered yet, by channel; 0: of the port
  std::set<std::string> retained_said_;  // channels and topics
  std::string imei_;
  std::string scratch_;
  std::string head_;
};

}  // namespace command_dtu
