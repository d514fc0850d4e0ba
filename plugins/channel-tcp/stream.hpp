// One connection on the lane: what comes in goes to the owner, what goes out is followed until TCP acknowledged
// it. Watches the other end: heartbeat, silence, no progress.
#pragma once
#include <cstdint>
#include <dtu/kit/net/idle_watch.hpp>
#include <dtu/kit/net/ping.hpp>
#include <dtu/sdk.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "send_queue.hpp"
#include "telnet.hpp"
#include "transport.hpp"

namespace channel_tcp {

struct StreamOptions {
  net::Ping* ping = nullptr;  // sent after heartbeat_s without another byte out
  uint32_t heartbeat_s = 0;   // 0: off
  uint32_t silence_s = 0;     // no byte in for so long ends the stream; 0: off
  uint32_t stuck_s = 0;       // no byte acknowledged for so long, though some are under way, ends it; 0: off
};

// Where one read puts its bytes. Shared by the streams of an instance: nothing stays in it after the read is handled.
struct ReadBuffer {
  static constexpr size_t kSize = 65536;
  std::unique_ptr<char[]> bytes = std::make_unique<char[]>(kSize);
};

class Stream {
 public:
  enum class End { closed, failed, silent, stuck, replaced };
  // What became of a ticket: the other end's TCP acknowledged it, the other end closed the connection before that, or
  // the connection was lost in another way.
  enum class Fate { acknowledged, closed_by_peer, lost };

  class Owner {
   public:
    virtual ~Owner() = default;
    // False: no room; the stream keeps the bytes and stops reading until resume().
    virtual bool deliver(Stream&, std::string_view bytes) = 0;
    virtual void settled(Stream&, uint64_t ticket, Fate fate) = 0;  // once per ticket
    // The two calls after which the stream may be gone; they come from the loop only, never from within a call below.
    virtual void progressed(Stream&) = 0;  // bytes went out or were acknowledged
    virtual void lost(Stream&, End how, const std::string& reason) = 0;
  };

  // `options` and `buffer` outlive the stream. Messages name the other end by `role` and address: "the server [::1]:5".
  Stream(dtu::Host host, Owner& owner, Transport transport, const std::string& role, uint64_t id,
         const StreamOptions& options, ReadBuffer& buffer);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { options_.ping->forget(this); }

  [[nodiscard]] bool full() const { return broken_ != 0 || queue_.full(); }
  [[nodiscard]] bool has_open() const { return queue_.has_open(); }
  // Only while !full(). Takes all of them (at most SendQueue::kBatch).
  void send(const SendQueue::Item* items, uint32_t n);
  // Every message is sent as the encoder writes it, from now on. It outlives the stream's use.
  void encode_with(telnet::Encoder* encoder) { encoder_ = encoder; }
  // Bytes that are no message, and are sent as they are. Also while full(); the caller bounds how many.
  void send_control(std::string_view bytes);
  // Somebody waits for the acknowledgements: ask now, and more often.
  void hurry();
  // The owner has room again.
  void resume();
  // After lost(), or to end the stream: every open ticket is settled, in order; nothing is watched any more.
  void finish();
  // After finish(): hands over what was read but not delivered, and what the system still holds. True: all of it.
  bool drain();
  [[nodiscard]] size_t undelivered() const { return held_.size(); }

  [[nodiscard]] uint64_t id() const { return id_; }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] const std::string& peer() const { return peer_; }
  [[nodiscard]] int fd() const { return transport_.fd(); }
  [[nodiscard]] const tls::Session* tls() const { return transport_.tls(); }
  [[nodiscard]] uint64_t sent_bytes() const { return queue_.written(); }
  [[nodiscard]] uint64_t received_bytes() const { return received_; }

 private:
  void on_event(uint32_t events);
  void on_ack_timer();
  void on_idle(net::IdleWatch::Due due);
  void send_ping(const dtu_msg& ping);
  [[nodiscard]] std::optional<End> read_once(std::string* reason);
  [[nodiscard]] int send_encoded(const SendQueue::Item* items, uint32_t n);
  [[nodiscard]] int send_copy(std::string_view bytes, uint64_t ticket);
  void after_send(int error);
  void fail_later(int error);
  [[nodiscard]] std::string failure(int error);
  void hold(std::string_view bytes);
  void ask();
  void follow();
  void want();

  dtu::Host host_;
  Owner& owner_;
  Transport transport_;
  const std::string address_, peer_;
  const uint64_t id_;
  const StreamOptions& options_;
  ReadBuffer& buffer_;
  SendQueue queue_;
  telnet::Encoder* encoder_ = nullptr;  // none: messages are sent as they are
  std::string held_;                    // read and not delivered
  bool holding_ = false;                // reading waits for resume()
  int broken_ = 0;                      // errno of a failed write: the loop will report the end
  bool by_peer_ = false;                // the other end closed or reset the connection
  bool following_ = false;              // the ack timer is armed
  uint32_t ack_delay_ms_ = 0;
  uint64_t received_ = 0;
  int64_t last_progress_ns_ = 0;
  std::unique_ptr<dtu::FdWatch> watch_;
  std::unique_ptr<dtu::Timer> ack_timer_;
  std::unique_ptr<net::IdleWatch> idle_;
};

}  // namespace channel_tcp
