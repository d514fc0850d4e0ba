#include "server.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>

namespace channel_udp::test {

namespace {
class SteadyUdp : public UdpChannel {
 public:
  SteadyUdp(dtu::Host host, std::string_view config)
      : UdpChannel(host, config, net::World{[] { return 0.0; }, net::system_lookup}) {}
};
DTU_COMPONENT(steady_udp, SteadyUdp, DTU_KIND_CHANNEL, "udp", "UDP", "{}", 0, dtu::channel_iface<SteadyUdp>);
}  // namespace

const dtu_component& steady() { return steady_udp; }

Server::Server(const std::string& address, bool opened) : host_(address) {
  open();
  if (!opened) close();
}

void Server::open() {
  const net::Address a = net::numeric_address(host_, port_).value();
  socket_ = net::open_socket(a, SOCK_DGRAM);
  if (::bind(socket_.fd(), a.get(), a.length) != 0) ADD_FAILURE() << "bind " << a.text() << ": errno " << errno;
  port_ = net::local_address(socket_.fd()).port();
}

void Server::close() { socket_.reset(); }

const std::vector<std::string>& Server::received() {
  std::string buffer(65536, '\0');
  for (;;) {
    net::Address from;
    from.length = sizeof from.storage;
    const ssize_t n = ::recvfrom(socket_.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&from.storage), &from.length);
    if (n < 0) return received_;
    received_.emplace_back(buffer, 0, static_cast<size_t>(n));
    sender_ = from;
  }
}

bool Server::answer(std::string_view payload) { return send(payload, sender_); }

bool Server::send(std::string_view payload, const net::Address& to) {
  return ::sendto(socket_.fd(), payload.data(), payload.size(), MSG_DONTWAIT, to.get(), to.length) ==
         static_cast<ssize_t>(payload.size());
}

std::string config(uint16_t port, const std::string& extra) {
  return R"({"url": "127.0.0.1", "port": )" + std::to_string(port) + (extra.empty() ? "" : ", " + extra) + "}";
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

size_t completed(TestHost& host, dtu_status status) {
  size_t n = 0;
  for (const auto& c : host.completions()) n += c.status == status ? 1 : 0;
  return n;
}

std::string last_report(TestHost& host) { return host.reports().empty() ? "" : host.reports().back().text; }

Connected::Connected(TestHost& host, const std::string& extra)
    : inst(host.create(steady(), config(server.port(), extra))) {
  EXPECT_TRUE(inst) << inst.error();
  EXPECT_EQ(inst.start(), DTU_PENDING);
  EXPECT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }));
}

net::Address Connected::address() {
  const std::string local = health(inst, "local");
  const size_t colon = local.rfind(':');
  return net::numeric_address(local.substr(0, colon), static_cast<uint16_t>(std::stoul(local.substr(colon + 1))))
      .value();
}

}  // namespace channel_udp::test
