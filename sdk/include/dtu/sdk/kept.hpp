// What an instance keeps across restarts, in C++: small values (dtu.kv/1) and a folder (dtu.folder/1).
//
//   dtu::Kept kept_{host_};
//   const std::string secret = kept_.get("secret").value_or("");
//   kept_.set("secret", text, [this](dtu_status status) { if (status == DTU_OK) confirm(); });
//
// Not part of sdk.hpp: include it where it is used.
#pragma once
#include <dtu/services.h>
#include <dtu/sdk/host.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace dtu {

// All [lane]. A key is 1 to 64 of [A-Za-z0-9._-], a value up to 64 KiB, all together up to DTU_KV_MAX.
class Kept {
 public:
  // What became of a change: DTU_OK when it is on the disk, and survives a power cut. Not called after stop().
  using Done = std::function<void(dtu_status)>;

  explicit Kept(Host host) : host_(host), kv_(host.need<dtu_kv_service>(DTU_KV_SERVICE)) {}

  // The newest value that was set. Nothing: there is none, or it cannot be read (then dtud says why).
  [[nodiscard]] std::optional<std::string> get(std::string_view key) const {
    std::optional<std::string> value;
    const auto take = [](void* to, dtu_str text) { static_cast<std::optional<std::string>*>(to)->emplace(view(text)); };
    kv_.get(host_.instance(), str(key), take, &value);
    return value;
  }
  // False: it cannot be kept (see dtu_kv_service), and `done` is not called.
  bool set(std::string_view key, std::string_view value, Done done = nullptr) const {
    return change(key, value.data() != nullptr ? str(value) : dtu_str{"", 0}, std::move(done));
  }
  bool remove(std::string_view key, Done done = nullptr) const { return change(key, {}, std::move(done)); }

 private:
  struct Call {
    Host host;
    Done done;
  };
  bool change(std::string_view key, dtu_str value, Done done) const {
    dtu_kv_change change{sizeof change, 0, str(key), value, nullptr, nullptr, nullptr};
    if (done) {
      change.done = [](void* ctx, dtu_status status, const dtu_error*) { run(*static_cast<Call*>(ctx), status); };
      change.destroy = [](void* ctx) { std::unique_ptr<Call>(static_cast<Call*>(ctx)).reset(); };
      change.ctx = std::make_unique<Call>(Call{host_, std::move(done)}).release();
    }
    return kv_.change(host_.instance(), &change) >= DTU_OK;
  }
  static void run(const Call& call, dtu_status status) noexcept {
    dtu_error e{};
    if (guarded(&e, [&] { return call.done(status), DTU_OK; }) != DTU_OK)
      call.host.error(std::string("a kept value: ") + e.message);
  }
  Host host_;
  const dtu_kv_service& kv_;
};

// The folder of this instance; it is made when it is first asked for. Throws a Failure when that cannot be. [lane]
struct Folder {
  std::string path;  // absolute
  bool full;         // it holds more than its quota: delete something
};
inline Folder folder(Host host) {
  Folder folder;
  const auto take = [](void* to, dtu_str text) { *static_cast<std::string*>(to) = view(text); };
  const dtu_status status = host.need<dtu_folder_service>(DTU_FOLDER_SERVICE).path(host.instance(), take, &folder.path);
  folder.full = status == DTU_AGAIN;
  if (status != DTU_OK && !folder.full) throw Failure::retryable(status, "there is no folder for this instance");
  return folder;
}

}  // namespace dtu
