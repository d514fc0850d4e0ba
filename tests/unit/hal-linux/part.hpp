// A host for one part of the HAL, which the test makes and ends itself.
#pragma once
#include <gmock/gmock.h>
#include <dtu/sdk/component.hpp>
#include <dtu/sdk/events.hpp>

#include <optional>
#include <string>

#include "host/test_host.hpp"
#include "net/network.hpp"
#include "wifi/wifi.hpp"

namespace hal_linux::test {

using dtu::test::Instance;
using dtu::test::TestHost;
using testing::HasSubstr;

class Bare : public dtu::Component, public dtu::PointsIface {
 public:
  static constexpr dtu_event_info events[] = {network_changed_event, wifi_changed_event};
  Bare(dtu::Host host, std::string_view /*config*/) : Component(host) {}
  void list_points(const Each& /*each*/) override {}
  dtu_status read_point(std::string_view /*name*/, uint64_t /*call*/) override { return DTU_E_NOT_FOUND; }
  [[nodiscard]] dtu::Host host() const { return host_; }
};
DTU_COMPONENT(bare, Bare, DTU_KIND_HAL, "bare", "Host of a part", R"({"type": "object"})", 0, dtu::points_iface<Bare>,
              dtu::events_iface<Bare>);

class PartTest : public testing::Test {
 protected:
  void SetUp() override {
    instance_.emplace(test_host_.create(bare, "{}"));
    ASSERT_TRUE(*instance_) << instance_->error();
    ASSERT_EQ(instance_->start(), DTU_OK);
  }
  [[nodiscard]] dtu::Host host() const { return static_cast<Bare*>(instance_->self())->host(); }
  // The answer to a call, JSON or the text of the failure.
  std::string answer(uint64_t call) {
    const dtu::test::Reply* found = nullptr;
    const auto there = [&] {
      for (const auto& reply : test_host_.replies())
        if (reply.call == call) found = &reply;
      return found != nullptr;
    };
    if (!test_host_.run_until(there, std::chrono::seconds(20))) return "no answer";
    return found->status == DTU_OK ? found->json : found->error;
  }

  TestHost test_host_;
  std::optional<Instance> instance_;
};

}  // namespace hal_linux::test
