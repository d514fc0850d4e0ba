// dtu.ports/1
#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "uses.hpp"

namespace dtu::check {
namespace {

constexpr size_t ports_max = 8;
constexpr uint64_t first_key = 1001;

struct PortInfo {
  std::string id, device;
};

// The other end of a port that is a pty; closed when it is none.
class Peer {
 public:
  explicit Peer(const std::string& device) {
    if (device.compare(0, 9, "/dev/pts/") != 0) return;
    fd_ = ::open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    termios raw{};
    if (fd_ < 0 || ::tcgetattr(fd_, &raw) != 0) return;
    ::cfmakeraw(&raw);
    ::tcsetattr(fd_, TCSANOW, &raw);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] bool there() const { return fd_ >= 0; }
  void drain() const {
    std::array<char, 4096> bytes{};
    while (fd_ >= 0 && ::read(fd_, bytes.data(), bytes.size()) > 0) continue;
  }
  void say(const std::string& text) const {
    if (fd_ >= 0 && ::write(fd_, text.data(), text.size()) < 0) return;  // as much as it takes
  }

 private:
  int fd_ = -1;
};

dtu_port_settings settings(uint32_t baud, uint32_t databits, uint32_t parity, uint32_t stopbits, uint32_t flow,
                           int32_t pin = -1) {
  return {sizeof(dtu_port_settings), baud, databits, parity, stopbits, flow, pin, 1};
}

class Ports {
 public:
  explicit Ports(Subject& s) : s_(s), table_(s.bench().part.iface<dtu_ports>(DTU_PORTS_IFACE)) {}
  [[nodiscard]] bool offered() const { return table_.has_value(); }

  std::vector<PortInfo> list() {
    std::vector<PortInfo> all;
    const auto each = [](void* to, const dtu_port_info* info) {
      const dtu_port_info i = at_our_size(*info);
      static_cast<std::vector<PortInfo>*>(to)->push_back({said(i.id), said(i.device)});
    };
    s_.call("ports.list()", [&](dtu_error* e) { return table_->list(s_.self(), each, &all, e); });
    std::set<std::string> seen;
    for (const PortInfo& p : all) {
      const bool bad = p.id.empty() || p.id.size() > 16 || !std::all_of(p.id.begin(), p.id.end(), [](unsigned char c) {
                         return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
                       });
      if (bad || !seen.insert(p.id).second)
        s_.bench().found("ports.list", s_.in("ports.list()") + " gave the id \"" + p.id + "\"" + (bad ? "" : " twice"));
    }
    if (all.size() > ports_max) all.resize(ports_max);
    return all;
  }

  void* open(const std::string& id, const dtu_port_settings& how, uint64_t key) {
    const LentText lent(s_.bench().storage, id);
    keys_.insert(key);
    s_.bench().ports_open(keys_);
    void* port = nullptr;
    status_ = s_.call("open() of port \"" + id + "\"",
                      [&](dtu_error* e) { return table_->open(s_.self(), lent.get(), &how, key, &port, e); });
    if (status_ >= 0 && (port == nullptr || status_ > DTU_PENDING))
      s_.bench().found("ports.open", s_.in("open()") + " of port \"" + id + "\" answered " + std::to_string(status_) +
                                         (port == nullptr ? " and left *port null" : ""));
    if (status_ < 0) forget(key);
    return status_ < 0 ? nullptr : port;
  }
  [[nodiscard]] dtu_status status() const { return status_; }

  void close(void* port, uint64_t key) {
    s_.bench().act(s_.in("close()"), [&] { table_->close(s_.self(), port); });
    forget(key);
  }

  uint32_t write(void* port, std::vector<host::Message>& batch) {
    return s_.offer("write()", batch, false, [&](const dtu_msg* m, uint32_t n, uint32_t* taken, dtu_error* e) {
      return table_->write(s_.self(), port, m, n, taken, e);
    });
  }

  // Until it is taken, with somebody who reads at the other end; without one, once.
  bool deliver(void* port, uint64_t key, std::vector<host::Message> batch, const Peer& peer) {
    while (!batch.empty()) {
      const size_t before = times_writable(key);
      batch.erase(batch.begin(), batch.begin() + write(port, batch));
      peer.drain();
      if (s_.status() == DTU_OK) continue;
      if (s_.status() != DTU_AGAIN || !peer.there()) return false;
      const auto has_room = [&] { return peer.drain(), times_writable(key) > before; };
      if (s_.bench().run_until(has_room, s_.bench().patience())) continue;
      s_.bench().found("data.writable", s_.in("write()") + " answered DTU_AGAIN; host->writable(" +
                                            std::to_string(key) + ") never came");
      return false;
    }
    return true;
  }

  void ask(void* port) {
    if (table_->drained != nullptr) s_.bench().act(s_.in("drained()"), [&] { table_->drained(s_.self(), port); });
    if (table_->signals != nullptr) {
      uint32_t known = 0, on = 0;
      s_.call("signals()", [&](dtu_error* e) { return table_->signals(s_.self(), port, &known, &on, e); });
    }
    if (table_->flags != nullptr) s_.bench().act(s_.in("flags()"), [&] { table_->flags(s_.self(), port); });
  }

 private:
  void forget(uint64_t key) {
    keys_.erase(key);
    s_.bench().ports_open(keys_);
  }
  [[nodiscard]] size_t times_writable(uint64_t key) const {
    const auto& all = s_.bench().state.records().writables;
    return static_cast<size_t>(
        std::count_if(all.begin(), all.end(), [&](const auto& w) { return w.by == s_.handle() && w.source == key; }));
  }

  Subject& s_;
  std::optional<dtu_ports> table_;
  std::set<uint64_t> keys_;
  dtu_status status_ = DTU_OK;
};

host::Message bytes(std::string payload) {
  host::Message m;
  m.payload = std::move(payload);
  return m;
}

std::vector<host::Message> batch(size_t n) {
  std::vector<host::Message> all;
  for (size_t k = 0; k < n; ++k) all.push_back(bytes("line " + std::to_string(k) + "\r\n"));
  return all;
}

const dtu_port_settings& usual() {
  static const dtu_port_settings s = settings(115200, 8, DTU_PARITY_NONE, 1, DTU_FLOW_NONE);
  return s;
}

void every_shape(Ports& ports, const std::string& id, uint64_t key) {
  for (const dtu_port_settings& how :
       {settings(9600, 7, DTU_PARITY_EVEN, 2, DTU_FLOW_NONE), settings(300, 5, DTU_PARITY_ODD, 1, DTU_FLOW_RTSCTS),
        settings(12345, 8, DTU_PARITY_NONE, 1, DTU_FLOW_NONE), settings(0, 9, 7, 3, 9),
        settings(115200, 8, DTU_PARITY_NONE, 1, DTU_FLOW_NONE, 9999)})
    if (void* port = ports.open(id, how, key)) ports.close(port, key);
}

}  // namespace

void use_ports(Subject& s, Depth depth) {
  Ports ports(s);
  if (!ports.offered()) return;
  const auto all = ports.list();
  const std::string unknown = "dtu-check-none";
  if (void* port = ports.open(unknown, usual(), first_key)) {
    s.bench().found("ports.unknown", s.in("open()") + " of port \"" + unknown + "\", which is not listed, succeeded");
    ports.close(port, first_key);
  }
  uint64_t key = first_key;
  for (const PortInfo& info : all) {
    ++key;
    void* port = ports.open(info.id, usual(), key);
    if (port == nullptr) continue;
    const Peer peer(info.device);
    ports.ask(port);
    if (ports.deliver(port, key, batch(3), peer) && depth == Depth::thorough) {
      ports.deliver(port, key, batch(64), peer);
      ports.deliver(port, key, {bytes(""), bytes(std::string("\0\xFF\x11\x13\r\n", 6))}, peer);
      if (peer.there()) ports.deliver(port, key, {bytes(std::string(200'000, 'p'))}, peer);
    }
    peer.say("from outside");
    s.bench().run_for(milliseconds(20));
    ports.close(port, key);
    peer.say("after close");
    s.bench().run_for(milliseconds(20));
    if (depth == Depth::thorough) every_shape(ports, info.id, key + 100);
  }
}

void press_ports(Subject& s) {
  Ports ports(s);
  if (!ports.offered()) return;
  uint64_t key = first_key;
  for (const PortInfo& info : ports.list()) {
    void* port = ports.open(info.id, usual(), ++key);
    if (port == nullptr) continue;
    const Peer peer(info.device);
    s.bench().hold_emits();
    for (int k = 0; k < 20; ++k) peer.say("number " + std::to_string(k) + "\n");
    s.bench().run_for(milliseconds(100));
    s.bench().release_emits(s.name());
    ports.close(port, key);
  }
}

void load_ports(Subject& s) {
  Ports ports(s);
  if (!ports.offered()) return;
  uint64_t key = first_key;
  for (const PortInfo& info : ports.list()) {
    void* port = ports.open(info.id, usual(), ++key);
    if (port == nullptr) continue;
    auto lines = batch(64);
    ports.write(port, lines);
    ports.close(port, key);
  }
}

}  // namespace dtu::check
