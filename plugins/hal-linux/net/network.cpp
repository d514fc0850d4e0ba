#include "net/network.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace hal_linux {
namespace {

constexpr uint64_t kGather_ms = 200, kAgain_ms = 5000, kBroken_ms = 60'000;
constexpr size_t kBuffer = 32768;  // the most that the kernel puts into one datagram of a dump
constexpr int kMostAtOnce = 16;    // datagrams in one turn of the lane
constexpr uint32_t kGroups =
    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;

struct Step {
  uint16_t type;
  unsigned char family;
};
constexpr std::array kSteps{Step{RTM_GETLINK, AF_UNSPEC}, Step{RTM_GETADDR, AF_UNSPEC}, Step{RTM_GETROUTE, AF_INET},
                            Step{RTM_GETROUTE, AF_INET6}};

constexpr const char *kInterfaces = "network.interfaces", *kDefaultRoute = "network.default_route";

// Bytes received, -1: see errno. Only the kernel is listened to.
ssize_t receive(int fd, char* to, size_t room) {
  sockaddr_nl from{};
  iovec part{to, room};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const ssize_t n = ::recvmsg(fd, &message, MSG_DONTWAIT);
  if (n >= 0 && message.msg_namelen == sizeof from && from.nl_family == AF_NETLINK && from.nl_pid != 0) return 0;
  return n;
}

}  // namespace

dtu_port::Descriptor Network::open_rtnetlink(uint32_t groups) {
  dtu_port::Descriptor fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  self.nl_groups = groups;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what bind takes
  if (fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&self), sizeof self) != 0) {
    const int code = errno;
    fd.reset();
    errno = code;
  }
  return fd;
}

Network::Network(dtu::Host host, Open open) : host_(host), open_(std::move(open)) {}

void Network::start() {
  soon_ = std::make_unique<dtu::Timer>(host_, [this] { begin(); });
  begin();
}

void Network::stop() {
  dump_.reset();
  watch_.reset();
  fd_.reset();
  soon_.reset();
}

void Network::failed(const std::string& what, int code) {
  dump_.reset();
  std::string text = "the network cannot be watched: " + what + ": " + std::generic_category().message(code);
  if (text != trouble_) host_.error(text);
  trouble_ = std::move(text);
  known_ = false;
  soon_->arm_ms(kBroken_ms);
}

void Network::notified() {
  std::array<char, 8192> bytes{};  // what is cut off does not matter: the head says what it is about
  bool concerns = false;
  for (int i = 0; i < kMostAtOnce; ++i) {
    const ssize_t n = receive(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0 && errno != EINTR && errno != ENOBUFS) {
      const int code = errno;
      watch_.reset();
      fd_.reset();
      return failed("rtnetlink", code);
    }
    // ENOBUFS: notifications were lost.
    concerns = concerns || n < 0 || concerns_network({bytes.data(), static_cast<size_t>(n)});
  }
  if (concerns && dump_) dump_->again = true;
  if (concerns && !dump_) begin_soon();
}

// Not later for each further change: a link that flaps without end is told of too.
void Network::begin_soon() {
  if (!std::exchange(gathering_, true)) soon_->arm_ms(kGather_ms);
}

// The socket that is told of changes is there before the list is asked for, so no change falls between the two.
void Network::begin() {
  gathering_ = false;
  if (!fd_) {
    fd_ = open_(kGroups);
    if (!fd_) return failed("no rtnetlink socket", errno);
    watch_ = std::make_unique<dtu::FdWatch>(host_, fd_.get(), DTU_FD_READ, [this](uint32_t) { notified(); });
  }
  dump_ = std::make_unique<Dump>();
  dump_->fd = open_(0);
  if (!dump_->fd) return failed("no rtnetlink socket", errno);
  dump_->buffer.resize(kBuffer);
  dump_->watch = std::make_unique<dtu::FdWatch>(host_, dump_->fd.get(), DTU_FD_READ, [this](uint32_t) { answered(); });
  soon_->arm_ms(kAgain_ms);  // an answer that does not come
  ask();
}

void Network::ask() {
  const Step& step = kSteps.at(dump_->step);
  struct {
    nlmsghdr header{};
    rtmsg body{};  // ifinfomsg and ifaddrmsg begin with the family too, and the kernel wants no more of them
    std::array<char, 8> rest{};
  } request;
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof(ifinfomsg));
  request.header.nlmsg_type = step.type;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.header.nlmsg_seq = ++sequence_;
  request.body.rtm_family = step.family;
  if (::send(dump_->fd.get(), &request, request.header.nlmsg_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    failed("the kernel takes no request", errno);
}

void Network::answered() {
  for (int i = 0; i < kMostAtOnce && dump_; ++i) {
    const ssize_t n = receive(dump_->fd.get(), dump_->buffer.data(), dump_->buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) return failed("rtnetlink", errno);
    const NetworkTable::Taken taken = dump_->table.take({dump_->buffer.data(), static_cast<size_t>(n)}, sequence_);
    dump_->again = dump_->again || taken.inconsistent;
    // A kernel without IPv6 has no such routes.
    if (taken.error != 0 && kSteps.at(dump_->step).family != AF_INET6) return failed("the kernel refuses", taken.error);
    if (taken.done || taken.error != 0) step_done();
  }
}

void Network::step_done() {
  if (++dump_->step < kSteps.size()) return ask();
  const std::unique_ptr<Dump> done = std::move(dump_);
  soon_->disarm();
  table_ = std::move(done->table);
  known_ = true;
  trouble_.clear();
  if (done->again) begin_soon();
  std::string now = table_.event();
  if (now == told_) return;
  ++changes_;
  // Refused when too many came at once: the next change, or this one again, tells it.
  if (events_.publish(network_changed_event.name, now) != DTU_AGAIN)
    told_ = std::move(now);
  else if (!gathering_)
    soon_->arm_ms(kAgain_ms);
}

void Network::list(const std::function<void(const dtu_point_info&)>& each) const {
  each({sizeof(dtu_point_info), 0, dtu::str(kInterfaces), {}, dtu::str("Network interfaces")});
  each({sizeof(dtu_point_info), 0, dtu::str(kDefaultRoute), {}, dtu::str("Default routes")});
}

bool Network::has(std::string_view point) { return point == kInterfaces || point == kDefaultRoute; }

void Network::read(std::string_view point, uint64_t call) {
  if (!known_)
    throw dtu::Failure::retryable(
        DTU_E_IO, trouble_.empty() ? std::string(point) + ": the kernel has not answered yet" : trouble_);
  host_.reply(call, point == kInterfaces ? table_.interfaces() : table_.default_route());
}

std::string Network::health() const {
  return "{\"changes\": " + std::to_string(changes_) + ", \"left_out\": " + std::to_string(table_.left_out()) + "}";
}

}  // namespace hal_linux
