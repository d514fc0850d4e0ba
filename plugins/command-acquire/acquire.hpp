// The component: reads the device document, asks the server it names, and has the answer set (D12).
//   config.get -> device.imei -> GET -> config.change, one at a time; each step ends in the next or in finish().
#pragma once
#include <dtu/kit/http/client.hpp>
#include <dtu/sdk.hpp>
#include <dtu/sdk/calls.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source.hpp"

namespace command_acquire {

class Acquire : public dtu::Component, public dtu::CommandsIface {
 public:
  Acquire(dtu::Host host, std::string_view config);
  static void check(std::string_view config, dtu::Findings& found);

  dtu_status start() override;
  dtu_status stop(uint32_t deadline_ms) override;
  std::string health() override;
  void list_commands(const Each& each) override;
  dtu_status invoke(uint64_t call, std::string_view name, std::string_view args, const dtu_caller& caller) override;
  void cancel(uint64_t call) override;

 private:
  struct Settings {
    http::Tls tls;
    uint32_t timeout_ms = 0;
  };
  [[nodiscard]] static Settings read(std::string_view config);
  enum class Next : uint8_t { soon, hour, day };  // when to ask again by itself
  using Step = void (Acquire::*)(const dtu::Answer&);

  void tick();
  void begin();
  void config_is(const dtu::Answer& answer);
  void imei_is(const dtu::Answer& answer);
  void answered(const http::Answer& answer);
  void offered(const std::string& document);
  void changed(const dtu::Answer& answer);
  void quit(Next next, const std::string& why);                   // nothing could be taken
  void finish(Next next, bool updated, const std::string& text);  // the server was asked, and answered as it should
  void done(Next next, const std::string& text);
  [[nodiscard]] dtu::Then then(Step step);
  void run_command(const char* name, const std::string& args, Step step);
  [[nodiscard]] std::vector<uint64_t> take_calls();

  const Settings settings_;
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<dtu::Timer> tick_;
  std::vector<uint64_t> calls_;  // of parameters.acquire, not answered yet
  bool busy_ = false;
  dtu::Call asked_;          // of the host, for the step under way
  Source source_;            // as just read
  std::string asked_url_;    // by itself, last time; "" = service_acquire was off since
  int64_t due_ns_ = 0;       // when to ask that again
  std::string new_version_;  // being set
  std::string last_;         // what came of it the last time
};

}  // namespace command_acquire
