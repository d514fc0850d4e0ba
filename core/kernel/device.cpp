#include "kernel/device.hpp"

#include <algorithm>

#include "plugins/instance.hpp"
#include "plugins/isolation/isolation.hpp"
#include "plugins/sound.hpp"

namespace dtud {
namespace {

const config::ChannelConfig* channel_in(const config::DeviceConfig& device, uint32_t id) {
  for (const auto& c : device.channels)
    if (c.id == id) return &c;
  return nullptr;
}

const config::PortConfig* port_in(const config::DeviceConfig& device, const std::string& id) {
  for (const auto& p : device.ports)
    if (p.id == id) return &p;
  return nullptr;
}

bool same_line(const config::PortConfig& a, const config::PortConfig& b) {
  return a.baud == b.baud && a.databits == b.databits && a.parity == b.parity && a.stopbits == b.stopbits &&
         a.flow == b.flow && a.direction_gpio == b.direction_gpio && a.direction_level == b.direction_level &&
         a.at_open == b.at_open;
}

// The ids of the channels bound to a port; "": to none. Which of them a dialect serves is the dialect's business (D16).
std::vector<uint32_t> bound(const config::DeviceConfig& device, const std::string& port) {
  std::vector<uint32_t> ids;
  for (const auto& c : device.channels)
    if (c.port == port) ids.push_back(c.id);
  return ids;
}

// Everything a link depends on, in one text to compare.
std::string signature(const config::DeviceConfig& device, const std::string& port) {
  const config::PortConfig* p = port_in(device, port);
  const std::string& mode = p != nullptr ? p->mode : device.work_mode;
  std::string text = mode + '\n' + (p != nullptr ? p->json : "");
  if (mode != "raw") text += '\n' + device.scalars_json;  // only dialects look at those
  for (const uint32_t id : bound(device, port)) text += '\n' + channel_in(device, id)->plugin_json;
  return text;
}

}  // namespace

void Device::apply(std::shared_ptr<const config::DeviceConfig> next, Applied applied) {
  if (ending_) return;
  changes_.push_back({std::move(next), std::move(applied)});
  if (changes_.size() == 1) begin();
}

void Device::begin() {
  changed_.clear();
  stop_outdated(changes_.front().next, [this] {
    if (ending_) return;
    before_ = now_;
    now_ = changes_.front().next;
    rebuild();
    before_.reset();
    if (rebuilt_) rebuilt_(*now_);
    if (changes_.front().applied) changes_.front().applied(changed_);
    changes_.pop_front();  // only now: what applied() asks for waits its turn
    if (!changes_.empty()) begin();
  });
}

// Channels that are gone or have another configuration; the rest go on.
void Device::stop_outdated(const std::shared_ptr<const config::DeviceConfig>& next, std::function<void()> then) {
  std::vector<routing::Channel*> outdated;
  for (const auto& channel : router_.channels()) {
    const config::ChannelConfig* c = channel_in(*next, channel->id);
    const bool same = c != nullptr && channel->instance != nullptr && c->type == channel->config.type &&
                      c->plugin_json == channel->config.plugin_json;
    if (!same && channel->instance != nullptr) outdated.push_back(channel.get());
  }
  auto left = std::make_shared<size_t>(outdated.size());
  auto finish = std::make_shared<std::function<void()>>(std::move(then));
  if (outdated.empty()) return (*finish)();
  for (routing::Channel* channel : outdated)
    channel->instance->stop(2000, [channel, left, finish] {
      channel->instance.reset();
      if (--*left == 0) (*finish)();
    });
}

void Device::rebuild() {
  if (!(before_->apn == now_->apn)) changed_.push_back("network");
  drop_outdated_links();
  if (owned_changed_) owned_changed_(*now_, changed_);
  match_ports();
  match_channels();
  make_links();
}

void Device::drop_outdated_links() {
  std::vector<routing::Link*> outdated;
  for (const auto& link : router_.links()) {
    const std::string port = link->port != nullptr ? link->port->id : "";
    if (signature(*before_, port) != signature(*now_, port)) outdated.push_back(link.get());
  }
  for (routing::Link* link : outdated) router_.remove_link(*link);
}

void Device::match_ports() {
  std::vector<std::string> gone;
  for (const auto& port : router_.ports())
    if (port_in(*now_, port->id) == nullptr) gone.push_back(port->id);
  for (const std::string& id : gone) {
    changed_.push_back("port " + id);
    router_.remove_port(id);
  }
  for (const config::PortConfig& config : now_->ports) {
    routing::Port* port = router_.port(config.id);
    const bool reopen = port == nullptr || !same_line(port->config, config);
    if (port == nullptr || port->config.json != config.json) changed_.push_back("port " + config.id);
    if (port == nullptr) port = &router_.add_port(config);
    port->config = config;
    if (reopen) open(*port);
  }
}

void Device::open(routing::Port& port) {
  for (const PortOffer& offer : offers_)
    if (offer.id == port.id) {
      port.device = offer.device;
      if (offer.hal->alive()) return router_.open_port(port, *offer.hal);
      router_.close_port(port);
      // hal_started() opens it then
      port.error =
          offer.hal->name() + (offer.hal->quarantine().empty() ? " is starting again" : " is " + offer.hal->error());
      return;
    }
  std::string known;
  for (const PortOffer& offer : offers_) known += (known.empty() ? "" : ", ") + offer.id;
  port.state = DTU_STATE_FAILED;
  port.error = offers_.empty() ? "no HAL that offers ports is running"
                               : "no HAL offers port " + port.id + ": board.json has " + known;
  if (const std::string why = why_no_hal_ ? why_no_hal_() : std::string(); !why.empty()) port.error = why;
}

void Device::match_channels() {
  std::vector<uint32_t> gone;
  for (const auto& channel : router_.channels())
    if (channel_in(*now_, channel->id) == nullptr) gone.push_back(channel->id);
  for (const uint32_t id : gone) {
    changed_.push_back("channel " + std::to_string(id));
    if (routing::Channel* channel = router_.channel(id); channel->link != nullptr) router_.remove_link(*channel->link);
    router_.remove_channel(id);
  }
  for (const config::ChannelConfig& config : now_->channels) {
    const routing::Port* port = router_.port(config.port);
    routing::Channel* channel = router_.channel(config.id);
    if (channel == nullptr) channel = &router_.add_channel(config.id, limits_of(config, port));
    channel->outbox.set_limits(limits_of(config, port));
    if (channel->instance != nullptr && channel->config.json != config.json) changed_.push_back(channel->name);
    channel->config = config;
    storage_.keep(router_, *channel);
    if (channel->instance != nullptr) {
      if ((now_->auto_connect || channel->connect) && !channel->instance->wanted()) channel->instance->start();
      continue;
    }
    changed_.push_back(channel->name);
    const Components::Found found = components_.find(DTU_KIND_CHANNEL, config.type);
    if (found.component == nullptr || (found.described && !config.isolate))
      continue;  // the reader of the document has said so
    const plugins::LoadedComponent* component = found.component;
    if (config.isolate)
      component = &context_.isolation->stand_in(*component, found.plugin_id, found.file, *config.isolate);
    channel->instance = plugins::Instance::make(context_, {channel->name, component, found.plugin_id, config.json});
    channel->instance->set_tenant(channel);
    channel->connected = channel->registered = channel->registering = false;
    if (now_->auto_connect || channel->connect) channel->instance->start();
  }
}

routing::OutboxLimits Device::limits_of(const config::ChannelConfig& config, const routing::Port* port) {
  routing::OutboxLimits limits;
  limits.messages = config.outbox.messages;
  limits.bytes = config.outbox.bytes;
  if (config.outbox.max_message != 0) limits.max_message = config.outbox.max_message;
  using config::Overflow;
  switch (config.outbox.overflow) {
    case Overflow::block:
      limits.policy = routing::Policy::block;
      break;
    case Overflow::drop_oldest:
      limits.policy = routing::Policy::drop_oldest;
      break;
    case Overflow::drop_newest:
      limits.policy = routing::Policy::drop_newest;
      break;
    case Overflow::automatic:
      limits.policy = port != nullptr && port->holds ? routing::Policy::block : routing::Policy::drop_oldest;
      break;
  }
  return limits;
}

void Device::make_links() {
  for (const config::PortConfig& config : now_->ports) {
    routing::Port* port = router_.port(config.id);
    if (port->link != nullptr) continue;
    std::vector<routing::Channel*> channels;
    for (const uint32_t id : bound(*now_, config.id)) channels.push_back(router_.channel(id));
    make_link(port, config.mode, std::move(channels), config.packet);
  }
  std::vector<routing::Channel*> portless;
  for (const uint32_t id : bound(*now_, ""))
    if (routing::Channel* channel = router_.channel(id); channel->link == nullptr) portless.push_back(channel);
  if (!portless.empty()) make_link(nullptr, now_->work_mode, std::move(portless), {});
}

void Device::make_link(routing::Port* port, const std::string& mode, std::vector<routing::Channel*> channels,
                       const config::PacketConfig& packet) {
  routing::Link& link = router_.add_link(port, mode, std::move(channels), packet);
  if (link.raw()) return;
  if (plugins::Instance* speaker = speaker_of(mode)) router_.open_session(link, *speaker, now_->scalars_json);
}

bool Device::connect(uint32_t id) {
  bool found = id == 0;
  for (const auto& channel : router_.channels()) {
    if (id != 0 && channel->id != id) continue;
    found = true;
    channel->connect = true;
    if (channel->instance != nullptr && !channel->instance->wanted() && !ending_) channel->instance->start();
  }
  return found;
}

plugins::Instance* Device::speaker_of(const std::string& dialect) const {
  for (plugins::Instance* speaker : speakers_) {
    const auto& names = speaker->component().dialects;
    if (speaker->alive() && std::find(names.begin(), names.end(), dialect) != names.end()) return speaker;
  }
  return nullptr;
}

void Device::hal_started(plugins::Instance& hal) {
  const auto theirs = [&](const PortOffer& o) { return o.hal == &hal; };
  offers_.erase(std::remove_if(offers_.begin(), offers_.end(), theirs), offers_.end());
  if (hal.tables().ports.list == nullptr) return;
  using List = std::vector<PortOffer>;
  constexpr size_t kMostPorts = 256;
  hal.call(
      [&hal] {
        List list;
        const auto each = [](void* ctx, const dtu_port_info* info) {
          auto& to = *static_cast<List*>(ctx);
          if (info != nullptr && to.size() <= kMostPorts)
            to.push_back({text_of(info->id), text_of(info->device), nullptr});
        };
        dtu_error error{};
        error.struct_size = sizeof error;
        hal.guarded("list ports", &error, [&] { return hal.tables().ports.list(hal.self(), each, &list, &error); });
        return list;
      },
      [this, &hal](List list) {
        if (list.size() > kMostPorts) {
          list.pop_back();
          hal.faults().note(plugins::Fault::flood, "list ports", "offers more ports than a board has");
        }
        for (PortOffer offer : list) {
          offer.hal = &hal;
          offers_.push_back(offer);
          if (routing::Port* port = router_.port(offer.id); port != nullptr && port->hal == nullptr) open(*port);
        }
      });
}

void Device::speaker_started(plugins::Instance& speaker) {
  if (std::find(speakers_.begin(), speakers_.end(), &speaker) == speakers_.end()) speakers_.push_back(&speaker);
  for (const auto& link : router_.links()) {
    const auto& names = speaker.component().dialects;
    if (!link->raw() && link->session == nullptr && std::find(names.begin(), names.end(), link->dialect) != names.end())
      router_.open_session(*link, speaker, now_->scalars_json);
  }
}

void Device::forget(const plugins::Instance& instance) {
  offers_.erase(std::remove_if(offers_.begin(), offers_.end(), [&](const PortOffer& o) { return o.hal == &instance; }),
                offers_.end());
  speakers_.erase(std::remove(speakers_.begin(), speakers_.end(), &instance), speakers_.end());
}

void Device::took_over(const config::ChannelConfig& config) {
  if (routing::Channel* channel = router_.channel(config.id)) channel->config = config;
}

void Device::stop_channels(uint32_t deadline_ms, std::function<void()> done) {
  ending_ = true;
  auto left = std::make_shared<size_t>(1);
  auto finish = std::make_shared<std::function<void()>>(std::move(done));
  const auto one_less = [left, finish] {
    if (--*left == 0) (*finish)();
  };
  for (const auto& channel : router_.channels())
    if (channel->instance != nullptr) {
      ++*left;
      channel->instance->stop(deadline_ms, one_less);
    }
  one_less();
}

}  // namespace dtud
