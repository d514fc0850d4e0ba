// A component with nothing but the AT engine, before a modem that a test scripts. The modem answers when play() is
// called, never within write(): as a real one does.
#pragma once
#include <gmock/gmock.h>
#include <dtu/sdk/component.hpp>
#include <dtu/sdk/host.hpp>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "at_engine.hpp"
#include "host/test_host.hpp"

namespace hal_ec600::test {

using dtu::test::Instance;
using dtu::test::TestHost;
using testing::HasSubstr;

class FakeModem : public AtLine, public AtListener {
 public:
  explicit FakeModem(dtu::Host host) : host_(host) {}

  // Gets a command, answers the lines and the final result, each behind the other. Or "> " to take text up to 1A.
  using Handler = std::function<std::vector<std::string>(const std::string& command)>;
  void on(const std::string& begin, Handler handler) { handlers_[begin] = std::move(handler); }
  void on(const std::string& begin, std::vector<std::string> lines) {
    on(begin, [lines = std::move(lines)](const std::string&) { return lines; });
  }
  std::function<std::vector<std::string>(const std::string& command, const std::string& text)> on_text;

  void start();                        // proves the engine
  void play();                         // until nothing more is said
  void say(const std::string& line) {  // by itself
    out_.push_back(line + "\r\n");
    play();
  }
  [[nodiscard]] size_t times(const std::string& begin) const;  // how many commands begin so

  AtEngine engine{*this, *this};
  std::vector<std::string> commands;
  bool deaf = false;  // answers nothing
  int restarts = 0;

 private:
  void write(std::string_view bytes) override;
  int64_t now_ms() override { return host_.monotonic_ns() / 1'000'000; }
  void wake_in(uint64_t /*ms*/) override {}
  void on_unknown(std::string_view /*line*/) override {}
  void on_restart() override { ++restarts; }
  void on_silent() override {}
  void on_proved() override {}
  void command(const std::string& line);

  dtu::Host host_;
  std::map<std::string, Handler> handlers_;
  std::deque<std::string> out_;
  std::string text_of_;  // the command whose text comes
};

// What a test puts on the engine: made with the component, gone before it.
class Fitting {
 public:
  virtual ~Fitting() = default;
  virtual bool invoke(uint64_t call, std::string_view name, std::string_view args) = 0;
  virtual void stop() {}
};
using Fit = std::function<std::unique_ptr<Fitting>(dtu::Host, FakeModem&)>;

// Runs one component whose fitting is made by `fit`.
class ServiceTest : public testing::Test {
 protected:
  void use(Fit fit);
  [[nodiscard]] FakeModem& modem();
  // The JSON answered, "error: text", or "no answer yet".
  std::string call(const std::string& name, const std::string& args);
  std::string answer();  // to the last call
  void run(int ms) {     // time passes
    for (; ms > 0; ms -= 100) {
      host_.advance(std::chrono::milliseconds(std::min(ms, 100)));
      modem().engine.tick();
      modem().play();
    }
  }

  TestHost host_;
  std::optional<Instance> instance_;
  uint64_t call_ = 0;
};

}  // namespace hal_ec600::test
