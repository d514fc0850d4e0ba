// Connects to one server of its list and stays connected.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "endpoint.hpp"
#include "handshake.hpp"
#include "tls_files.hpp"

namespace channel_tcp {

class Client final : public Endpoint, public Stream::Owner {
 public:
  explicit Client(Context& context);

  void start() override;
  bool stop(uint32_t deadline_ms) override;
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override;
  bool flush() override;
  void writable() override;
  void health(Poco::JSON::Object& out) const override;

 private:
  enum class Phase { waiting, resolving, connecting, connected, stopping, stopped };

  bool deliver(Stream& stream, std::string_view bytes) override;
  void settled(Stream& stream, uint64_t ticket, Stream::Fate fate) override;
  void progressed(Stream& stream) override;
  void lost(Stream& stream, Stream::End how, const std::string& reason) override;

  void on_timer();
  void begin_round();
  void look_up();
  void give_up_connecting();
  void resolved(const net::Resolved& result);
  void try_next();
  [[nodiscard]] bool begin_connect(const Address& address);  // false: see failure_
  void on_connect_event();
  void begin_handshake();
  void agreed(Handshake& handshake, const std::string& problem);
  void established(Transport transport);
  void round_failed(const std::string& reason);
  [[nodiscard]] uint32_t wait_after_failure(const std::string& reason);
  void begin_return();
  void go_back();
  void retire(bool keep_unread);
  void finish_stop_if_done(bool deadline_passed);
  template <typename Step>
  void step(Step&& body);

  Context& context_;
  dtu::Host host_;
  StreamOptions options_;
  net::Backoff backoff_;
  StateReport state_;
  net::Resolver resolver_;
  dtu::Timer timer_;  // the next round, the limit of a connect, the return, the limit of a stop: one at a time
  ServerList servers_;
  Phase phase_ = Phase::waiting;
  std::vector<Address> addresses_;
  size_t next_ = 0;
  std::string failure_;
  Socket connecting_;
  std::unique_ptr<dtu::FdWatch> connect_watch_;
  std::unique_ptr<TlsFiles> files_;  // none: without TLS
  std::unique_ptr<Handshake> handshake_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Stream> unread_;  // ended, but what it had received still waits for room
  uint64_t connections_ = 0;
  int64_t connected_ns_ = 0;
  bool returning_ = false;  // waits for the last acknowledgements, then leaves the backup server
  bool refused_ = false;    // send() answered DTU_AGAIN
};

}  // namespace channel_tcp
