// The control API on a Unix socket. It has no thread while nobody asks: the lane watches listen_fd() and calls
// accept_ready(); a worker thread then serves the connection.
#pragma once
#include <Poco/Net/HTTPServerParams.h>

#include <atomic>
#include <chrono>
#include <map>
#include <string>

#include "control/backend.hpp"
#include "control/listener.hpp"
#include "control/routes.hpp"
#include "control/workers.hpp"

namespace dtud::control {

class Server {
 public:
  struct Options {
    std::string socket_path;
    mode_t mode = 0660;
    unsigned workers = 8;  // connections served at a time; more are told to come again (503)
    unsigned streams = 6;  // of these, taps and followed logs: an ordinary question always finds a worker
    RouteLimits limits = {};
  };
  struct Counters {
    uint64_t accepted = 0;
    uint64_t refused_peer = 0;   // 403: neither root, nor the owner, nor of the group
    uint64_t refused_busy = 0;   // 503: all workers busy
    uint64_t no_descriptor = 0;  // dropped: dtud is out of descriptors
    uint64_t missed_lines = 0;   // of ended taps and followed logs whose client was too slow
    unsigned busy = 0;           // connections now
  };

  // Throws std::runtime_error that says what is in the way; see Listener.
  Server(Options options, Backend& backend);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  // stop()

  [[nodiscard]] int listen_fd() const { return listener_.fd(); }
  void accept_ready();  // the lane, when listen_fd() is readable; never blocks
  // The lane, once: no new connections, taps end, answers in the making are still sent until the deadline; then the
  // connections are cut and what their workers are doing in the backend is waited for.
  void stop(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] Counters counters() const;  // any thread

 private:
  void serve(int fd, uint64_t id);  // worker
  void shut_connections(int how);
  static void answer_at_once(int fd, int status, const char* reason, const char* text);

  const Options options_;
  Backend& backend_;
  Listener listener_;
  Streams streams_;
  Poco::Net::HTTPRequestHandlerFactory::Ptr routes_;
  Poco::Net::HTTPServerParams::Ptr params_;
  std::atomic<uint64_t> accepted_{0}, refused_peer_{0}, refused_busy_{0}, no_descriptor_{0};
  uint64_t next_id_ = 0;
  bool stopped_ = false;
  Mutex mutex_;
  std::map<uint64_t, Descriptor> connections_ DTU_GUARDED_BY(mutex_);  // being served
  Workers workers_;                                                    // last: its threads use the rest
};

}  // namespace dtud::control
