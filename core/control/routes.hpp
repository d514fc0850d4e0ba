// The table of the control API: which method and path asks the backend for what.
#pragma once
#include <Poco/URI.h>

#include <atomic>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "control/backend.hpp"
#include "control/request.hpp"
#include "lanes/thread_safety.hpp"

namespace dtud::control {

// The feeds being read by clients: bounded in number, and all closed at the end. Any thread.
class Streams {
 public:
  explicit Streams(size_t limit) : limit_(limit) {}
  [[nodiscard]] FeedPtr open();  // null: as many as allowed are open, or close_all() was called
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

// A request as the functions of the table see it.
struct Ask {
  Backend& backend;
  std::string name;  // what stands in the path for NAME or TYPE
  std::string body;
  Poco::URI::QueryParameters query;

  [[nodiscard]] std::optional<std::string> parameter(std::string_view key) const {
    for (const auto& [k, v] : query)
      if (k == key) return v;
    return std::nullopt;
  }
};

struct Route {
  const char* method;
  std::string_view path;  // one that ends in '/' takes a name after it
  Answer (*answer)(const Ask&);
  Answer (*stream)(const Ask&, const FeedPtr&) = nullptr;  // instead of the answer,
  std::string_view stream_if = {};                         // when the query has this parameter
  const char* type = "application/json";
  bool long_running = false;  // may wait for a plugin or another process: such requests leave workers to the others
};

struct Reply {
  Answer answer;
  std::string type = "application/json";
  std::string allow = {};  // of a 405
  bool again = false;      // with Retry-After: the client should ask again
};

// What a request asks for. No route: `refusal` is the answer.
struct Found {
  const Route* route;
  Ask ask;
  bool streams;
  Reply refusal;
};
[[nodiscard]] Found find_route(Backend& backend, Request request);
// Asks the backend; waits for it. May throw.
[[nodiscard]] Reply reply_of(const Found& found);

}  // namespace dtud::control
