#include "fake_modem.hpp"

#include <dtu/commands.h>
#include <dtu/sdk/events.hpp>
#include <dtu/sdk/glue.hpp>

#include <utility>

namespace hal_ec600::test {
namespace {

Fit& next_fit() {
  static Fit fit;
  return fit;
}

class Board;
Board*& the_board() {
  static Board* board = nullptr;
  return board;
}

class Board : public dtu::Component, public dtu::CommandsIface {
 public:
  static constexpr dtu_event_info events[] = {dtu::event("sms.received", ""), dtu::state_event("firmware.progress", ""),
                                              dtu::event("modem.urc", "")};
  Board(dtu::Host host, std::string_view /*config*/) : Component(host), modem(host), fitting(next_fit()(host, modem)) {
    the_board() = this;
  }
  dtu_status stop(uint32_t /*deadline_ms*/) override {
    fitting->stop();
    return DTU_OK;
  }
  void list_commands(const Each& /*each*/) override {}
  dtu_status invoke(uint64_t call, std::string_view name, std::string_view args, const dtu_caller& /*by*/) override {
    if (fitting->invoke(call, name, args)) return DTU_OK;
    throw dtu::Failure(DTU_E_NOT_FOUND, "there is no command " + std::string(name));
  }

  FakeModem modem;
  std::unique_ptr<Fitting> fitting;
};

DTU_COMPONENT(board, Board, DTU_KIND_HAL, "fake", "A fake modem", R"({"type": "object"})", 0,
              dtu::commands_iface<Board>, dtu::events_iface<Board>);

}  // namespace

void FakeModem::start() {
  on("AT+CMEE?", {"+CMEE: 1", "OK"});
  engine.opened();
  engine.prove();
  play();
}

void FakeModem::play() {
  while (!out_.empty()) {
    const std::string bytes = std::move(out_.front());
    out_.pop_front();
    engine.received(bytes);
  }
}

size_t FakeModem::times(const std::string& begin) const {
  size_t n = 0;
  for (const std::string& c : commands) n += c.rfind(begin, 0) == 0 ? 1 : 0;
  return n;
}

void FakeModem::write(std::string_view bytes) {
  if (deaf) return;
  std::string line(bytes);
  if (!text_of_.empty()) {
    line.pop_back();  // 1A
    for (const std::string& l : on_text(std::exchange(text_of_, {}), line)) out_.push_back(l + "\r\n");
    return;
  }
  line.pop_back();
  command(line);
}

void FakeModem::command(const std::string& line) {
  commands.push_back(line);
  const Handler* best = nullptr;
  size_t longest = 0;
  for (const auto& [begin, handler] : handlers_)
    if (line.rfind(begin, 0) == 0 && begin.size() >= longest) best = &handler, longest = begin.size();
  for (const std::string& l : best != nullptr ? (*best)(line) : std::vector<std::string>{"OK"}) {
    if (l == "> ") text_of_ = line;
    out_.push_back(l == "> " ? "\r\n> " : l + "\r\n");
  }
}

void ServiceTest::use(Fit fit) {
  host_.use_fake_clock();
  next_fit() = std::move(fit);
  instance_.emplace(host_.create(board, "{}"));
  ASSERT_TRUE(*instance_) << instance_->error();
  ASSERT_EQ(instance_->start(), DTU_OK);
  modem().start();
}

FakeModem& ServiceTest::modem() { return the_board()->modem; }

std::string ServiceTest::call(const std::string& name, const std::string& args) {
  const dtu_caller caller{sizeof caller, DTU_CALLER_CONSOLE, 0, 0, dtu::str("console")};
  const dtu_invocation asked{sizeof asked, 0, ++call_, dtu::str(name), dtu::str(args), &caller};
  dtu_error error{};
  error.struct_size = sizeof error;
  if (instance_->iface<dtu_commands>(DTU_COMMANDS_IFACE)->invoke(instance_->self(), &asked, &error) != DTU_OK)
    return "error: " + std::string(error.message);
  modem().play();
  return answer();
}

std::string ServiceTest::answer() {
  for (const auto& reply : host_.replies())
    if (reply.call == call_) return reply.status == DTU_OK ? reply.json : "error: " + reply.error;
  return "no answer yet";
}

}  // namespace hal_ec600::test
