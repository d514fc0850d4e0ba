// Answers of plugins to calls, and what they ask through dtu.invoke/1.
#include <dtu/sdk/text.hpp>

#include <utility>

#include "kernel/callers.hpp"
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
    error.protocol_code = a.protocol_code;
    a.error.copy(error.message, sizeof error.message - 1);
    told({sizeof(dtu_answer),
          a.status,
          {a.json.data(), a.json.size()},
          a.status == DTU_OK ? nullptr : &error,
          a.age_ms,
          a.stale ? DTU_REPLY_STALE : 0U});
  };
}

dtu_status told(const commands::Answer& refusal, dtu_error* error) {
  if (refusal.status != DTU_OK && error != nullptr) {
    *error = dtu_error{};
    error->struct_size = sizeof *error;
    error->code = refusal.status;
    error->flags = refusal.flags;
    error->protocol_code = refusal.protocol_code;
    refusal.error.copy(error->message, sizeof error->message - 1);
  }
  return refusal.status;
}

}  // namespace

dtu_status Kernel::reply(plugins::Instance& provider, const dtu_reply& given) {
  const dtu_error* error = given.error;
  commands::Answer answer{given.status, text_of(given.json), {}};
  answer.age_ms = given.age_ms;
  answer.stale = (given.flags & DTU_REPLY_STALE) != 0;
  if (answer.json.size() != given.json.len && is_sound(given.json))
    provider.faults().note(
        plugins::Fault::malformed, called_in(lane_, "reply"),
        "to call " + std::to_string(given.call) + " is not UTF-8: what is not was replaced by U+FFFD");
  if (given.status != DTU_OK) {
    const bool told = error != nullptr && error->message[0] != '\0';
    answer.error = told ? log_.scrubber().clean(text_of(*error)) : commands::name_of_status(given.status);
    answer.flags = error != nullptr ? error->flags : 0;
    answer.protocol_code = error != nullptr ? error->protocol_code : 0;
  }
  return calls_.reply(provider, given.call, std::move(answer));
}

dtu_status Kernel::invoke(plugins::Instance& asker, const dtu_request& r, plugins::Asking asking, dtu_error* error) {
  commands::Request request;
  if (const auto refusal = resolve_caller(asker, r, router_, calls_, request.caller); refusal.status != DTU_OK)
    return told(refusal, error);
  request.command = text_of(r.command);
  request.code = r.code;
  request.args = text_of(r.args);
  if (r.password.ptr != nullptr) request.password = view(r.password);
  request.to = text_of(r.to);
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
  const auto run = [told = std::move(asking.told)] { told({sizeof(dtu_answer), DTU_OK, {}, nullptr, 0, 0}); };
  answers_.wait(deadline_ms, run, &asker, asking.number);
}

// Other lanes get what there was at the end of the last turn of this one: they do not wait for it.
std::shared_ptr<const commands::Listing> Kernel::listing() {
  return lane_.is_current() ? directory_.listing() : directory_.last_listing();
}

dtu_status Kernel::list_points(std::string_view prefix, void (*each)(void*, const dtu_point_info*), void* ctx) {
  for (const commands::Point& p : listing()->points) {
    if (p.name.compare(0, prefix.size(), prefix) != 0) continue;
    const dtu_point_info info{sizeof info, p.flags, dtu::str(p.name), dtu::str(p.unit), dtu::str(p.title)};
    each(ctx, &info);
  }
  return DTU_OK;
}

dtu_status Kernel::list_commands(std::string_view prefix, plugins::CommandSink each, void* ctx) {
  for (const commands::Listing::Command& c : listing()->commands) {
    if (c.name.compare(0, prefix.size(), prefix) != 0) continue;
    const dtu_command_info info{
        sizeof info,    c.flags,       dtu::str(c.name), dtu::str(c.title), dtu::str(c.arguments->schema()),
        c.codes.data(), c.codes.size()};
    each(ctx, dtu::str(c.provider), &info);
  }
  return DTU_OK;
}

}  // namespace dtud
