// A channel of type template-name. As it stands, it is a drop box in a folder: what the DTU sends is appended to the
// file template-name.up, a line a message, and what somebody writes into the FIFO template-name.down comes to the ports
// that are bound to the channel. Put your cloud in their place; the rest is what every channel needs.
//
// All functions run on the lane of the instance, one at a time: nothing here needs a lock, and nothing may block.
#include <fcntl.h>
#include <sys/stat.h>
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

class TemplateName : public dtu::Component, public dtu::ChannelIface {
 public:
  // The configuration satisfies schema.json, with its defaults filled in. Only logging and look-ups are allowed here.
  TemplateName(dtu::Host host, std::string_view config)
      : Component(host), folder_(dtu::Json(config)["folder"].text()) {}

  // What dtud --check and a new configuration are told, without an instance: no socket and no device may be opened
  // here.
  static void check(std::string_view config, dtu::Findings& found) {
    const std::string folder = dtu::Json(config)["folder"].text();
    if (access(folder.c_str(), W_OK) != 0)
      found.warning("/folder", folder + " cannot be written to now: make it, or name another folder");
    found.claim("/folder", "template-name:" + folder);  // two channels would write into one file
  }

  dtu_status start() override {
    const std::string up = folder_ + "/template-name.up", down = folder_ + "/template-name.down";
    up_ = opened(up, O_WRONLY | O_APPEND | O_CREAT);
    if (mkfifo(down.c_str(), S_IRUSR | S_IWUSR) != 0 && errno != EEXIST) throw failure(down);
    down_ = opened(down, O_RDWR | O_NONBLOCK);  // for writing too: then it never ends when a writer goes
    struct stat is {};
    if (fstat(down_.get(), &is) != 0 || !S_ISFIFO(is.st_mode))
      throw dtu::Failure(DTU_E_INVALID, down + " is there and is no FIFO: remove it");
    watch_.emplace(host_, down_.get(), DTU_FD_READ, [this](uint32_t) { receive(); });
    count_metrics();
    host_.report(DTU_STATE_UP);  // from now on messages are sent
    return DTU_OK;
  }

  dtu_status stop(uint32_t /*deadline_ms*/) override {
    watch_.reset();  // before its descriptor
    down_ = Descriptor();
    up_ = Descriptor();
    return DTU_OK;
  }

  // Takes messages in order; each one taken is completed once, here at once, with most clouds later. What is not taken,
  // or not completed with DTU_OK, the host keeps and sends again.
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override {
    for (; *taken < n; ++*taken) {
      const std::string line = std::string(dtu::view(msgs[*taken].payload)) + "\n";
      if (write(up_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        const dtu::Failure why = failure("template-name.up");
        host_.report(DTU_STATE_FAILED, why.code(), why.what());  // the host starts this instance again, with back-off
        throw dtu::Failure(why);
      }
      host_.complete(msgs[*taken].token, DTU_OK);
      ++sent_;
      if (metrics_ != nullptr) metrics_->increase(host_.instance(), metric_, 1);
    }
    return DTU_OK;
  }

  // What emit refused can be given now.
  void writable(uint64_t /*source*/) override {
    if (!waiting_.empty() && host_.emit(0, waiting_).again()) return;
    waiting_.clear();
    if (watch_) watch_->want(DTU_FD_READ);
  }

  // Shown by `dtuctl channels --json`: one JSON object.
  std::string health() override {
    return "{\"sent\":" + std::to_string(sent_) + ",\"received\":" + std::to_string(received_) + "}";
  }

 private:
  static dtu::Failure failure(const std::string& what) {
    return dtu::Failure::retryable(DTU_E_IO, what + ": " + std::generic_category().message(errno));
  }
  static Descriptor opened(const std::string& path, int flags) {
    Descriptor file(open(path.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (file.get() < 0) throw failure(path);
    return file;
  }

  void receive() {
    std::array<char, 4096> bytes{};
    const ssize_t n = read(down_.get(), bytes.data(), bytes.size());
    if (n <= 0) return;
    ++received_;
    const std::string_view message(bytes.data(), static_cast<size_t>(n));
    if (!host_.emit(0, message).again()) return;  // taken, or refused for good
    waiting_ = message;                           // no room: read no more until writable()
    watch_->want(0);
  }

  void count_metrics() {
    metrics_ = host_.service<dtu_metrics_service>(DTU_METRICS_SERVICE);
    if (metrics_ == nullptr) return;  // a host without it: the channel works all the same
    const bool counts = metrics_->add(host_.instance(), DTU_METRIC_COUNTER, dtu::str("template_name_messages"),
                                      dtu::str("Messages written"), &metric_) == DTU_OK;
    if (!counts) metrics_ = nullptr;
  }

  std::string folder_, waiting_;
  Descriptor up_, down_;
  std::optional<dtu::FdWatch> watch_;
  const dtu_metrics_service* metrics_ = nullptr;
  uint64_t metric_ = 0, sent_ = 0, received_ = 0;
};

DTU_COMPONENT(template_name, TemplateName, DTU_KIND_CHANNEL, "template-name", "Drop box in a folder", schema_json, 0,
              dtu::channel_iface<TemplateName>);

}  // namespace

DTU_PLUGIN("org.example.channel-template-name", "0.1.0", "Template Vendor", "Proprietary", "channel:template-name",
           &template_name);
