#include "remote.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace channel_tcp::test {
namespace {

Socket make(int receive_buffer) {
  Socket s(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (receive_buffer != 0) ::setsockopt(s.fd(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  return s;
}

Address loopback(uint16_t port) { return net::numeric_address("127.0.0.1", port).value(); }

}  // namespace

std::string pattern(size_t size, uint32_t seed) {
  std::string s(size, '\0');
  uint32_t x = seed * 2654435761U + 1;
  for (char& c : s) {
    x = x * 1664525U + 1013904223U;
    c = static_cast<char>(x >> 24U);
  }
  return s;
}

Remote Remote::connect(uint16_t port, int receive_buffer, const std::string& from) {
  Socket s = make(receive_buffer);
  if (!from.empty()) {
    const Address here = net::numeric_address(from, 0).value();
    EXPECT_EQ(::bind(s.fd(), here.get(), here.length), 0) << from;
  }
  const Address a = loopback(port);
  if (::connect(s.fd(), a.get(), a.length) != 0 && errno != EINPROGRESS) ADD_FAILURE() << "connect: errno " << errno;
  return Remote(std::move(s));
}

void Remote::read(size_t most) {
  std::string buffer(65536, '\0');
  while (!ended_ && most > 0) {
    const ssize_t n = ::recv(fd(), buffer.data(), std::min(most, buffer.size()), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      ended_ = true;
      return;
    }
    received.append(buffer, 0, static_cast<size_t>(n));
    most -= static_cast<size_t>(n);
  }
}

size_t Remote::write(std::string_view bytes) {
  const ssize_t n = ::send(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return n > 0 ? static_cast<size_t>(n) : 0;
}

void Remote::write_all(std::string_view bytes) { ASSERT_EQ(write(bytes), bytes.size()); }

void Remote::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket_.reset();
}

Listener::Listener(int receive_buffer, int backlog) : socket_(make(receive_buffer)) {
  const Address a = loopback(0);
  if (::bind(socket_.fd(), a.get(), a.length) != 0) ADD_FAILURE() << "bind: errno " << errno;
  if (backlog != kNotYet) listen(backlog);
  port_ = net::local_address(socket_.fd()).port();
}

void Listener::listen(int backlog) {
  if (::listen(socket_.fd(), backlog) != 0) ADD_FAILURE() << "listen: errno " << errno;
}

std::unique_ptr<Remote> Listener::accept() {
  Socket s = accept_from(socket_.fd());
  return s ? std::make_unique<Remote>(std::move(s)) : nullptr;
}

std::string client_config(uint16_t port, const std::string& extra) {
  return R"({"mode": "client", "url": "127.0.0.1", "port": )" + std::to_string(port) +
         (extra.empty() ? "" : ", " + extra) + "}";
}

std::string server_config(const std::string& extra) {
  return R"({"mode": "server", "port": 0)" + (extra.empty() ? "" : ", " + extra) + "}";
}

namespace {
Poco::JSON::Object::Ptr parse_health(Instance& inst) {
  return Poco::JSON::Parser().parse(inst.health()).extract<Poco::JSON::Object::Ptr>();
}
}  // namespace

std::string health(Instance& inst, const std::string& key) {
  const auto h = parse_health(inst);
  return h->has(key) ? h->get(key).toString() : "";
}

uint64_t peer_health(Instance& inst, size_t index, const std::string& key) {
  const auto peers = parse_health(inst)->getArray("peers");
  if (index >= peers->size()) return UINT64_MAX;
  return peers->getObject(static_cast<unsigned>(index))->getValue<uint64_t>(key);
}

bool has_read(TestHost& host, Instance& inst) {
  return host.run_until([&] {
    const uint64_t n = peer_health(inst, 0, "received_bytes");
    return n != UINT64_MAX && n > 0;
  });
}

uint16_t listen_port(Instance& inst) { return static_cast<uint16_t>(std::stoul(health(inst, "listen_port"))); }

Connected::Connected(TestHost& host, const std::string& extra, int receive_buffer)
    : listener(receive_buffer), inst(host.create(component(), client_config(listener.port(), extra))) {
  EXPECT_TRUE(inst) << inst.error();
  EXPECT_EQ(inst.start(), DTU_PENDING);
  EXPECT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }));
  EXPECT_TRUE(host.run_until([&] { return remote || (remote = listener.accept()); }));
}

bool reported(TestHost& host, const Instance& inst, int32_t state, const std::string& piece) {
  const dtu::test::Report* last = nullptr;
  for (const auto& r : host.reports())
    if (r.by == inst.handle()) last = &r;
  return last != nullptr && last->state == state && last->text.find(piece) != std::string::npos;
}

size_t completed(TestHost& host, dtu_status status) {
  size_t n = 0;
  for (const auto& c : host.completions()) n += c.status == status ? 1 : 0;
  return n;
}

}  // namespace channel_tcp::test
