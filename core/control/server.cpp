#include "control/server.hpp"

#include <Poco/Exception.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "control/feed.hpp"
#include "control/metrics_text.hpp"
#include "control/peer.hpp"

namespace dtud::control {
namespace {

constexpr int kStackBytes = 256 << 10;
constexpr uint64_t kListener = 0, kTimer = 1, kWake = 2;  // of what epoll reports; a client: its number twice,
constexpr uint64_t kFeedBit = 1;                          // and one more for its feed
constexpr int kFeedTurns = 4;                             // then other clients come first
constexpr size_t kMuch = 16U << 10U;                      // bytes, worth an eviction

Descriptor valid(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return Descriptor(fd);
}

bool control_epoll(const Descriptor& epoll, int operation, int fd, uint64_t id, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  return ::epoll_ctl(epoll.get(), operation, fd, &event) == 0;
}

Reply busy_reply(const char* text) { return {Answer::error(503, text), "application/json", {}, true}; }

}  // namespace

Server::Server(Options options, Backend& backend)
    : options_(std::move(options)),
      backend_(backend),
      listener_(options_.socket_path, options_.mode),
      streams_(options_.streams),
      epoll_(valid(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      timer_(valid(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create")),
      wake_(valid(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      workers_(2 * options_.workers, kStackBytes) {  // a thread ends a moment after its answer is out
  if (!control_epoll(epoll_, EPOLL_CTL_ADD, listener_.fd(), kListener, EPOLLIN) ||
      !control_epoll(epoll_, EPOLL_CTL_ADD, timer_.get(), kTimer, EPOLLIN) ||
      !control_epoll(epoll_, EPOLL_CTL_ADD, wake_.get(), kWake, EPOLLIN))
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

Server::~Server() { stop(Clock::now()); }

void Server::ready() { run(0); }

void Server::run(int timeout_ms) {
  std::array<epoll_event, 32> events{};
  const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms);
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = events.at(static_cast<size_t>(i));
    if (event.data.u64 == kListener) {
      accept();
    } else if (event.data.u64 == kWake) {
      take_done();
    } else if (event.data.u64 != kTimer) {
      happened(event.data.u64, event.events);
    }
  }
  drop_late();
  arm_timer();
  counts_.connections.store(clients_.size(), std::memory_order_relaxed);
}

// --- clients ---------------------------------------------------------------------------------------------------------

void Server::accept() {
  for (;;) {
    unsigned dropped = 0;
    Descriptor fd = listener_.accept(dropped);
    add(counts_.no_descriptor, dropped);
    if (!fd) return;
    Peer peer;
    const bool known = read_peer(fd.get(), peer);
    Connection connection(std::move(fd), options_.limits.request);
    if (!known || !may_enter(peer, ::geteuid(), listener_.group(), options_.mode)) {
      add(counts_.refused_peer);
      refuse(connection,
             {Answer::error(403, "only root, the user of dtud and the group of the control socket may send requests")});
      continue;
    }
    if (clients_.size() >= options_.limits.connections && !evict_slowest(0, 0)) {
      add(counts_.refused_busy);
      refuse(connection, busy_reply("all connections of the control API are in use; try again in a moment"));
      continue;
    }
    const uint64_t id = ++last_id_ + kWake;
    if (!control_epoll(epoll_, EPOLL_CTL_ADD, connection.fd(), 2 * id, EPOLLIN)) continue;
    add(counts_.accepted);
    const auto at = clients_.emplace(id, Client{std::move(connection)}).first;
    at->second.events = EPOLLIN;
    at->second.deadline = Clock::now() + options_.limits.patience;
    receive(at);  // what a quick client has sent is read before the connection can count as slow
  }
}

void Server::refuse(Connection& connection, const Reply& reply) {
  connection.answer(reply, false);
  (void)connection.send();  // or the client is gone
}

void Server::watch(Clients::iterator at, uint32_t events) {
  if (std::exchange(at->second.events, events) != events)
    (void)control_epoll(epoll_, EPOLL_CTL_MOD, at->second.connection.fd(), 2 * at->first, events);
}

void Server::watch_feed(Clients::iterator at, uint32_t events) {
  (void)control_epoll(epoll_, EPOLL_CTL_MOD, at->second.feed->fd(), 2 * at->first + kFeedBit, events);
}

void Server::drop(Clients::iterator at) {
  if (at->second.feed != nullptr) {
    (void)control_epoll(epoll_, EPOLL_CTL_DEL, at->second.feed->fd(), 0, 0);
    forget(at->second.feed);
  }
  clients_.erase(at);
}

// Whatever happens, the backend hears that nobody listens any more.
void Server::forget(const FeedPtr& feed) {
  streams_.close(feed);
  backend_.drop(feed);
}

void Server::happened(uint64_t event_id, uint32_t events) {
  const auto at = clients_.find(event_id / 2);
  if (at == clients_.end()) return;  // dropped in this turn
  Client& client = at->second;
  if (client.phase == Phase::reading) return receive(at);
  if ((event_id & kFeedBit) == 0 && (events & (EPOLLHUP | EPOLLERR)) != 0) return drop(at);
  if (client.phase == Phase::writing) return write(at);
  if (client.phase == Phase::streaming) return stream(at);
}

void Server::drop_late() {
  const auto now = Clock::now();
  for (auto at = clients_.begin(); at != clients_.end();) {
    const auto next = std::next(at);
    Client& client = at->second;
    if (client.deadline <= now) {
      if (client.phase == Phase::reading && client.connection.reader().begun())
        refuse(client.connection, {Answer::error(408, "the request came too slowly: nothing was done")});
      if (!client.idle) add(counts_.too_slow);
      drop(at);
    }
    at = next;
  }
}

// Of those that hold at least so many bytes: the client that has kept its connection longest with a request that is not
// complete, or else with an answer it does not read. False: there is none but `keep`.
bool Server::evict_slowest(uint64_t keep, size_t least_held) {
  auto slowest = clients_.end();
  const auto is_slower = [&](Clients::iterator at) {
    if (slowest == clients_.end()) return true;
    const bool reads = at->second.phase == Phase::reading, other_reads = slowest->second.phase == Phase::reading;
    return reads != other_reads ? reads : at->second.deadline < slowest->second.deadline;
  };
  for (auto at = clients_.begin(); at != clients_.end(); ++at) {
    const Phase phase = at->second.phase;
    if (at->first == keep || (phase != Phase::reading && phase != Phase::writing)) continue;
    if (at->second.connection.held() >= least_held && is_slower(at)) slowest = at;
  }
  if (slowest == clients_.end()) return false;
  if (slowest->second.phase == Phase::reading)
    refuse(slowest->second.connection, busy_reply("closed to make room for other connections; try again in a moment"));
  add(counts_.evicted);
  drop(slowest);
  return true;
}

void Server::relieve(uint64_t keep) {
  const auto held = [this] {
    size_t bytes = 0;
    for (const auto& [id, client] : clients_) bytes += client.connection.held();
    return bytes;
  };
  while (held() > options_.limits.held && evict_slowest(keep, kMuch)) {
  }
}

void Server::arm_timer() {
  auto first = Clock::time_point::max();
  for (const auto& [id, client] : clients_) first = std::min(first, client.deadline);
  if (std::exchange(armed_, first) == first) return;
  itimerspec when{};  // zero disarms
  if (first != Clock::time_point::max()) {
    const auto ns = std::max<int64_t>(1, std::chrono::nanoseconds(first.time_since_epoch()).count());
    when.it_value = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  }
  (void)::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

// --- requests --------------------------------------------------------------------------------------------------------

void Server::receive(Clients::iterator at) {
  const uint64_t id = at->first;
  came(at, at->second.connection.receive());
  relieve(id);
}

void Server::came(Clients::iterator at, Connection::Came what) {
  Client& client = at->second;
  if (client.idle && client.connection.reader().begun()) {
    client.idle = false;
    client.deadline = Clock::now() + options_.limits.patience;
  }
  switch (what) {
    case Connection::Came::nothing:
      if (!client.connection.send()) return drop(at);  // "100 Continue"
      return watch(at, EPOLLIN | (client.connection.pending() != 0 ? EPOLLOUT : 0U));
    case Connection::Came::end:
      return drop(at);
    case Connection::Came::refused:
      add(counts_.bad_requests);
      client.keep_alive = false;
      return answer(at, {client.connection.reader().refusal()});
    case Connection::Came::request:
      return begin(at);
  }
}

// Gives a complete request to a worker.
void Server::begin(Clients::iterator at) {
  add(counts_.requests);
  Client& client = at->second;
  Request request = client.connection.request();
  const bool keep_alive = request.keep_alive;
  client.keep_alive = false;  // a refusal ends the connection
  client.chunks = request.chunks;
  const auto found = std::make_shared<const Found>(find_route(backend_, std::move(request)));
  if (found->route == nullptr) return answer(at, found->refusal);
  const bool long_running = found->route->long_running && !found->streams;
  const unsigned most = options_.workers > options_.reserved ? options_.workers - options_.reserved : 1;
  if (long_running && long_running_ >= most) {
    add(counts_.refused_busy);
    return answer(at, busy_reply("too many requests wait for plugins; try again in a moment"));
  }
  client.phase = Phase::working;
  client.deadline = Clock::time_point::max();
  client.keep_alive = keep_alive;
  watch(at, 0);
  const auto job = [this, id = at->first, found, long_running] {
    Done done = work(*found);
    done.client = id;
    done.long_running = long_running;
    {
      const Lock lock(mutex_);
      done_.push_back(std::move(done));
    }
    const uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
  };
  if (working_ < options_.workers && workers_.run(job)) {
    ++working_;
    long_running_ += long_running ? 1 : 0;
    return;
  }
  client.keep_alive = false;
  add(counts_.refused_busy);
  answer(at, busy_reply("all workers of the control API are busy; try again in a moment"));
}

// On a worker.
Server::Done Server::work(const Found& found) {
  Done done{};
  FeedPtr feed;
  try {
    if (!found.streams) {
      done.reply = reply_of(found);
      if (found.route->path == "/metrics" && done.reply.answer.ok()) add_metrics(done.reply.answer.body);
      return done;
    }
    feed = streams_.open();
    if (feed == nullptr) {
      done.reply.answer = Answer::error(
          409, "there are " + std::to_string(streams_.limit()) + " taps and followed logs already; end one first");
      return done;
    }
    done.reply.answer = found.route->stream(found.ask, feed);
  } catch (const Poco::Exception& e) {
    done.reply = {Answer::error(500, e.displayText())};
  } catch (const std::exception& e) {
    done.reply = {Answer::error(500, e.what())};
  }
  if (feed == nullptr) return done;
  if (done.reply.answer.ok())
    done.feed = feed;
  else
    forget(feed);
  return done;
}

void Server::take_done() {
  uint64_t count = 0;
  [[maybe_unused]] const auto n = ::read(wake_.get(), &count, sizeof count);
  std::vector<Done> all;
  {
    const Lock lock(mutex_);
    all.swap(done_);
  }
  for (Done& one : all) finish(one);
}

void Server::finish(Done& done) {
  --working_;
  long_running_ -= done.long_running ? 1 : 0;
  const auto at = clients_.find(done.client);
  if (at == clients_.end()) {  // it went meanwhile
    if (done.feed != nullptr) forget(done.feed);
    return;
  }
  if (done.feed == nullptr) return answer(at, done.reply);
  Client& client = at->second;
  client.feed = std::move(done.feed);
  client.phase = Phase::streaming;
  client.connection.begin_stream(client.chunks);
  if (!control_epoll(epoll_, EPOLL_CTL_ADD, client.feed->fd(), 2 * at->first + kFeedBit, 0)) return drop(at);
  stream(at);
}

// --- answers ---------------------------------------------------------------------------------------------------------

void Server::answer(Clients::iterator at, const Reply& reply) {
  const uint64_t id = at->first;
  Client& client = at->second;
  client.keep_alive = client.keep_alive && !stopped_;
  client.connection.answer(reply, client.keep_alive);
  client.held = reply.answer.held;
  client.phase = Phase::writing;
  client.idle = false;
  client.deadline = Clock::now() + options_.limits.patience;
  write(at);
  relieve(id);
}

void Server::write(Clients::iterator at) {
  Client& client = at->second;
  if (!client.connection.send()) return drop(at);
  if (client.connection.pending() != 0) return watch(at, EPOLLOUT);
  client.held.reset();
  if (!client.keep_alive || stopped_) return drop(at);
  client.phase = Phase::reading;
  client.idle = true;
  client.deadline = Clock::now() + options_.limits.keep_alive;
  watch(at, EPOLLIN);
  came(at, client.connection.again());
}

// Lines are taken from the feed only when the client has taken those before: what it is too slow for is missed there,
// and counted.
void Server::stream(Clients::iterator at) {
  Client& client = at->second;
  for (int turn = 0; turn < kFeedTurns; ++turn) {
    if (!client.connection.send()) return drop(at);
    if (client.connection.pending() != 0) {
      watch(at, EPOLLOUT);
      return watch_feed(at, 0);
    }
    const bool closed = client.feed->closed();
    const std::string lines = client.feed->take();
    if (lines.empty() && closed) {
      client.connection.end_stream();
      client.phase = Phase::writing;
      client.deadline = Clock::now() + options_.limits.patience;
      return write(at);
    }
    if (lines.empty()) break;
    client.connection.stream(lines);
  }
  watch(at, client.connection.pending() != 0 ? EPOLLOUT : 0U);
  watch_feed(at, EPOLLIN);
}

// --- the end ---------------------------------------------------------------------------------------------------------

void Server::stop(Clock::time_point deadline) {
  if (stopped_) return;
  stopped_ = true;
  listener_.close();
  backend_.refuse_from_now();
  streams_.close_all();
  for (auto at = clients_.begin(); at != clients_.end();) {
    const auto next = std::next(at);
    if (at->second.phase == Phase::reading) drop(at);
    at = next;
  }
  while (!clients_.empty() && Clock::now() < deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    run(static_cast<int>(std::clamp<decltype(left)>(left, 0, 60'000)));
  }
  while (!clients_.empty()) drop(clients_.begin());
  while (!workers_.drain(Clock::now() + std::chrono::seconds(10))) {
  }
  take_done();
}

// --- counters --------------------------------------------------------------------------------------------------------

Server::Counters Server::counters() const {
  const auto get = [](const std::atomic<uint64_t>& n) { return n.load(std::memory_order_relaxed); };
  return {get(counts_.accepted),     get(counts_.requests), get(counts_.refused_peer), get(counts_.refused_busy),
          get(counts_.bad_requests), get(counts_.too_slow), get(counts_.evicted),      get(counts_.no_descriptor),
          streams_.missed(),         workers_.busy(),       get(counts_.connections)};
}

void Server::add_metrics(std::string& text) const {
  const Counters c = counters();
  MetricsText out;
  const auto number = [](uint64_t n) { return static_cast<double>(n); };
  out.gauge("dtu_control_connections", "Open connections of the control API", number(c.connections));
  out.counter("dtu_control_requests_total", "Complete requests to the control API", number(c.requests));
  for (const auto& [reason, n] : {std::pair("peer", c.refused_peer), std::pair("busy", c.refused_busy),
                                  std::pair("bad request", c.bad_requests), std::pair("too slow", c.too_slow),
                                  std::pair("evicted", c.evicted), std::pair("no descriptor", c.no_descriptor)})
    out.counter("dtu_control_refused_total", "Connections and requests to the control API that were refused", number(n),
                {{"reason", reason}});
  out.counter("dtu_control_missed_lines_total",
              "Lines that taps and followed logs missed because their reader was too slow; counted when they end",
              number(c.missed_lines));
  text += out.take();
}

}  // namespace dtud::control
