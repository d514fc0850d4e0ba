#include "upgrade_watch.hpp"

#include <charconv>
#include <utility>

#include "json_view.hpp"

namespace command_dtu {
namespace {

constexpr uint32_t patience_ms = 600'000;  // the longest the host grants; then it is asked again

}  // namespace

int64_t number_in(std::string_view object, std::string_view name) {
  const auto value = member(object, name);
  if (!value || value->type != JsonType::number) return -1;
  int64_t number = -1;
  const auto [end, error] = std::from_chars(value->text.data(), value->text.data() + value->text.size(), number);
  return error == std::errc{} && end == value->text.data() + value->text.size() ? number : -1;
}

bool flag_in(std::string_view object, std::string_view name) {
  const auto value = member(object, name);
  return value && value->text == "true";
}

void UpgradeWatch::follow(int64_t id, int64_t seen, Report report) {
  asker_.forget(this);
  id_ = id;
  seen_ = seen;
  report_ = std::move(report);
  wait();
}

void UpgradeWatch::wait() {
  Question question;
  const std::string args = "{\"seen\":" + std::to_string(seen_) + "}";
  question.command = "upgrade.await";
  question.args = args;
  question.deadline_ms = patience_ms;
  asker_.invoke(this, question, [this](const Reply& reply) { news(reply); });
}

void UpgradeWatch::news(const Reply& reply) {
  if (reply.status == DTU_E_TIMEOUT) return wait();  // a slow step
  if (!reply.ok() || number_in(reply.json, "id") != id_) return;
  seen_ = number_in(reply.json, "seen");
  report_(reply.json);
  if (!flag_in(reply.json, "over")) return wait();
  Question question;
  const std::string args = "{\"id\":" + std::to_string(id_) + "}";
  question.command = "upgrade.told";
  question.args = args;
  asker_.invoke(this, question, [](const Reply&) {});
}

}  // namespace command_dtu
