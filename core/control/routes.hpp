// The table of the control API: which method and path asks the backend for what.
#pragma once
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerRequest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <set>

#include "control/backend.hpp"
#include "lanes/thread_safety.hpp"

namespace dtud::control {

// The feeds being read by clients: bounded in number, and all closed at the end.
class Streams {
 public:
  explicit Streams(size_t limit) : limit_(limit) {}
  [[nodiscard]] FeedPtr open();  // null: as many as may be are open, or the end has come
  void close(const FeedPtr& feed);
  void close_all();  // and from now on there are none
  [[nodiscard]] size_t limit() const { return limit_; }
  [[nodiscard]] uint64_t missed() const { return missed_.load(std::memory_order_relaxed); }

 private:
  const size_t limit_;
  Mutex mutex_;
  std::set<FeedPtr> open_ DTU_GUARDED_BY(mutex_);
  bool ended_ DTU_GUARDED_BY(mutex_) = false;
  std::atomic<uint64_t> missed_{0};
};

struct RouteLimits {
  size_t head = 16U << 10U;
  size_t body = 1U << 20U;
  std::chrono::milliseconds patience{10'000};   // for a request to arrive, and for each piece of an answer to leave
  std::chrono::milliseconds keep_alive{5'000};  // between two requests
};

class Routes : public Poco::Net::HTTPRequestHandlerFactory {
 public:
  Routes(Backend& backend, Streams& streams, const RouteLimits& limits)
      : backend_(backend), streams_(streams), limits_(limits) {}
  Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest& request) override;

 private:
  Backend& backend_;
  Streams& streams_;
  const RouteLimits limits_;
};

}  // namespace dtud::control
