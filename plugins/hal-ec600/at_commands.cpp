#include "at_commands.hpp"

#include <dtu/sdk/json.hpp>

#include <deque>

namespace hal_ec600 {
namespace {

constexpr uint32_t kLongMs = 10'000;

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t more = lead < 0x80                   ? 0
                        : lead >= 0xC2 && lead < 0xE0 ? 1
                        : (lead & 0xF0U) == 0xE0      ? 2
                        : lead >= 0xF0 && lead < 0xF5 ? 3
                                                      : 4;
    if (more == 4 || i + more >= text.size()) return false;
    for (size_t k = 1; k <= more; ++k)
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0U) != 0x80) return false;
    const auto second = more > 0 ? static_cast<unsigned char>(text[i + 1]) : 0U;
    // Overlong forms, surrogates, and above U+10FFFF.
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
        (lead == 0xF4 && second > 0x8F))
      return false;
    i += more + 1;
  }
  return true;
}

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4U];
    out += kDigits[static_cast<unsigned char>(c) & 0xFU];
  }
  return out;
}

// Lines with the prefix of one of its parts belong to a command, and those without a prefix.
std::vector<AtForm> forms_of(std::string_view command, const std::string& expect) {
  std::vector<AtForm> forms{{"~", "", true}};
  for (size_t at = command.find_first_of("+^"); at != std::string_view::npos;
       at = command.find_first_of("+^", at + 1)) {
    if (at > 2 && command[at - 1] != ';') continue;
    const size_t end = std::min(command.find_first_of("=?;", at), command.size());
    forms.push_back({std::string(command.substr(at, end - at)) + ": *", "", true});
  }
  if (const size_t colon = expect.find(':'); colon != std::string::npos)
    forms.push_back({expect.substr(0, colon) + ": *", "", true});
  return forms;
}

}  // namespace

std::string line_as_json(std::string_view line) {
  return is_utf8(line) ? "{\"line\":" + dtu::quoted(line) + "}" : "{\"hex\":\"" + hex(line) + "\"}";
}

struct AtCommands::Step {
  std::string send, expect, data;
  bool has_data = false;
  uint32_t timeout_ms = 0;
};
struct AtCommands::Transaction {
  uint64_t call = 0;  // 0: nobody waits any more
  std::deque<Step> steps;
  Step now;
  std::string json = "\"steps\":[";
};

void AtCommands::run(uint64_t call, std::string_view args) {
  if (running_) throw dtu::Failure::retryable(DTU_E_IO, "the AT port is busy with another modem.at");
  if (!modem_.is_ready()) throw dtu::Failure::retryable(DTU_E_IO, "the modem is not ready: " + modem_.trouble());
  if (const uint32_t ms = modem_.engine().busy_ms(); ms > kLongMs)
    throw dtu::Failure::retryable(DTU_E_IO, "the AT port is busy with " + modem_.engine().busy_with() + " for up to " +
                                                std::to_string(ms / 1000) + " s");
  auto t = std::make_shared<Transaction>();
  t->call = call;
  dtu::Json(args)["steps"].each([&](std::string_view, const dtu::Json& step) {
    t->steps.push_back({step["send"].text(), step["expect"].text(), step["data"].text(), step["data"].exists(),
                        static_cast<uint32_t>(step["timeout_ms"].integer())});
  });
  running_ = t;
  next(t);
}

void AtCommands::cancel(uint64_t call) {
  if (running_ && running_->call == call) running_->call = 0;  // the step under way ends by itself
}

void AtCommands::next(const std::shared_ptr<Transaction>& t) {
  const bool first = t->json.back() == '[';
  t->now = std::move(t->steps.front());
  t->steps.pop_front();
  AtExchange exchange;
  exchange.command = t->now.send;
  exchange.timeout_ms = t->now.timeout_ms;
  exchange.forms = forms_of(t->now.send, t->now.expect);
  exchange.sim_busy_ms = 0;
  if (t->now.has_data) exchange.prompt = AtPrompt{t->now.data};
  if (const std::string& e = t->now.expect; !e.empty() && e.find(':') == std::string::npos && e != "OK" && e != ">")
    exchange.ends = {{e, AtEnd::ok}};
  exchange.done = [this, t](const AtResult& r) { took(t, r); };
  if (modem_.engine().submit(std::move(exchange), first ? AtPlace::last : AtPlace::next) != 0) return;
  running_.reset();
  host_.reply_error(t->call, DTU_E_IO, modem_.engine().refusal(), DTU_ERR_RETRYABLE);
}

void AtCommands::took(const std::shared_ptr<Transaction>& t, const AtResult& r) {
  std::string error = r.text;
  const bool with_line = t->now.expect.find(':') != std::string::npos;
  if (r.ok() && with_line && r.line(t->now.expect).empty()) error = "no line begins with " + t->now.expect;
  if (t->json.back() != '[') t->json += ',';
  t->json += "{\"lines\":[";
  for (size_t i = 0; i < r.lines.size(); ++i) (t->json += i == 0 ? "" : ",") += line_as_json(r.lines[i]);
  t->json += "],\"final\":" + dtu::quoted(is_utf8(r.final) ? r.final : "?");
  if (!error.empty()) t->json += ",\"error\":" + dtu::quoted(is_utf8(error) ? error : "?");
  t->json += "}";
  if (error.empty() && !t->steps.empty() && t->call != 0) return next(t);
  running_.reset();
  if (t->call == 0) return;
  host_.reply(t->call, std::string("{\"ok\":") + (error.empty() ? "true" : "false") + "," + t->json + "]}");
}

}  // namespace hal_ec600
