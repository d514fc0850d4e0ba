// A simulated board in a test host.
#pragma once
#include <dtu/commands.h>
#include <dtu/points.h>
#include <dtu/ports.h>
#include <gmock/gmock.h>
#include <dtu/sdk/text.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/test_host.hpp"

namespace hal_sim::test {

using dtu::test::Instance;
using dtu::test::TestHost;
using testing::HasSubstr;

class SimTest : public testing::Test {
 protected:
  void use(const std::string& config) {
    sim_.emplace(host_.create(*DTU_ENTRY.components[0], config));
    ASSERT_TRUE(*sim_) << sim_->error();
    ASSERT_EQ(sim_->start(), DTU_OK) << sim_->error();
  }
  [[nodiscard]] const dtu_points& points() const { return *sim_->iface<dtu_points>(DTU_POINTS_IFACE); }
  [[nodiscard]] const dtu_ports& ports() const { return *sim_->iface<dtu_ports>(DTU_PORTS_IFACE); }
  [[nodiscard]] const dtu_commands& commands() const { return *sim_->iface<dtu_commands>(DTU_COMMANDS_IFACE); }

  // The JSON answered at once, or "status: text".
  std::string read(const std::string& name) {
    return answer(points().read(sim_->self(), dtu::str(name), ++call_, &error_));
  }
  std::string write(const std::string& name, const std::string& json) {
    return answer(points().write(sim_->self(), dtu::str(name), dtu::str(json), ++call_, &error_));
  }
  std::string await(const std::string& name, const std::string& json) {
    return answer(points().await(sim_->self(), dtu::str(name), dtu::str(json), ++call_, &error_));
  }
  std::string answer_of(uint64_t call) {
    for (const auto& reply : host_.replies())
      if (reply.call == call) return reply.json;
    return "no answer yet";
  }
  std::string invoke(const std::string& name, const std::string& args) {
    const dtu_caller caller{sizeof caller, DTU_CALLER_CONSOLE, 0, 0, dtu::str("console")};
    const dtu_invocation asked{sizeof asked, 0, ++call_, dtu::str(name), dtu::str(args), &caller};
    return answer(commands().invoke(sim_->self(), &asked, &error_));
  }
  std::string answer(dtu_status status) {
    if (status != DTU_OK) return std::to_string(status) + ": " + error_.message;
    if (host_.replies().empty() || host_.replies().back().call != call_) return "no answer yet";
    return host_.replies().back().json;
  }
  static std::string failed(dtu_status status, const std::string& text) { return std::to_string(status) + ": " + text; }

  std::map<std::string, bool> listed_points() {  // name -> writable
    std::map<std::string, bool> all;
    const auto each = [](void* ctx, const dtu_point_info* i) {
      (*static_cast<std::map<std::string, bool>*>(ctx))[std::string(dtu::view(i->name))] =
          (i->flags & DTU_POINT_WRITABLE) != 0;
    };
    EXPECT_EQ(points().list(sim_->self(), each, &all, nullptr), DTU_OK);
    return all;
  }

  TestHost host_;
  std::optional<Instance> sim_;
  uint64_t call_ = 0;
  dtu_error error_{};
};

}  // namespace hal_sim::test
