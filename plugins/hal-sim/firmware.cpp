#include "firmware.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
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
std::string version_in(std::ifstream& in, const std::string& ordered) {
  std::string line(kHeader.size() + 64, '\0');
  in.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<size_t>(in.gcount()));
  in.clear();
  in.seekg(0);
  if (line.compare(0, kHeader.size(), kHeader) != 0) return ordered;
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

void Firmware::install(const dtu::FirmwareImage& image, uint64_t call) {
  if (image.kind != "firmware" && image.kind != "package")
    throw dtu::Failure(DTU_E_UNSUPPORTED, "the simulated board installs no " + image.kind);
  if (!timer_) throw dtu::Failure(DTU_E_CLOSED, "the simulated board is not started");
  if (installing_) throw dtu::Failure(DTU_E_INVALID, "the simulated board is installing already");
  std::ifstream file(image.file, std::ios::binary);
  if (!file) throw dtu::Failure(DTU_E_IO, "the file " + image.file + " cannot be read");
  installing_.emplace();
  installing_->call = call;
  installing_->image = image;
  installing_->version = version_in(file, image.version);
  installing_->file = std::move(file);
  dtu::tell_firmware_progress(events_, 0);
  timer_->arm_ms(config_.install_ms / kStep_percent);
}

void Firmware::step() {
  if (!installing_ || config_.fail == "hang") return;
  if (config_.fail == "install" && installing_->percent >= kFails_percent)
    return fail(DTU_E_IO, "the simulated flash is worn out");
  installing_->percent += kStep_percent;
  write_up_to(installing_->image.size * static_cast<uint64_t>(installing_->percent) / 100);
  dtu::tell_firmware_progress(events_, installing_->percent);
  if (installing_->percent < 100) return timer_->arm_ms(config_.install_ms / kStep_percent);
  if (const std::string why = why_damaged(); !why.empty()) return fail(DTU_E_IO, why);
  finish();
}

// The simulated flash keeps nothing of it but the version.
void Firmware::write_up_to(uint64_t bytes) {
  std::array<char, 4096> part{};
  while (installing_->bytes < bytes) {
    const uint64_t most = std::min<uint64_t>(part.size(), bytes - installing_->bytes);
    installing_->file.read(part.data(), static_cast<std::streamsize>(most));
    const auto n = static_cast<size_t>(installing_->file.gcount());
    if (n == 0) return;
    installing_->written.update({part.data(), n});
    installing_->bytes += n;
  }
}

std::string Firmware::why_damaged() {
  const dtu::FirmwareImage& image = installing_->image;
  const bool longer = installing_->file.peek() != std::ifstream::traits_type::eof();
  if (longer || installing_->bytes != image.size)
    return "the file has " + std::string(longer ? "more" : "less") + " than the " + std::to_string(image.size) +
           " bytes that were announced: nothing is installed";
  const std::string digest = installing_->written.hex();
  return digest == image.sha256
             ? ""
             : "the SHA-256 of what was written is " + digest + ", not " + image.sha256 + ": nothing is installed";
}

void Firmware::finish() {
  const uint64_t call = installing_->call;
  const bool package = installing_->image.kind == "package";
  (package ? package_ : versions_.at(1 - runs_)) = installing_->version;
  if (!package) tried_ = true;
  try {
    keep();
  } catch (const dtu::Failure& f) {
    return fail(f.code(), f.what());
  }
  const std::string restart = package ? "none" : config_.restart;
  installing_.reset();
  host_.reply(call, restart.empty() ? "" : "{\"restart\": \"" + restart + "\"}");
  dtu::tell_firmware_progress(events_, -1);
}

void Firmware::fail(dtu_status status, const std::string& why) {
  const uint64_t call = installing_->call;
  installing_.reset();
  host_.reply_error(call, status, why);
  dtu::tell_firmware_progress(events_, -1);
}

void Firmware::cancel() {
  if (installing_) fail(DTU_E_CLOSED, "the installation was cancelled");
}

void Firmware::cancel(uint64_t call) {
  if (installing_ && installing_->call == call) cancel();
}

void Firmware::mark_good(std::string_view kind) {
  if (kind != "firmware") throw dtu::Failure(DTU_E_UNSUPPORTED, std::string(kind) + " needs no mark");
  if (config_.fail == "confirm") throw dtu::Failure(DTU_E_IO, "the simulated boot loader takes no mark");
  if (std::exchange(confirmed_, true)) return;
  keep();
}

}  // namespace hal_sim
