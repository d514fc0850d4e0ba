// The values of placeholders (placeholders.hpp), read from the points of the board. Nothing here blocks.
//
//   dtu::HostPlaceholders values_{host_};             // a member: it lives as long as the instance
//   values_.read(topic.uses(), [this](const dtu::PlaceholderValues& v) { connect(topic.fill(v)); });
//
// Not part of sdk.hpp: include it where it is used.
#pragma once
#include <dtu/sdk/calls.hpp>
#include <dtu/sdk/json.hpp>
#include <dtu/sdk/placeholder_reader.hpp>

namespace dtu {

// Through the services of the host.
class HostPlaceholders final : public PlaceholderReader {
 public:
  explicit HostPlaceholders(Host host) : host_(host), timer_(host, [this] { due(); }) {}

 private:
  dtu_status ask(size_t which) override {
    // `version` of the device document goes before the board's.
    const bool of_document = static_cast<Placeholder>(which) == Placeholder::ver;
    return of_document && ask_document(which) == DTU_OK ? DTU_OK : read_point(which);
  }
  dtu_status ask_document(size_t which) {
    return keep(which, dtu::ask(host_, "config.get", {}, [this, which](const Answer& a) { document_is(which, a); }));
  }
  void document_is(size_t which, const Answer& answer) {
    std::string version;
    dtu_error error{};
    if (answer.ok()) guarded(&error, [&] { return version = std::string(Json(answer.json)["version"].raw()), DTU_OK; });
    if (!version.empty() && version != "null" && version != "\"\"") return answered(which, DTU_OK, version);
    if (const dtu_status status = read_point(which); status != DTU_OK) answered(which, status, {});
  }
  dtu_status read_point(size_t which) {
    return keep(which, dtu::read_point(host_, kPoints[which],
                                       [this, which](const Answer& a) { answered(which, a.status, a.json); }));
  }
  dtu_status keep(size_t which, Call call) {
    const dtu_status status = call.status();
    calls_[which] = std::move(call);
    return status;
  }

  void arm(int64_t delay_ns) override { timer_.arm_us(static_cast<uint64_t>(delay_ns) / 1000 + 1); }
  void disarm() override { timer_.disarm(); }
  int64_t now_ns() override { return host_.monotonic_ns(); }
  void warn(const std::string& text) override { host_.warn(text); }

  Host host_;
  Timer timer_;
  std::array<Call, kReadable> calls_;
};

}  // namespace dtu
