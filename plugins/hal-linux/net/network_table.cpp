#include "net/network_table.hpp"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <dtu/sdk/json.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "board/tree.hpp"

namespace hal_linux {
namespace {

constexpr int kMostErrno = 4095;
constexpr size_t kAlign = 4;  // NLMSG_ALIGNTO, RTA_ALIGNTO
constexpr size_t aligned(size_t size) { return (size + kAlign - 1) / kAlign * kAlign; }

// The beginning of `bytes`, whose alignment is not known.
template <typename T>
std::optional<T> head_of(std::string_view bytes) {
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// each(header, body) of every message that is whole.
template <typename Each>
void each_message(std::string_view bytes, Each&& each) {
  while (const auto header = head_of<nlmsghdr>(bytes)) {
    if (header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > bytes.size()) return;
    each(*header, bytes.substr(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr)));
    bytes.remove_prefix(std::min(bytes.size(), aligned(header->nlmsg_len)));
  }
}

// each(type, data) of every attribute behind a header of `after` bytes.
template <typename Each>
void each_attribute(std::string_view body, size_t after, Each&& each) {
  body.remove_prefix(std::min(body.size(), aligned(after)));
  while (const auto header = head_of<rtattr>(body)) {
    if (header->rta_len < sizeof(rtattr) || header->rta_len > body.size()) return;
    each(header->rta_type, body.substr(sizeof(rtattr), header->rta_len - sizeof(rtattr)));
    body.remove_prefix(std::min(body.size(), aligned(header->rta_len)));
  }
}

std::string address_text(int family, std::string_view data) {
  const size_t size = family == AF_INET ? sizeof(in_addr) : family == AF_INET6 ? sizeof(in6_addr) : 0;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (size == 0 || data.size() < size || inet_ntop(family, data.data(), text.data(), text.size()) == nullptr) return {};
  return text.data();
}

// RFC 2863, as linux/if.h numbers it.
constexpr std::array kStates{"unknown", "not present", "down", "lower layer down", "testing", "dormant", "up"};

}  // namespace

NetworkTable::Taken NetworkTable::take(std::string_view bytes, uint32_t sequence) {
  Taken taken;
  each_message(bytes, [&](const nlmsghdr& header, std::string_view body) {
    if (header.nlmsg_seq != sequence) return;
    taken.inconsistent = taken.inconsistent || (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    switch (header.nlmsg_type) {
      case NLMSG_DONE:
        taken.done = true;
        break;
      case NLMSG_ERROR:
        if (const auto error = head_of<nlmsgerr>(body)) taken.error = std::abs(std::max(error->error, -kMostErrno));
        break;
      case RTM_NEWLINK:
        take_link(body);
        break;
      case RTM_NEWADDR:
        take_address(body);
        break;
      case RTM_NEWROUTE:
        take_route(body);
        break;
      default:
        break;
    }
  });
  return taken;
}

void NetworkTable::take_link(std::string_view body) {
  const auto head = head_of<ifinfomsg>(body);
  if (!head) return;
  if (interfaces_.size() >= kMostInterfaces && interfaces_.count(head->ifi_index) == 0) {
    ++left_out_;
    return;
  }
  Interface& i = interfaces_[head->ifi_index];
  size_t state = 0;
  each_attribute(body, sizeof(ifinfomsg), [&](unsigned type, std::string_view data) {
    if (type == IFLA_IFNAME) i.name = shown(data.substr(0, data.find('\0')), IFNAMSIZ);
    if (type == IFLA_OPERSTATE && !data.empty()) state = static_cast<unsigned char>(data[0]);
  });
  if (state == 0 || state >= kStates.size())  // drivers that say nothing, such as the loopback's
    state = (head->ifi_flags & IFF_UP) == 0 ? 2 : (head->ifi_flags & IFF_RUNNING) != 0 ? 6 : 0;
  i.state = kStates.at(state);
}

void NetworkTable::take_address(std::string_view body) {
  const auto head = head_of<ifaddrmsg>(body);
  if (!head) return;
  const auto i = interfaces_.find(static_cast<int>(head->ifa_index));
  if (i == interfaces_.end()) return;
  std::string local, address;
  uint32_t flags = head->ifa_flags;
  each_attribute(body, sizeof(ifaddrmsg), [&](unsigned type, std::string_view data) {
    if (type == IFA_LOCAL) local = address_text(head->ifa_family, data);
    if (type == IFA_ADDRESS) address = address_text(head->ifa_family, data);
    if (type == IFA_FLAGS) flags = head_of<uint32_t>(data).value_or(flags);
  });
  const std::string& own = local.empty() ? address : local;  // of a point-to-point link, IFA_ADDRESS is the far end
  if (own.empty() || (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0) return;
  if (i->second.addresses.size() >= kMostAddresses) {
    ++left_out_;
    return;
  }
  i->second.addresses.insert(own + "/" + std::to_string(head->ifa_prefixlen));
}

void NetworkTable::take_route(std::string_view body) {
  const auto head = head_of<rtmsg>(body);
  if (!head || head->rtm_dst_len != 0 || head->rtm_type != RTN_UNICAST) return;
  if (head->rtm_family != AF_INET && head->rtm_family != AF_INET6) return;
  Route route;
  route.ipv6 = head->rtm_family == AF_INET6;
  uint32_t table = head->rtm_table;
  const auto hop = [&](unsigned type, std::string_view data) {
    if (type == RTA_OIF) route.interface = head_of<int>(data).value_or(0);
    if (type == RTA_GATEWAY) route.gateway = address_text(head->rtm_family, data);
    constexpr size_t kFamily = sizeof(uint16_t);   // rtvia: the family, then the address
    if (type == RTA_VIA && data.size() > kFamily)  // IPv4 by way of an IPv6 neighbour
      route.gateway = address_text(head_of<uint16_t>(data).value_or(0), data.substr(kFamily));
  };
  each_attribute(body, sizeof(rtmsg), [&](unsigned type, std::string_view data) {
    if (type == RTA_TABLE) table = head_of<uint32_t>(data).value_or(table);
    if (type == RTA_PRIORITY) route.metric = head_of<uint32_t>(data).value_or(0);
    if (const auto next = type == RTA_MULTIPATH ? head_of<rtnexthop>(data) : std::nullopt) {
      route.interface = next->rtnh_ifindex;
      each_attribute(data.substr(0, next->rtnh_len), sizeof(rtnexthop), hop);
    }
    hop(type, data);
  });
  if (table != RT_TABLE_MAIN) return;
  if (routes_.size() >= kMostRoutes) {
    ++left_out_;
    return;
  }
  routes_.push_back(route);
}

std::string NetworkTable::interface_json(const Interface& i) {
  std::string json = "{\"name\":" + dtu::quoted(i.name) + ",\"state\":\"" + i.state + "\",\"addresses\":[";
  for (const std::string& address : i.addresses) json += (json.back() == '[' ? "\"" : ",\"") + address + "\"";
  return json + "]}";
}

std::string NetworkTable::interfaces() const {
  std::string json = "[";
  for (const auto& [index, i] : interfaces_) json += (json.size() == 1 ? "" : ",") + interface_json(i);
  return json + "]";
}

std::string NetworkTable::route_json(bool ipv6) const {
  const Route* best = nullptr;
  for (const Route& r : routes_)
    if (r.ipv6 == ipv6 && (best == nullptr || r.metric < best->metric)) best = &r;
  if (best == nullptr) return "null";
  const auto i = interfaces_.find(best->interface);
  return "{\"interface\":" + dtu::quoted(i != interfaces_.end() ? i->second.name : "") +
         ",\"gateway\":" + (best->gateway.empty() ? "null" : dtu::quoted(best->gateway)) +
         ",\"metric\":" + std::to_string(best->metric) + "}";
}

std::string NetworkTable::default_route() const {
  return "{\"ipv4\":" + route_json(false) + ",\"ipv6\":" + route_json(true) + "}";
}

std::string NetworkTable::event() const {
  constexpr size_t kLongest = 3072;  // a state holds 4 KiB (DTU_EVENT_STATE_JSON_MAX)
  std::string json = std::string("{\"online\":") + (routes_.empty() ? "false" : "true") +
                     ",\"default_route\":" + default_route() + ",\"interfaces\":[";
  size_t more = 0, shown_here = 0;
  for (const auto& [index, i] : interfaces_) {
    const std::string one = interface_json(i);
    if (json.size() + one.size() > kLongest)
      ++more;
    else
      json += (shown_here++ == 0 ? "" : ",") + one;
  }
  return json + "]" + (more != 0 ? ",\"more\":" + std::to_string(more) : "") + "}";
}

bool concerns_network(std::string_view bytes) {
  bool concerns = false;
  each_message(bytes, [&](const nlmsghdr& header, std::string_view body) {
    switch (header.nlmsg_type) {
      case RTM_NEWLINK:
      case RTM_DELLINK:
      case RTM_NEWADDR:
      case RTM_DELADDR:
        concerns = true;
        break;
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        if (const auto route = head_of<rtmsg>(body)) concerns = concerns || route->rtm_dst_len == 0;
        break;
      default:
        break;
    }
  });
  return concerns;
}

}  // namespace hal_linux
