// Listens, and serves several clients: uplink goes to all of them or to the one a message names, downlink carries the
// client's id. Who may come, who makes place for whom, who only listens and who gets an answer: the README says it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "endpoint.hpp"
#include "handshake.hpp"
#include "ledger.hpp"
#include "serial_control.hpp"
#include "served_client.hpp"
#include "sparse_log.hpp"
#include "tls_files.hpp"

namespace channel_tcp {

class Server final : public Endpoint, public Stream::Owner {
 public:
  explicit Server(Context& context);

  void start() override;
  bool stop(uint32_t deadline_ms) override;
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override;
  bool flush() override;
  void writable() override;
  void health(Poco::JSON::Object& out) const override;

 private:
  enum class Phase { opening, listening, stopping, stopped };

  bool deliver(Stream& stream, std::string_view bytes) override;
  void settled(Stream& stream, uint64_t ticket, Stream::Fate fate) override;
  void progressed(Stream& stream) override;
  void lost(Stream& stream, Stream::End how, const std::string& reason) override;

  void on_timer();
  void open();
  void read_tls_files();
  void accept_some();
  void arrived(Socket socket);
  void begin_handshake(Socket socket);
  void agreed(const Handshake& handshake, const std::string& problem);
  void refuse_handshake(const std::string& address, const std::string& problem);
  void welcome(Transport transport, const Address& from);
  [[nodiscard]] bool make_place(const Address& from);
  [[nodiscard]] bool emit(ServedClient& peer, std::string_view bytes);  // false: no room
  void greet(ServedClient& peer);
  [[nodiscard]] bool take_telnet(ServedClient& peer, std::string_view bytes);
  void hand_on(ServedClient& peer);
  void granted(uint64_t id, const rfc2217::Values& values);
  void values_are(const rfc2217::Values& values);
  void restore_line();
  void go_on();
  void on_poll();
  [[nodiscard]] bool has_com_port() const;
  void update_state();
  [[nodiscard]] bool full() const;
  [[nodiscard]] bool has_open() const;
  void offer_room();
  void send_batch(const dtu_msg* msgs, uint32_t n);
  void discard(const dtu_msg* msgs, uint32_t n);
  void remember_registration(const dtu_msg* msgs, uint32_t n);
  [[nodiscard]] bool is_for(const dtu_msg& msg, const ServedClient& peer) const;
  void introduce(Stream& peer);
  void finish_settled();
  void complete(const Ledger::Entry& e);
  void return_all();
  void retire(std::unique_ptr<ServedClient> stream);
  void end_all();
  void finish_stop();

  Context& context_;
  dtu::Host host_;
  StreamOptions options_;
  net::Backoff backoff_;
  StateReport state_;
  dtu::Timer timer_;  // the next try to listen, a pause of accepting, the limit of a stop: one at a time
  Phase phase_ = Phase::opening;
  Socket listener_;
  std::unique_ptr<dtu::FdWatch> listen_watch_;
  std::string address_;
  std::unique_ptr<SerialControl> control_;            // none: without rfc2217
  dtu::Timer poll_timer_;                             // asks for the signals while an RFC 2217 client is there
  bool restore_ = false;                              // the last such client is gone
  std::unique_ptr<TlsFiles> files_;                   // none: without TLS
  std::vector<std::unique_ptr<Handshake>> arriving_;  // the oldest first; they are no clients yet
  std::vector<std::unique_ptr<ServedClient>> peers_;
  std::vector<std::unique_ptr<ServedClient>> unread_;  // ended, but what they had received still waits for room
  uint64_t last_id_ = 0;
  uint64_t asker_ = 0;      // answers "asker": the client whose bytes went to the port last; 0: none is there
  dtu_msg registration_{};  // what a new client is sent first; payload null: nothing
  dtu::Buffer registration_owner_;
  Ledger ledger_;
  bool orphaned_ = false;          // a message to hold has lost its last client without an acknowledgement
  bool closed_by_peer_ = false;    // and a client that had been sent it closed the connection
  bool refused_ = false;           // send() answered DTU_AGAIN
  bool refusing_clients_ = false;  // so that a crowd is logged once
  SparseLog strangers_{host_}, kicked_{host_}, handshakes_{host_};
};

}  // namespace channel_tcp
