#include "plugins/isolation/frame.hpp"

#include <algorithm>

namespace dtud::plugins::isolation {
namespace {

struct MessageHead {
  uint64_t a, source, token;
  int64_t time_ns, latest_ns;
  uint32_t b, flags, payload, props, prop_bytes;
  uint16_t route, device;
};
static_assert(sizeof(MessageHead) == 64);

// A length without bytes, which a plugin may hand over, is nothing.
std::string_view view(dtu_str s) { return s.ptr != nullptr ? std::string_view(s.ptr, s.len) : std::string_view(); }

}  // namespace

Writer& Writer::error(const dtu_error* error) {
  number(static_cast<uint8_t>(error != nullptr ? 1 : 0));
  if (error == nullptr) return *this;
  number(error->code).number(error->flags).number(error->protocol_code);
  return text(std::string_view(error->message, ::strnlen(error->message, sizeof error->message)));
}

Writer& Writer::message(uint64_t a, uint32_t b, const dtu_msg& msg) {
  MessageHead head{a,
                   msg.source,
                   msg.token,
                   msg.time_ns,
                   msg.latest_ns,
                   b,
                   msg.flags,
                   static_cast<uint32_t>(msg.payload.len),
                   0,
                   0,
                   static_cast<uint16_t>(msg.route.len),
                   static_cast<uint16_t>(msg.device.len)};
  for (uint32_t i = 0; i < std::min(msg.prop_count, kMostProps); ++i) {
    const uint64_t key = view(msg.props[i].key).size(), value = view(msg.props[i].value).size();
    if (key > kMostPropBytes || value > kMostPropBytes) break;
    const uint64_t bytes = 8 + key + value;
    if (head.prop_bytes + bytes > kMostPropBytes) break;
    head.prop_bytes += static_cast<uint32_t>(bytes);
    ++head.props;
  }
  out_.append(reinterpret_cast<const char*>(&head), sizeof head);
  out_.append(view(msg.payload)).append(view(msg.route)).append(view(msg.device));
  for (uint32_t i = 0; i < head.props; ++i) text(view(msg.props[i].key)).text(view(msg.props[i].value));
  return *this;
}

std::string_view Reader::take(size_t length) {
  if (length > rest_.size()) return broken_ = true, std::string_view();
  const std::string_view taken = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return taken;
}

std::string_view Reader::text(size_t longest) {
  const uint32_t length = u32();
  if (length > longest) return broken_ = true, std::string_view();
  return take(length);
}

bool Reader::error(dtu_error& to) {
  to = dtu_error{};
  to.struct_size = sizeof to;
  if (number<uint8_t>() == 0) return false;
  to.code = i32();
  to.flags = u32();
  to.protocol_code = u32();
  const std::string_view said = text(sizeof to.message - 1);
  said.copy(to.message, said.size());
  return true;
}

void Reader::message(MessageView& to) {
  const std::string_view bytes = take(sizeof(MessageHead));
  if (broken_) return;
  MessageHead head{};
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.payload > DTU_PAYLOAD_MAX || head.route > DTU_ROUTE_MAX || head.device > DTU_DEVICE_MAX ||
      head.props > kMostProps) {
    broken_ = true;
    return;
  }
  to.a = head.a;
  to.b = head.b;
  to.msg.source = head.source;
  to.msg.token = head.token;
  to.msg.time_ns = head.time_ns;
  to.msg.latest_ns = head.latest_ns;
  to.msg.flags = head.flags;
  const std::string_view payload = take(head.payload);
  const std::string_view route = take(head.route);
  const std::string_view device = take(head.device);
  to.msg.payload = {payload.data(), payload.size()};
  to.msg.route = {route.data(), route.size()};
  to.msg.device = {device.data(), device.size()};
  for (uint32_t i = 0; i < head.props; ++i) {
    const std::string_view key = text(kMostPropBytes);
    const std::string_view value = text(kMostPropBytes);
    to.props[i] = {{key.data(), key.size()}, {value.data(), value.size()}};
  }
  to.msg.props = head.props != 0 ? to.props : nullptr;
  to.msg.prop_count = head.props;
}

}  // namespace dtud::plugins::isolation
