// A linux HAL in a test host.
#pragma once
#include <Poco/JSON/Parser.h>
#include <dtu/ports.h>
#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>

#include "far_end.hpp"
#include "host/test_host.hpp"

namespace hal_linux::test {

using dtu::test::FarEnd;
using dtu::test::Instance;
using dtu::test::make_pty;
using dtu::test::TempDir;
using dtu::test::TestHost;
using testing::HasSubstr;

constexpr uint64_t kKey = 77;
inline dtu_port_settings settings(uint32_t baud = 115200) {
  return {sizeof(dtu_port_settings), baud, 8, DTU_PARITY_NONE, 1, DTU_FLOW_NONE, -1, 1};
}

class HalTest : public testing::Test {
 protected:
  void use(const std::string& config) {
    hal_.emplace(host_.create(*DTU_ENTRY.components[0], config));
    ASSERT_TRUE(*hal_) << hal_->error();
    ASSERT_EQ(hal_->start(), DTU_OK);
  }
  // One port "1" on this device; `more` is the rest of its configuration.
  void use_device(const std::string& device, const std::string& more = "") {
    use(R"({"ports": {"1": {"device": ")" + device + "\"" + more + "}}}");
  }
  [[nodiscard]] const dtu_ports& ports() const { return *hal_->iface<dtu_ports>(DTU_PORTS_IFACE); }
  dtu_status open(const dtu_port_settings& s = settings(), uint64_t key = kKey, const char* id = "1") {
    error_ = {};
    return ports().open(hal_->self(), {id, std::char_traits<char>::length(id)}, &s, key, &port_, &error_);
  }
  dtu::test::Sent write(const std::vector<std::string>& payloads) {
    std::vector<dtu::test::Message> messages(payloads.size());
    for (size_t i = 0; i < payloads.size(); ++i) messages[i].payload = payloads[i];
    return hal_->write(port_, std::move(messages));
  }
  // A pty whose slave is port "1", open.
  void use_pty() {
    far_ = std::make_unique<FarEnd>(make_pty(&device_));
    use_device(device_);
    ASSERT_EQ(open(), DTU_OK) << error_.message;
  }
  bool receives(size_t bytes) {
    return host_.run_until(
        [&] {
          far_->pump();
          return far_->received().size() >= bytes;
        },
        std::chrono::seconds(60));
  }
  bool becomes(int32_t state, uint64_t key = kKey) {
    return host_.run_until([&] { return host_.state(*hal_, key) == state; });
  }
  std::string last_report() { return host_.reports().empty() ? "" : host_.reports().back().text; }
  Poco::JSON::Object::Ptr health(const std::string& port = "1") {
    const auto root = Poco::JSON::Parser().parse(hal_->health()).extract<Poco::JSON::Object::Ptr>();
    return root->getObject("ports")->getObject(port);
  }

  TestHost host_;
  std::optional<Instance> hal_;
  std::string device_;
  std::unique_ptr<FarEnd> far_;
  void* port_ = nullptr;
  dtu_error error_{};
};

}  // namespace hal_linux::test
