#include "kernel/network_settings.hpp"

#include <algorithm>

#include "config/json_text.hpp"

namespace dtud {
namespace {

constexpr uint32_t kDeadline_ms = 120'000;  // it may have to dial

}  // namespace

void NetworkSettings::configure(const config::ApnConfig& apn) {
  if (apn_ && *apn_ == apn) return;
  apn_ = apn;
  for (const plugins::Instance* board : boards_) tell(*board);
}

void NetworkSettings::offered_by(const plugins::Instance& board) {
  if (!board.alive() || directory_.command(commands::kNetworkConfigure, &board) == nullptr) return;
  if (!runs(&board)) boards_.push_back(&board);
  if (apn_) tell(board);
}

void NetworkSettings::stopping(const plugins::Instance& board) {
  boards_.erase(std::remove(boards_.begin(), boards_.end(), &board), boards_.end());
}

bool NetworkSettings::runs(const plugins::Instance* board) const {
  return std::find(boards_.begin(), boards_.end(), board) != boards_.end();
}

void NetworkSettings::tell(const plugins::Instance& board) {
  auto args = config::make_object();
  args->set("apn", apn_->name);
  args->set("user", apn_->user);
  args->set("password", apn_->password);
  commands::Request request;
  request.command = commands::kNetworkConfigure;
  request.args = config::to_json(config::Json(args));
  request.to = board.name();
  request.deadline_ms = kDeadline_ms;
  const auto told = [this, asked = &board, name = board.name()](const commands::Answer& answer) {
    // What stopped meanwhile is told after its next start.
    if (answer.status == DTU_OK || (answer.status == DTU_E_CLOSED && !runs(asked))) return;
    log_.error(name, "could not set the access point (apn): " + answer.error);
  };
  if (const commands::Answer refusal = calls_.invoke(request, nullptr, told); refusal.status != DTU_OK) told(refusal);
}

}  // namespace dtud
