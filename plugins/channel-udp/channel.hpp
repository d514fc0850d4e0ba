// The component: one socket connected to one server, made anew when the server refuses, is silent or cannot be reached.
//
// After a refusal the server is on probation: its ping, or one message by itself, shows within a second whether it is
// back, before more is sent to nobody.
#pragma once
#include <dtu/kit/net/idle_watch.hpp>
#include <dtu/kit/net/ping.hpp>
#include <dtu/kit/net/socket.hpp>
#include <dtu/kit/net/state_report.hpp>
#include <dtu/kit/net/world.hpp>
#include <dtu/sdk.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "datagrams.hpp"
#include "metrics.hpp"
#include "settings.hpp"

namespace channel_udp {

class UdpChannel : public dtu::Component, public dtu::ChannelIface {
 public:
  UdpChannel(dtu::Host host, std::string_view config) : UdpChannel(host, config, net::World()) {}
  UdpChannel(dtu::Host host, std::string_view config, net::World world);
  static void check(std::string_view config, dtu::Findings& found) { net::find_unused(read_settings(config), found); }

  dtu_status start() override;
  dtu_status stop(uint32_t deadline_ms) override;
  void writable(uint64_t source) override;
  std::string health() override;
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override;
  dtu_status flush(uint32_t deadline_ms) override;

 private:
  enum class Phase { waiting, resolving, open, stopping, stopped };

  void on_timer();
  void begin_round();
  void resolved(const net::Resolved& result);
  [[nodiscard]] int connect_to(const net::Address& address);  // 0, or errno
  void opened();
  void proven();
  void lost(const std::string& reason);
  void socket_failed(int error);
  void fail_later(int error);
  void on_event(uint32_t events);
  void on_idle(net::IdleWatch::Due due);
  void read_some();
  void want();
  void offer_room();
  void watch_idleness();
  void close_socket();
  void make_ping();
  void send_ping(const dtu_msg& ping);
  [[nodiscard]] dtu_status send_some(const dtu_msg* msgs, uint32_t n, uint32_t* taken);
  void reject(const dtu_msg& message);
  void complete(uint64_t token, dtu_status status);
  [[nodiscard]] dtu_status no_room();
  template <typename Step>
  void step(Step&& body);

  Settings settings_;
  Metrics metrics_;
  net::Ping ping_;
  net::Backoff backoff_;
  net::StateReport state_;
  net::Resolver resolver_;
  dtu::Timer timer_;       // the next round, the end of the probation, a failure to report, the limit of a stop
  dtu::Timer room_timer_;  // the system was short of memory: send again
  Phase phase_ = Phase::stopped;
  size_t turn_ = 0;  // counts the rounds: another address of the name each time
  net::Socket socket_;
  std::unique_ptr<dtu::FdWatch> watch_;
  std::unique_ptr<net::IdleWatch> idle_;
  Inbox inbox_;
  std::string address_;
  std::string refuser_;                  // the address whose system said that nobody listens
  bool suspect_ = false;                 // the last socket was refused
  bool probation_ = false;               // and this one has not shown that it is not
  std::optional<uint64_t> probe_token_;  // of the message that shows it
  bool ping_probes_ = false;             // or the ping does
  bool blocked_ = false;                 // the socket takes nothing more for now
  bool refused_ = false;                 // send() answered DTU_AGAIN
  int broken_ = 0;                       // errno of a failed write: the loop will report the end
  uint64_t sent_ = 0, sent_bytes_ = 0, received_ = 0, received_bytes_ = 0;  // on this socket
  int64_t quiet_until_ns_ = 0;                                              // for what may be logged for each message
};

}  // namespace channel_udp
