#include "kernel/callers.hpp"

#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <string>

#include "commands/calls.hpp"
#include "plugins/instance.hpp"
#include "routing/router.hpp"

namespace dtud {
namespace {

using commands::Answer;
using commands::Caller;

Answer denied(const plugins::Instance& asker, const std::string& why) {
  asker.faults().note(plugins::Fault::caller, "invoke", why);
  return {DTU_E_DENIED, "", asker.plugin_id() + " " + why};
}

// Null: there is none with this number now.
const routing::Link* link_of(const routing::Router& router, uint64_t number) {
  for (const auto& link : router.links())
    if (link->id == number) return link.get();
  return nullptr;
}

// DTU_OK: `asker` has a session of this link.
Answer has_session(const plugins::Instance& asker, const routing::Router& router, uint64_t number,
                   const routing::Link* link) {
  const plugins::Instance* speaker = link != nullptr ? link->speaker : nullptr;
  if (speaker == &asker) return {};
  // Of an isolated one: it was told that the session is closed, and may not have heard it yet.
  if (speaker == nullptr && asker.component().isolated && router.was_link(number))
    return {DTU_E_CLOSED, "", "link " + std::to_string(number) + " is closed"};
  return denied(asker, "asks for somebody of link " + std::to_string(number) + ", of which it has no session");
}

}  // namespace

Answer resolve_caller(const plugins::Instance& asker, const dtu_request& request, const routing::Router& router,
                      const commands::Calls& calls, Caller& caller) {
  switch (request.caller) {
    case DTU_CALLER_SELF:
      caller = {Caller::Kind::self, 0, 0, asker.name()};
      return {};
    case DTU_CALLER_PORT: {
      const routing::Link* link = link_of(router, request.link);
      if (Answer refusal = has_session(asker, router, request.link, link); refusal.status != DTU_OK) return refusal;
      if (link->port == nullptr)
        return denied(asker, "asks for the port of link " + std::to_string(request.link) + ", which has none");
      caller = {Caller::Kind::port, link->id, 0, link->port->name};
      return {};
    }
    case DTU_CALLER_CHANNEL: {
      const routing::Link* link = link_of(router, request.link);
      if (Answer refusal = has_session(asker, router, request.link, link); refusal.status != DTU_OK) return refusal;
      const auto bound = std::find_if(link->channels.begin(), link->channels.end(),
                                      [&](const routing::Channel* c) { return c->id == request.channel; });
      if (bound == link->channels.end())
        return denied(asker, "asks for channel " + std::to_string(request.channel) + ", which is not bound to link " +
                                 std::to_string(request.link));
      caller = {Caller::Kind::channel, request.channel, request.peer, (*bound)->name};
      return {};
    }
    case DTU_CALLER_REMOTE: {
      const std::string_view name = dtu::view(request.remote);
      if (std::string wrong = commands::wrong_remote_name(name); !wrong.empty())
        return {DTU_E_INVALID, "", std::move(wrong)};
      if (commands::looks_like_ours(name))
        return denied(asker, "asks for a remote with a name that dtud gives: \"" + std::string(name) + "\"");
      caller = {Caller::Kind::remote, 0, 0, std::string(name)};
      caller.guard = asker.name();  // a new name for each guess is no way around the lock-out
      return {};
    }
    case DTU_CALLER_ASKER: {
      if (const Caller* of_call = calls.asker_of(asker, request.for_call); of_call != nullptr) {
        caller = *of_call;
        caller.through_answer = true;
        return {};
      }
      const std::string call = std::to_string(request.for_call);
      // It may not know yet that its time is over.
      if (calls.was_given_up(request.for_call))
        return {DTU_E_CLOSED, "", "nobody waits for call " + call + " any more"};
      return denied(asker, "asks for whoever made call " + call + ", which it is not answering");
    }
    case DTU_CALLER_CONSOLE:
    case DTU_CALLER_HOST:
      return denied(asker, request.caller == DTU_CALLER_HOST ? "asks for dtud" : "asks for the console");
    default:
      return {DTU_E_INVALID, "", "caller is " + std::to_string(request.caller) + ": one of DTU_CALLER_... is allowed"};
  }
}

}  // namespace dtud
