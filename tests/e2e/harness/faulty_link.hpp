// A TCP link between dtud and a server that breaks in the way it is told to, at once and exactly. Whoever calls, the
// command is carried out when the function returns.
//
// What TCP acknowledged to dtud reaches the server, whatever happens to the connection: a byte that the far end's
// kernel acknowledged has arrived. So a channel that counts acknowledged bytes as delivered can be held to it exactly.
#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "tcp.hpp"
#include "worker.hpp"

namespace e2e {

class FaultyLink {
 public:
  enum class Way { up, down };  // up: from dtud to the server

  // `receive_buffer`: of the connections to dtud, in bytes; a slow reader with a large one is not slow. 0: the
  // system's.
  explicit FaultyLink(uint16_t to, int receive_buffer = 0);
  ~FaultyLink();
  [[nodiscard]] uint16_t port() const { return port_; }

  // Everything works, and new connections are taken. What dtud still holds as open with nobody behind it is reset.
  void pass();
  // Nobody listens any more: a connect is refused. Connections that are there go on.
  void refuse();
  // Ends every connection with RST, now.
  void reset();
  // A black hole: packets of dtud vanish before TCP sees them: nothing is acknowledged, a connect hangs, nothing is
  // told. Nor is anything passed on to dtud. Until pass() (and TCP sends again) or reset().
  void swallow();
  // What the server says is not passed on; what dtud says is.
  void swallow_answers();
  // The server's end of every connection is gone; dtud is not told, and its packets vanish. New connections work.
  void half_open();
  // Passes at most so many bytes a second that way; 0: as fast as it goes.
  void slow(Way way, uint64_t bytes_per_second);
  // Every connection made from now on, until pass(), is reset after exactly so many bytes were passed on that way; what
  // TCP acknowledged beyond them is lost, other than in the faults above.
  void reset_after(Way way, uint64_t bytes);

  [[nodiscard]] uint64_t accepted() const { return accepted_; }  // connections
  [[nodiscard]] uint64_t resets() const { return resets_; }      // sent to dtud, for whatever reason
  [[nodiscard]] uint64_t passed(Way way) const { return way == Way::up ? passed_up_ : passed_down_; }  // bytes

 private:
  struct Stream {
    std::string kept;               // read and not yet passed on
    std::optional<uint64_t> reset;  // after so many bytes more
    bool ended = false;             // nothing more will be read
    bool end_told = false;          // nor written
    double allowance = 0;           // bytes that may be read now, when slow
  };
  struct Connection {
    TcpPeer client, server;
    Stream up, down;
    bool silent = false;  // half open
    bool gone = false;
  };
  struct Speed {
    uint64_t bytes_per_second = 0;
  };

  void turn();
  void accept();
  void fill_allowances();
  void move(Connection& c, Way way);
  bool read(Connection& c, Way way);
  void cut(Connection& c);
  void keep_acknowledged(Connection& c);
  void listen();
  void swallow_all(bool on);
  [[nodiscard]] bool wants_to_read(const Stream& stream, Way way) const;

  const uint16_t to_;
  const int receive_buffer_;
  uint16_t port_ = 0;
  Descriptor hold_;  // keeps the port ours while nobody listens
  std::optional<TcpServer> server_;
  std::vector<Connection> connections_;
  bool swallows_ = false, swallows_answers_ = false;
  Speed speed_[2];
  std::optional<std::pair<Way, uint64_t>> new_ones_reset_;
  std::chrono::steady_clock::time_point filled_{std::chrono::steady_clock::now()};
  std::atomic<uint64_t> accepted_{0}, resets_{0}, passed_up_{0}, passed_down_{0};
  Worker worker_;
};

}  // namespace e2e
