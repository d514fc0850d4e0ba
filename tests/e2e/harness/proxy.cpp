#include "proxy.hpp"

#include <poll.h>

#include <vector>

namespace e2e {
namespace {

struct Pair {
  TcpPeer client, broker;
  std::string up, down;  // on their way
  bool gone = false;
};

// Moves what can be moved one way; false when either end is gone and nothing is left for the other.
bool move(TcpPeer& from, TcpPeer& to, std::string& kept) {
  const bool open = read_some(from.fd(), kept);
  const ssize_t n = kept.empty() ? 0 : write_some(to.fd(), kept);
  if (n > 0) kept.erase(0, static_cast<size_t>(n));
  return n >= 0 && (open || !kept.empty());
}

}  // namespace

Proxy::Proxy(uint16_t to) : to_(to), thread_([this] { serve(); }) {}

Proxy::~Proxy() {
  ending_ = true;
  thread_.join();
}

void Proxy::serve() {
  std::vector<Pair> pairs;
  while (!ending_) {
    std::vector<pollfd> waits{{server_.fd(), POLLIN, 0}};
    for (const Pair& p : pairs) {
      waits.push_back({p.client.fd(), POLLIN, 0});
      waits.push_back({p.broker.fd(), POLLIN, 0});
    }
    ::poll(waits.data(), waits.size(), 20);
    if ((waits[0].revents & POLLIN) != 0) {
      TcpPeer client = server_.accept();
      TcpPeer broker = open_ ? TcpPeer(to_) : TcpPeer();
      if (broker.fd() >= 0) pairs.push_back({std::move(client), std::move(broker), "", ""});
    }
    for (Pair& p : pairs) p.gone = !move(p.client, p.broker, p.up) || !move(p.broker, p.client, p.down);
    for (size_t i = pairs.size(); i-- > 0;)
      if (pairs[i].gone) pairs.erase(pairs.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace e2e
