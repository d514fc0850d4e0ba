#include <dtu/kit/net/ping.hpp>

#include <algorithm>
#include <string>

namespace net {

Ping::Ping(dtu::Host host, std::string_view text)
    : host_(host),
      text_(text, dtu::TextTemplate::Form::bytes),
      values_(text_.constant() ? nullptr : std::make_unique<dtu::HostPlaceholders>(host)) {}

void Ping::make(const void* who, Ready ready) {
  if (!values_) return give(ready, text_.fill({}));
  const bool reading = !waiting_.empty();
  if (std::any_of(waiting_.begin(), waiting_.end(), [&](const auto& w) { return w.first == who; })) return;
  waiting_.emplace_back(who, std::move(ready));
  if (!reading) values_->read(text_.uses(), [this](const dtu::PlaceholderValues& values) { filled(values); });
}

void Ping::forget(const void* who) {
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), [&](const auto& w) { return w.first == who; }),
                 waiting_.end());
  if (waiting_.empty() && values_) values_->cancel();
}

void Ping::filled(const dtu::PlaceholderValues& values) {
  const std::string bytes = text_.fill(values);
  while (!waiting_.empty()) {
    const Ready ready = std::move(waiting_.front().second);
    waiting_.erase(waiting_.begin());
    give(ready, bytes);
  }
}

void Ping::give(const Ready& ready, std::string_view bytes) {
  uint8_t* memory = nullptr;
  const dtu::Buffer owner = host_.alloc(bytes.size(), &memory);
  if (!owner) return host_.error("a heartbeat is not sent: not enough memory");
  std::copy(bytes.begin(), bytes.end(), memory);
  dtu_msg ping{};
  ping.payload = {reinterpret_cast<const char*>(memory), bytes.size()};
  ping.owner = owner.get();
  ready(ping);
}

}  // namespace net
