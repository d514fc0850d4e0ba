// How a function of a plugin is run: the bodies of Instance::guarded and Instance::call. instance.hpp includes it.
#pragma once
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "plugins/instance.hpp"

namespace dtud::plugins {

template <typename Fn>
dtu_status Instance::guarded(const char* function, dtu_error* error, Fn&& fn) noexcept {
  const Lane::Running running(*lane_, handle_->name, function, number_);
  const isolation::Doing doing(context_.activity, function, lane_->now_ns());
  const CallLength length{faults_, *lane_, running, function, !on_main()};
  std::string what;
  try {
    const dtu_status status = fn();
    if (error != nullptr) error->message[sizeof error->message - 1] = '\0';
    if (status != DTU_E_EXCEPTION) return status;
    what = error != nullptr && error->message[0] != '\0' ? error->message : "what it does not say";
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
    what = "an exception that is not a std::exception";
  }
  if (error != nullptr && error->code == 0) {
    *error = dtu_error{sizeof *error, DTU_E_EXCEPTION, DTU_ERR_RETRYABLE, 0, {}};
    what.copy(error->message, sizeof error->message - 1);
  }
  fault(Fault::exception, function, "threw: " + what);
  return DTU_E_EXCEPTION;
}

template <typename Fn, typename Then>
void Instance::call(Fn fn, Then then) {
  if (on_main()) {
    then(fn());
    return;
  }
  lane_->post([this, &handle = *handle_, fn = std::move(fn), then = std::move(then)]() mutable {
    auto result = std::make_shared<decltype(fn())>(fn());
    context_.main.post([this, &handle, result, then = std::move(then)]() mutable {
      if (handle.instance.load() == this) then(std::move(*result));
    });
  });
}

}  // namespace dtud::plugins
