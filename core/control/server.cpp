#include "control/server.hpp"

#include <Poco/AutoPtr.h>
#include <Poco/Exception.h>
#include <Poco/Net/HTTPServerConnection.h>
#include <sys/socket.h>

#include "control/peer.hpp"
#include "control/wire_socket.hpp"

namespace dtud::control {
namespace {

constexpr int kStackBytes = 256 << 10;

Poco::Timespan timespan(std::chrono::milliseconds ms) { return Poco::Timespan(ms.count() * 1000); }

Poco::Net::HTTPServerParams::Ptr make_params(const RouteLimits& limits) {
  Poco::Net::HTTPServerParams::Ptr params = Poco::makeAuto<Poco::Net::HTTPServerParams>();
  params->setTimeout(timespan(limits.patience));
  params->setKeepAliveTimeout(timespan(limits.keep_alive));
  params->setSoftwareVersion("dtud");
  return params;
}

}  // namespace

Server::Server(Options options, Backend& backend)
    : options_(std::move(options)),
      backend_(backend),
      listener_(options_.socket_path, options_.mode),
      streams_(options_.streams),
      routes_(std::make_unique<Routes>(backend_, streams_, options_.limits).release()),
      params_(make_params(options_.limits)),
      workers_(options_.workers, kStackBytes) {}

Server::~Server() { stop(std::chrono::steady_clock::now()); }

void Server::accept_ready() {
  for (;;) {
    unsigned dropped = 0;
    Descriptor fd = listener_.accept(dropped);
    no_descriptor_.fetch_add(dropped, std::memory_order_relaxed);
    if (!fd) return;
    Peer peer;
    if (!read_peer(fd.get(), peer) || !may_enter(peer, ::geteuid(), listener_.group(), options_.mode)) {
      refused_peer_.fetch_add(1, std::memory_order_relaxed);
      answer_at_once(fd.get(), 403, "Forbidden", "only root, the user of dtud and the group of its socket may ask");
      continue;
    }
    const int raw = fd.get();
    const uint64_t id = ++next_id_;
    {
      const Lock lock(mutex_);
      connections_.emplace(id, std::move(fd));
    }
    if (workers_.run([this, raw, id] { serve(raw, id); })) {
      accepted_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    refused_busy_.fetch_add(1, std::memory_order_relaxed);
    answer_at_once(raw, 503, "Service Unavailable", "dtud has its hands full; ask again in a moment");
    const Lock lock(mutex_);
    connections_.erase(id);
  }
}

void Server::answer_at_once(int fd, int status, const char* reason, const char* text) {
  const std::string body = Answer::error(status, text).body;
  const std::string head = "HTTP/1.1 " + std::to_string(status) + " " + reason +
                           "\r\nContent-Type: application/json\r\nConnection: close\r\nRetry-After: 1\r\n"
                           "Content-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n";
  const std::string all = head + body;
  [[maybe_unused]] const auto n = ::send(fd, all.data(), all.size(), MSG_DONTWAIT | MSG_NOSIGNAL);  // or it is gone
}

void Server::serve(int fd, uint64_t id) {
  try {
    auto wire = Poco::makeAuto<WireSocket>(fd);
    const WireStream stream(wire.get());
    wire->set_deadline(WireSocket::Clock::now() + options_.limits.patience);
    wire->set_allowance(options_.limits.head);
    Poco::Net::HTTPServerConnection(stream, params_, routes_).run();
  } catch (const Poco::Exception&) {  // the client went, or was too slow: its loss
  } catch (const std::exception&) {
  }
  const Lock lock(mutex_);
  connections_.erase(id);
}

void Server::shut_connections(int how) {
  const Lock lock(mutex_);
  for (const auto& [id, handle] : connections_) ::shutdown(handle.get(), how);
}

void Server::stop(std::chrono::steady_clock::time_point deadline) {
  if (stopped_) return;
  stopped_ = true;
  listener_.close();
  backend_.refuse_from_now();
  streams_.close_all();
  shut_connections(SHUT_RD);  // those who wait for a request see the end
  if (workers_.drain(deadline)) return;
  shut_connections(SHUT_RDWR);
  while (!workers_.drain(std::chrono::steady_clock::now() + std::chrono::seconds(10))) {
  }
}

Server::Counters Server::counters() const {
  const auto get = [](const std::atomic<uint64_t>& n) { return n.load(std::memory_order_relaxed); };
  return {get(accepted_),      get(refused_peer_), get(refused_busy_),
          get(no_descriptor_), streams_.missed(),  workers_.busy()};
}

}  // namespace dtud::control
