// A HAL of type template-name. As it stands, its one port is a pseudo terminal, so that it can be tried on any machine:
// what is written to the terminal's device is read from the port, and the other way round. Its points are a level that
// can be set and a count of bytes. Put your board in their place; the rest is what every HAL needs.
//
// All functions run on the lane of the instance, one at a time: nothing here needs a lock, and nothing may block.
#include <fcntl.h>
#include <stdlib.h>  // ptsname_r
#include <termios.h>
#include <unistd.h>
#include <dtu/sdk.hpp>
#include <dtu/sdk/json.hpp>

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include "schema.json.hpp"

namespace {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

constexpr int64_t kLevelMax = 100;

class TemplateName : public dtu::Component, public dtu::PortsIface, public dtu::PointsIface {
 public:
  // The configuration satisfies schema.json, with its defaults filled in. Only logging and look-ups are allowed here.
  TemplateName(dtu::Host host, std::string_view config) : Component(host), id_(dtu::Json(config)["port"].text()) {}

  // What dtud --check and a new configuration are told, without an instance: no socket and no device may be opened
  // here.
  static void check(std::string_view config, dtu::Findings& found) {
    found.offer("/port", "port:" + dtu::Json(config)["port"].text());  // every port: another one in uconf is an error
    found.offer("", "network:");                                       // none: an apn is refused
  }

  dtu_status start() override {
    line_ = Descriptor(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    std::array<char, 64> name{};
    if (line_.get() < 0 || grantpt(line_.get()) != 0 || unlockpt(line_.get()) != 0 ||
        ptsname_r(line_.get(), name.data(), name.size()) != 0)
      throw failure("the pseudo terminal");
    device_ = name.data();
    // Held open, so that the line does not hang up when a user closes it.
    far_end_ = Descriptor(::open(device_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    termios raw{};
    if (far_end_.get() < 0 || tcgetattr(far_end_.get(), &raw) != 0) throw failure(device_);
    cfmakeraw(&raw);
    if (tcsetattr(far_end_.get(), TCSANOW, &raw) != 0) throw failure(device_);
    host_.report(DTU_STATE_UP);
    return DTU_OK;
  }

  dtu_status stop(uint32_t /*deadline_ms*/) override {
    watch_.reset();  // before its descriptor
    far_end_ = Descriptor();
    line_ = Descriptor();
    return DTU_OK;
  }

  // --- ports ---------------------------------------------------------------------------------------------------------

  void list_ports(const PortsIface::Each& each) override {
    each({sizeof(dtu_port_info), 0, dtu::str(id_), dtu::str(device_), dtu::str("Pseudo terminal")});
  }

  dtu_status open(std::string_view id, const dtu_port_settings& settings, uint64_t key, void** port) override {
    if (id != id_) throw dtu::Failure(DTU_E_NOT_FOUND, "there is no port " + std::string(id) + ", only " + id_);
    if (watch_) throw dtu::Failure(DTU_E_INVALID, "port " + id_ + " is open already");
    if (settings.direction_gpio >= 0) throw dtu::Failure(DTU_E_UNSUPPORTED, "port " + id_ + " has no direction pin");
    key_ = key;  // what the host calls it
    *port = this;
    watch_.emplace(host_, line_.get(), DTU_FD_READ, [this](uint32_t events) { ready(events); });
    return DTU_OK;
  }

  void close(void* /*port*/) override {
    watch_.reset();
    read_.clear();
    unwritten_.clear();
  }

  // A message that was begun is taken: its rest is ours to write.
  dtu_status write(void* /*port*/, const dtu_msg* msgs, uint32_t n, uint32_t* taken) override {
    for (; *taken < n; ++*taken) {
      if (!unwritten_.empty()) return DTU_AGAIN;  // ready() tells when there is room
      unwritten_ = dtu::view(msgs[*taken].payload);
      write_rest();
    }
    return DTU_OK;
  }

  bool drained(void* /*port*/) override { return unwritten_.empty(); }

  // What is not read waits in the terminal, and its writer with it: nothing is lost when the host takes no more.
  uint32_t flags(void* /*port*/) override { return DTU_PORT_HOLDS; }

  // What emit refused can be given now.
  void writable(uint64_t /*source*/) override {
    if (!read_.empty() && host_.emit(key_, read_).again()) return;
    read_.clear();
    mind();
  }

  // --- points --------------------------------------------------------------------------------------------------------

  void list_points(const PointsIface::Each& each) override {
    each({sizeof(dtu_point_info), DTU_POINT_WRITABLE, dtu::str("template-name.level"), dtu::str("%"),
          dtu::str("Level")});
    each(
        {sizeof(dtu_point_info), 0, dtu::str("template-name.bytes"), dtu::str(""), dtu::str("Bytes read and written")});
  }

  dtu_status read_point(std::string_view name, uint64_t call) override {
    if (name == "template-name.level") return host_.reply(call, std::to_string(level_));
    if (name == "template-name.bytes") return host_.reply(call, std::to_string(bytes_));
    throw dtu::Failure(DTU_E_NOT_FOUND, "there is no point " + std::string(name));
  }

  dtu_status write_point(std::string_view name, std::string_view json, uint64_t call) override {
    if (name != "template-name.level") return PointsIface::write_point(name, json, call);
    const int64_t level = dtu::Json(json).integer();
    if (level < 0 || level > kLevelMax) throw dtu::Failure(DTU_E_INVALID, "template-name.level is 0 to 100");
    level_ = level;
    return host_.reply(call, "");
  }

 private:
  static dtu::Failure failure(const std::string& what) {
    return dtu::Failure::retryable(DTU_E_IO, what + ": " + std::generic_category().message(errno));
  }

  void ready(uint32_t events) {
    if ((events & DTU_FD_WRITE) != 0 && !unwritten_.empty()) {
      write_rest();
      if (unwritten_.empty()) host_.writable(key_);
    }
    if ((events & DTU_FD_READ) == 0 || !read_.empty()) return;
    std::array<char, 4096> bytes{};
    const ssize_t n = read(line_.get(), bytes.data(), bytes.size());
    if (n <= 0) return;
    bytes_ += static_cast<uint64_t>(n);
    const std::string_view chunk(bytes.data(), static_cast<size_t>(n));
    if (host_.emit(key_, chunk).again()) read_ = chunk;  // no room: read no more until writable()
    mind();
  }

  void write_rest() {
    const ssize_t n = ::write(line_.get(), unwritten_.data(), unwritten_.size());
    if (n > 0) {
      bytes_ += static_cast<uint64_t>(n);
      unwritten_.erase(0, static_cast<size_t>(n));
    }
    mind();
  }

  // Wakes us for what we can do something about, and for nothing else.
  void mind() {
    if (watch_) watch_->want((read_.empty() ? DTU_FD_READ : 0) | (unwritten_.empty() ? 0 : DTU_FD_WRITE));
  }

  std::string id_, device_, read_, unwritten_;
  Descriptor line_, far_end_;
  std::optional<dtu::FdWatch> watch_;
  uint64_t key_ = 0, bytes_ = 0;
  int64_t level_ = 0;
};

DTU_COMPONENT(template_name, TemplateName, DTU_KIND_HAL, "template-name", "A pseudo terminal as a board", schema_json,
              0, dtu::ports_iface<TemplateName>, dtu::points_iface<TemplateName>);

}  // namespace

DTU_PLUGIN("org.example.hal-template-name", "0.1.0", "Template Vendor", "Proprietary", "hal:template-name",
           &template_name);
