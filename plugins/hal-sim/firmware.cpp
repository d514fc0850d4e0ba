#include "firmware.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <fstream>
#include <sstream>
#include <utility>

namespace hal_sim {
namespace {

using Object = Poco::JSON::Object;

constexpr std::string_view kHeader = "dtukit-sim-firmware ";
constexpr const char* kKey = "firmware";
constexpr const char* kRejectedKey = "firmware.rejected";
constexpr int32_t kStep_percent = 10, kFails_percent = 50;

// What the file says of itself, else what the order says.
std::string version_in(const std::string& file, std::string_view ordered) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw dtu::Failure(DTU_E_IO, "the file " + file + " cannot be read");
  std::string line(kHeader.size() + 64, '\0');
  in.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<size_t>(in.gcount()));
  if (line.compare(0, kHeader.size(), kHeader) != 0) return std::string(ordered);
  return line.substr(kHeader.size(), line.find('\n') - kHeader.size());
}

}  // namespace

Firmware::Firmware(dtu::Host host, FirmwareConfig config, std::string version)
    : host_(host), config_(std::move(config)), versions_{std::move(version), std::string()} {}

void Firmware::load() {
  const auto* kv = host_.service<dtu_kv_service>(DTU_KV_SERVICE);
  std::string text;
  const auto take = [](void* to, dtu_str value) { static_cast<std::string*>(to)->assign(value.ptr, value.len); };
  if (kv == nullptr || kv->get(host_.instance(), dtu::str(kKey), take, &text) != DTU_OK) return;
  try {
    const auto o = Poco::JSON::Parser().parse(text).extract<Object::Ptr>();
    const std::array<std::string, 2> versions{o->getValue<std::string>("a"), o->getValue<std::string>("b")};
    const bool runs_b = o->getValue<bool>("runs_b"), tried = o->getValue<bool>("try_other");
    const bool confirmed = o->getValue<bool>("confirmed");
    package_ = o->optValue<std::string>("package", "");
    versions_ = versions;
    runs_ = runs_b ? 1 : 0;
    tried_ = tried;
    confirmed_ = confirmed;
  } catch (const std::exception& e) {
    const bool kept = dtu_kv_set(kv, host_.instance(), dtu::str(kRejectedKey), dtu::str(text)) >= DTU_OK;
    host_.warn("the stored state of the simulated flash (key " + std::string(kKey) + ") cannot be read: " + e.what() +
               "; the simulated flash starts empty" +
               (kept ? ", and the old state is kept as " + std::string(kRejectedKey) : ""));
  }
}

void Firmware::keep() {
  const auto* kv = host_.service<dtu_kv_service>(DTU_KV_SERVICE);
  if (kv == nullptr) return;
  Object o;
  o.set("a", versions_[0]);
  o.set("b", versions_[1]);
  o.set("runs_b", runs_ == 1);
  o.set("try_other", tried_);
  o.set("confirmed", confirmed_);
  o.set("package", package_);
  std::ostringstream text;
  o.stringify(text);
  const std::string all = text.str();
  if (dtu_kv_set(kv, host_.instance(), dtu::str(kKey), dtu::str(all)) < DTU_OK)
    throw dtu::Failure(DTU_E_IO, "the simulated flash cannot be written");
}

void Firmware::boot() {
  timer_.emplace(host_, [this] { step(); });
  load();
  rolled_back_ = false;
  if (std::exchange(tried_, false)) {
    rolled_back_ = config_.fail == "boot";
    if (!rolled_back_) runs_ = 1 - runs_;
    confirmed_ = rolled_back_;
  } else if (!confirmed_) {
    runs_ = 1 - runs_;
    rolled_back_ = confirmed_ = true;
  } else {
    return;  // nothing changes, so nothing is written
  }
  keep();
}

void Firmware::end() {
  if (installing_) host_.reply_error(installing_->call, DTU_E_CLOSED, "the simulated board was stopped");
  installing_.reset();
  timer_.reset();
}

std::string Firmware::facts() const {
  if (config_.fail == "facts") throw dtu::Failure(DTU_E_IO, "the simulated boot loader does not answer");
  Object firmware, package, all;
  firmware.set("version", version());
  firmware.set("slot", std::string(runs_ == 0 ? "A" : "B"));
  firmware.set("confirmed", confirmed_);
  firmware.set("rolled_back", rolled_back_);
  package.set("version", package_);
  all.set("firmware", firmware);
  all.set("package", package);
  std::ostringstream text;
  all.stringify(text);
  return text.str();
}

void Firmware::install(const dtu_firmware_image& image, uint64_t call) {
  const std::string kind(dtu::view(image.kind));
  if (kind != "firmware" && kind != "package")
    throw dtu::Failure(DTU_E_UNSUPPORTED, "the simulated board installs no " + kind);
  if (!timer_) throw dtu::Failure(DTU_E_CLOSED, "the simulated board is not started");
  if (installing_) throw dtu::Failure(DTU_E_INVALID, "the simulated board is installing already");
  installing_ = Installing{call, kind, version_in(std::string(dtu::view(image.file)), dtu::view(image.version)), 0};
  timer_->arm_ms(config_.install_ms / kStep_percent);
}

void Firmware::step() {
  if (!installing_) return;
  if (config_.fail == "hang") return;
  if (config_.fail == "install" && installing_->percent >= kFails_percent) {
    host_.reply_error(installing_->call, DTU_E_IO, "the simulated flash is worn out");
    return installing_.reset();
  }
  installing_->percent += kStep_percent;
  if (installing_->percent < 100) return timer_->arm_ms(config_.install_ms / kStep_percent);
  const Installing done = *std::exchange(installing_, std::nullopt);
  if (done.kind == "package") {
    package_ = done.version;
  } else {
    versions_.at(1 - runs_) = done.version;
    tried_ = true;
  }
  try {
    keep();
  } catch (const dtu::Failure& f) {
    host_.reply_error(done.call, f.code(), f.what());
    return;
  }
  const std::string restart = done.kind == "package" ? "none" : config_.restart;
  host_.reply(done.call, restart.empty() ? "" : "{\"restart\": \"" + restart + "\"}");
}

int32_t Firmware::progress(uint64_t call) const {
  return installing_ && installing_->call == call ? installing_->percent : -1;
}

void Firmware::cancel(uint64_t call) {
  if (!installing_ || installing_->call != call) return;
  host_.reply_error(call, DTU_E_CLOSED, "the installation was cancelled");
  installing_.reset();
}

void Firmware::mark_good(std::string_view kind) {
  if (kind != "firmware") throw dtu::Failure(DTU_E_UNSUPPORTED, std::string(kind) + " needs no mark");
  if (config_.fail == "confirm") throw dtu::Failure(DTU_E_IO, "the simulated boot loader takes no mark");
  if (std::exchange(confirmed_, true)) return;
  keep();
}

}  // namespace hal_sim
