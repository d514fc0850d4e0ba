// Answers of plugins to calls, and what they ask through dtu.invoke/1.
#include <utility>

#include "kernel/kernel.hpp"
#include "plugins/sound.hpp"

namespace dtud {
namespace {

// Answers a plugin that asked through dtu.invoke/1.
commands::Done answer_to(plugins::Asking& asking) {
  return [told = std::move(asking.told)](const commands::Answer& a) {
    dtu_error error{};
    error.struct_size = sizeof error;
    error.code = a.status;
    error.flags = a.flags;
    a.error.copy(error.message, sizeof error.message - 1);
    told({sizeof(dtu_answer), a.status, {a.json.data(), a.json.size()}, a.status == DTU_OK ? nullptr : &error});
  };
}

dtu_status told(const commands::Answer& refusal, dtu_error* error) {
  if (refusal.status != DTU_OK && error != nullptr) {
    *error = dtu_error{};
    error->struct_size = sizeof *error;
    error->code = refusal.status;
    error->flags = refusal.flags;
    refusal.error.copy(error->message, sizeof error->message - 1);
  }
  return refusal.status;
}

}  // namespace

dtu_status Kernel::reply(plugins::Instance& provider, uint64_t call, dtu_status status, dtu_str json,
                         const dtu_error* error) {
  commands::Answer answer{status, text_of(json), {}};
  if (answer.json.size() != json.len && is_sound(json))
    provider.faults().note(plugins::Fault::malformed, called_in(lane_, "reply"),
                           "to call " + std::to_string(call) + " is not UTF-8: what is not was replaced by U+FFFD");
  if (status != DTU_OK) {
    const bool told = error != nullptr && error->message[0] != '\0';
    answer.error = told ? log_.scrubber().clean(text_of(*error)) : commands::name_of_status(status);
    answer.flags = error != nullptr ? error->flags : 0;
  }
  return calls_.reply(provider, call, std::move(answer));
}

dtu_status Kernel::invoke(plugins::Instance& asker, const dtu_request& r, plugins::Asking asking, dtu_error* error) {
  commands::Request request;
  request.command = text_of(r.command);
  request.code = r.code;
  request.args = text_of(r.args);
  if (r.password.ptr != nullptr) request.password = view(r.password);
  request.to = text_of(r.to);
  request.source = r.remote.len != 0 ? text_of(r.remote) : asker.name();
  request.trusted = r.caller == DTU_CALLER_SELF;
  request.deadline_ms = r.deadline_ms;
  return told(calls_.invoke(request, &asker, answer_to(asking), asking.number), error);
}

dtu_status Kernel::read_point(plugins::Instance& asker, const dtu_point_request& r, plugins::Asking asking,
                              dtu_error* error) {
  return told(calls_.read_point(text_of(r.point), &asker, answer_to(asking), {asking.number, r.deadline_ms}), error);
}

dtu_status Kernel::write_point(plugins::Instance& asker, const dtu_point_request& r, plugins::Asking asking,
                               dtu_error* error) {
  return told(
      calls_.write_point(text_of(r.point), text_of(r.json), &asker, answer_to(asking), {asking.number, r.deadline_ms}),
      error);
}

dtu_status Kernel::await_point(plugins::Instance& asker, const dtu_point_request& r, plugins::Asking asking,
                               dtu_error* error) {
  uint64_t id = 0;
  return told(calls_.await_point(text_of(r.point), text_of(r.json), &asker, answer_to(asking), id,
                                 {asking.number, r.deadline_ms}),
              error);
}

void Kernel::cancel(plugins::Instance& asker, uint64_t number) {
  calls_.cancel(asker, number);
  answers_.forget(&asker, number);
}

void Kernel::after_answers(plugins::Instance& asker, uint32_t deadline_ms, plugins::Asking asking) {
  const auto run = [told = std::move(asking.told)] { told({sizeof(dtu_answer), DTU_OK, {}, nullptr}); };
  answers_.wait(deadline_ms, run, &asker, asking.number);
}

dtu_status Kernel::list_points(std::string_view prefix, void (*each)(void*, const dtu_point_info*), void* ctx) {
  for (const auto& [name, p] : directory_.points()) {
    if (name.compare(0, prefix.size(), prefix) != 0) continue;
    const dtu_point_info info{sizeof info,
                              p.flags,
                              {name.data(), name.size()},
                              {p.unit.data(), p.unit.size()},
                              {p.title.data(), p.title.size()}};
    each(ctx, &info);
  }
  return DTU_OK;
}

dtu_status Kernel::list_commands(std::string_view prefix, plugins::CommandSink each, void* ctx) {
  const auto text = [](const std::string& s) { return dtu_str{s.data(), s.size()}; };
  for (const auto& [name, offers] : directory_.commands()) {
    if (name.compare(0, prefix.size(), prefix) != 0) continue;
    for (const commands::Command& c : offers) {
      const dtu_command_info info{
          sizeof info,    c.flags,       text(c.name), text(c.title), text(c.arguments->schema()),
          c.codes.data(), c.codes.size()};
      each(ctx, c.provider != nullptr ? text(c.provider->name()) : dtu_str{}, &info);
    }
  }
  return DTU_OK;
}

}  // namespace dtud
