#include "commands.hpp"

#include <algorithm>

namespace command_dtu {
namespace {

// What is not there on this board is said so, whichever way the host puts it.
Reply as_missing(const Reply& reply, std::string& text, const std::string& what) {
  if (reply.status != DTU_E_NOT_FOUND) return reply;
  text = "unsupported by this board: it offers no " + what;
  return Reply{DTU_E_UNSUPPORTED, {}, text, reply.protocol_code};
}

// A value of before is no answer to what is so now. What the board is does not age.
Reply as_true_now(const Reply& reply, std::string& text, const std::string& point) {
  constexpr std::string_view kIdentity = "device.";
  if (!reply.ok() || !reply.stale || point.compare(0, kIdentity.size(), kIdentity) == 0) return reply;
  text = point + " is not known now: its last value is " + std::to_string(reply.age_ms / 1000) + " s old";
  return Reply{DTU_E_TIMEOUT, {}, text};
}

}  // namespace

Call::~Call() { commands_.asker_.forget(this); }

const Diagnosis& Call::diagnosis() const { return commands_.diagnosis_; }

void Call::each_point(std::string_view prefix, const std::function<void(const dtu_point_info&)>& each) const {
  commands_.asker_.each_point(prefix, each);
}

void Call::try_read(const std::string& point, Then then) {
  commands_.asker_.read_point(this, point, [then = std::move(then), point](const Reply& reply) {
    std::string text;
    then(as_true_now(as_missing(reply, text, point), text, point));
  });
}

void Call::try_invoke(std::string_view command, std::string_view args, Then then) {
  Question question;
  question.command = command;
  question.args = args;
  question.caller = DTU_CALLER_ASKER;
  question.for_call = id_;
  commands_.asker_.invoke(this, question, [then = std::move(then), name = std::string(command)](const Reply& reply) {
    std::string text;
    then(as_missing(reply, text, name));
  });
}

void Call::look_up(std::string_view command, Then then) {
  Question question;
  question.command = command;
  commands_.asker_.invoke(this, question, std::move(then));
}

void Call::read(const std::string& point, Then then) {
  try_read(point, [this, then = std::move(then)](const Reply& reply) {
    reply.ok() ? then(reply) : fail(reply.status, reply.error, reply.protocol_code);
  });
}

void Call::invoke(std::string_view command, std::string_view args, Then then) {
  try_invoke(command, args, [this, then = std::move(then)](const Reply& reply) {
    reply.ok() ? then(reply) : fail(reply.status, reply.error, reply.protocol_code);
  });
}

void Call::answer(std::string_view json) {
  Commands& commands = commands_;
  const uint64_t id = id_;
  commands.host_.reply(id, json);
  commands.calls_.erase(id);  // ends this object
}

// The host carries out nothing within this call, and looks at the rights at once: it is asked while there is a call to
// ask for, and does it when the answer is on its way.
void Call::answer_then(std::string_view json, std::string_view command) {
  Commands& commands = commands_;
  Question question;
  question.command = command;
  question.caller = DTU_CALLER_ASKER;
  question.for_call = id_;
  struct Outcome {
    bool answered = false;
    dtu_status status = DTU_OK;
    std::string error;
    uint32_t protocol_code = 0;
  };
  const auto outcome = std::make_shared<Outcome>();
  const auto told = [outcome, host = commands.host_, name = std::string(command)](const Reply& reply) {
    if (reply.ok()) return;
    if (outcome->answered) return host.error(name + " was answered but not carried out: " + std::string(reply.error));
    *outcome = {false, reply.status, std::string(reply.error), reply.protocol_code};
  };
  commands.asker_.invoke(&commands, question, told);
  if (outcome->status != DTU_OK) return fail(outcome->status, outcome->error, outcome->protocol_code);
  outcome->answered = true;
  answer(json);
}

void Call::fail(dtu_status status, std::string_view text, uint32_t protocol_code) {
  Commands& commands = commands_;
  const uint64_t id = id_;
  commands.host_.reply_error(id, status, text, 0, protocol_code);
  commands.calls_.erase(id);  // ends this object
}

void Commands::list(const dtu::CommandsIface::Each& each) {
  for (const CommandRow& row : command_rows()) {
    dtu_command_info info{};
    info.struct_size = sizeof info;
    info.flags = row.flags;
    info.name = dtu::str(row.name);
    info.title = dtu::str(row.title);
    info.args_schema = dtu::str(row.args_schema);
    info.codes = row.codes.data();
    info.code_count = row.codes.size();
    each(info);
  }
}

dtu_status Commands::invoke(uint64_t id, std::string_view name, std::string_view args) {
  const auto& rows = command_rows();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const CommandRow& r) { return name == r.name; });
  if (row == rows.end()) throw dtu::Failure(DTU_E_NOT_FOUND, "there is no command " + std::string(name));
  const auto [call, fresh] = calls_.emplace(id, std::make_unique<Call>(*this, id, args));
  if (!fresh) throw dtu::Failure(DTU_E_INVALID, "call " + std::to_string(id) + " is being carried out already");
  try {
    row->run(*call->second);
  } catch (...) {
    calls_.erase(id);  // the status returned is the answer
    throw;
  }
  return DTU_OK;
}

}  // namespace command_dtu
