// The values of placeholders (placeholders.hpp), read from the points of the board. Nothing here blocks.
//
//   dtu::HostPlaceholders values_{host_};             // a member: it lives as long as the instance
//   values_.read(topic.uses(), [this](const dtu::PlaceholderValues& v) { connect(topic.fill(v)); });
//
// Not part of sdk.hpp: include it where it is used.
#pragma once
#include <dtu/sdk/host.hpp>
#include <dtu/sdk/json.hpp>
#include <dtu/sdk/placeholder_reader.hpp>

namespace dtu {

// Through the services of the host.
class HostPlaceholders final : public PlaceholderReader {
 public:
  explicit HostPlaceholders(Host host) : host_(host), timer_(host, [this] { due(); }) {
    for (size_t i = 0; i < kReadable; ++i) asked_[i] = {this, i};
  }

 private:
  struct Asked {
    HostPlaceholders* owner = nullptr;
    size_t which = 0;
  };

  dtu_status ask(size_t which) override {
    const auto* invoke = host_.service<dtu_invoke_service>(DTU_INVOKE_SERVICE);
    if (invoke == nullptr) return DTU_E_UNSUPPORTED;
    if (static_cast<Placeholder>(which) == Placeholder::ver && ask_document(*invoke, which)) return DTU_OK;
    return read_point(which);
  }
  // `version` of the device document goes before the board's.
  bool ask_document(const dtu_invoke_service& invoke, size_t which) {
    dtu_request request{};
    request.struct_size = sizeof request;
    request.caller = DTU_CALLER_SELF;
    request.command = str("config.get");
    request.code = -1;
    request.done = [](void* ctx, const dtu_answer* answer) noexcept {
      caught(ctx, [&](HostPlaceholders& self, size_t which) { self.document_is(which, *answer); });
    };
    request.ctx = &asked_[which];
    return invoke.invoke(host_.instance(), &request, nullptr, nullptr) == DTU_OK;
  }
  void document_is(size_t which, const dtu_answer& answer) {
    std::string version;
    dtu_error error{};
    if (answer.status == DTU_OK)
      guarded(&error, [&] { return version = std::string(Json(view(answer.json))["version"].raw()), DTU_OK; });
    if (!version.empty() && version != "null" && version != "\"\"") return answered(which, DTU_OK, version);
    if (const dtu_status status = read_point(which); status != DTU_OK) answered(which, status, {});
  }
  dtu_status read_point(size_t which) {
    const auto* invoke = host_.service<dtu_invoke_service>(DTU_INVOKE_SERVICE);
    if (invoke == nullptr) return DTU_E_UNSUPPORTED;
    const auto done = [](void* ctx, const dtu_answer* answer) noexcept {
      caught(ctx,
             [&](HostPlaceholders& self, size_t which) { self.answered(which, answer->status, view(answer->json)); });
    };
    const dtu_point_request request{sizeof request, 0, str(kPoints[which]), {}, done, nullptr, &asked_[which]};
    return invoke->read_point(host_.instance(), &request, nullptr, nullptr);
  }
  template <typename Body>
  static void caught(void* ctx, const Body& body) noexcept {
    const Asked& asked = *static_cast<Asked*>(ctx);
    dtu_error error{};
    const dtu_status status = guarded(&error, [&] { return body(*asked.owner, asked.which), DTU_OK; });
    if (status != DTU_OK) asked.owner->host_.error(std::string("values of placeholders: ") + error.message);
  }

  void arm(int64_t delay_ns) override { timer_.arm_us(static_cast<uint64_t>(delay_ns) / 1000 + 1); }
  void disarm() override { timer_.disarm(); }
  int64_t now_ns() override { return host_.monotonic_ns(); }
  void warn(const std::string& text) override { host_.warn(text); }

  Host host_;
  Timer timer_;
  std::array<Asked, kReadable> asked_{};
};

}  // namespace dtu
