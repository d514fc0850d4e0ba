// The control API on a Unix socket. The lane watches fd() and calls ready(): it accepts connections, reads requests and
// writes answers there, and never waits for a client. Only a complete request is given to a worker thread, which asks
// the backend. So a slow client holds a connection and nothing else; when all connections are in use, the slowest is
// closed. There is no thread while nobody asks.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "control/backend.hpp"
#include "control/connection.hpp"
#include "control/listener.hpp"
#include "control/routes.hpp"
#include "control/workers.hpp"

namespace dtud::control {

struct ServerLimits {
  RequestReader::Limits request = {};
  std::chrono::milliseconds patience{10'000};   // for a request to arrive, and for an answer to leave
  std::chrono::milliseconds keep_alive{5'000};  // between two requests
  size_t connections = 64;
  size_t held = 8U << 20U;  // bytes of requests and answers; more closes the slowest connection
};

class Server {
 public:
  struct Options {
    std::string socket_path;
    mode_t mode = 0660;
    unsigned workers = 8;   // requests answered at a time; more are told to come again (503)
    unsigned reserved = 2;  // of these, for requests that do not wait for a plugin
    unsigned streams = 6;   // taps and followed logs; they take no worker
    ServerLimits limits = {};
  };
  struct Counters {
    uint64_t accepted = 0;
    uint64_t requests = 0;       // complete
    uint64_t refused_peer = 0;   // 403: neither root, nor the owner, nor of the group
    uint64_t refused_busy = 0;   // 503: all workers are busy
    uint64_t bad_requests = 0;   // incomplete, too long, or not HTTP: they did nothing
    uint64_t too_slow = 0;       // the deadline passed
    uint64_t evicted = 0;        // closed to make room
    uint64_t no_descriptor = 0;  // dropped: dtud is out of descriptors
    uint64_t missed_lines = 0;   // of ended taps and followed logs whose client was too slow
    unsigned busy = 0;           // workers now
    uint64_t connections = 0;    // now
  };

  // Throws std::runtime_error that says what is in the way; see Listener.
  Server(Options options, Backend& backend);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  // stop()

  [[nodiscard]] int fd() const { return epoll_.get(); }  // readable: call ready()
  void ready();                                          // the lane; never blocks
  // The lane, once: no new connections, streams end, answers in the making are still sent until the deadline; then the
  // connections are cut and what their workers are doing in the backend is waited for.
  void stop(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] Counters counters() const;  // any thread

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase { reading, working, writing, streaming };
  struct Client {
    Connection connection;
    Phase phase = Phase::reading;
    Clock::time_point deadline = Clock::time_point::max();
    uint32_t events = 0;
    bool keep_alive = false, chunks = false;
    bool idle = true;  // no byte of the request has come
    FeedPtr feed = nullptr;
    std::shared_ptr<void> held = nullptr;  // of the answer
  };
  using Clients = std::map<uint64_t, Client>;
  // What a worker brings back.
  struct Done {
    uint64_t client = 0;
    bool long_running = false;
    Reply reply;
    FeedPtr feed = nullptr;  // a stream begins
  };

  static void add(std::atomic<uint64_t>& to, uint64_t n = 1) { to.fetch_add(n, std::memory_order_relaxed); }
  void run(int timeout_ms);
  void accept();
  static void refuse(Connection& connection, const Reply& reply);
  void watch(Clients::iterator at, uint32_t events);
  void watch_feed(Clients::iterator at, uint32_t events);
  void drop(Clients::iterator at);
  void forget(const FeedPtr& feed);
  void happened(uint64_t event_id, uint32_t events);
  void drop_late();
  bool evict_slowest(uint64_t keep, size_t least_held);
  void relieve(uint64_t keep);
  void arm_timer();
  void receive(Clients::iterator at);
  void came(Clients::iterator at, Connection::Came what);
  void begin(Clients::iterator at);
  [[nodiscard]] Done work(const Found& found);
  void take_done();
  void finish(Done& done);
  void answer(Clients::iterator at, const Reply& reply);
  void write(Clients::iterator at);
  void stream(Clients::iterator at);
  void add_metrics(std::string& text) const;

  const Options options_;
  Backend& backend_;
  Listener listener_;
  Streams streams_;
  Descriptor epoll_, timer_, wake_;
  Clients clients_;
  uint64_t last_id_ = 0;
  Clock::time_point armed_ = Clock::time_point::max();
  struct {
    std::atomic<uint64_t> accepted{0}, requests{0}, refused_peer{0}, refused_busy{0}, bad_requests{0}, too_slow{0},
        evicted{0}, no_descriptor{0}, connections{0};
  } counts_;
  unsigned working_ = 0, long_running_ = 0;  // requests at the workers; of these, those that wait for plugins
  bool stopped_ = false;
  Mutex mutex_;
  std::vector<Done> done_ DTU_GUARDED_BY(mutex_);
  Workers workers_;  // last: its threads use the rest
};

}  // namespace dtud::control
