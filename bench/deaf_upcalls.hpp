// A kernel that hears nothing: what a benchmark does not measure. It overrides what it does.
#pragma once
#include "plugins/upcalls.hpp"

namespace bench {

class DeafUpcalls : public dtud::plugins::Upcalls {
 public:
  using Instance = dtud::plugins::Instance;
  using Asking = dtud::plugins::Asking;
  void started(Instance&) override {}
  void stopping(Instance&) override {}
  void stopped(Instance&) override {}
  void state_changed(Instance&, uint64_t, int32_t, const dtu_error*) override {}
  dtu_status emit(Instance&, const dtu_msg*, uint32_t, uint32_t*) override { return DTU_E_UNSUPPORTED; }
  void complete(Instance&, uint64_t, dtu_status) override {}
  void writable(Instance&, uint64_t) override {}
  dtu_status to_port(Instance&, uint64_t, const dtu_msg&) override { return DTU_E_UNSUPPORTED; }
  dtu_status to_channel(Instance&, uint64_t, uint32_t, const dtu_msg&) override { return DTU_E_UNSUPPORTED; }
  void drop(Instance&, uint64_t, std::string_view, uint64_t) override {}
  dtu_status reply(Instance&, const dtu_reply&) override { return DTU_E_UNSUPPORTED; }
  dtu_status invoke(Instance&, const dtu_request&, Asking, dtu_error*) override { return DTU_E_UNSUPPORTED; }
  dtu_status read_point(Instance&, const dtu_point_request&, Asking, dtu_error*) override { return DTU_E_UNSUPPORTED; }
  dtu_status write_point(Instance&, const dtu_point_request&, Asking, dtu_error*) override { return DTU_E_UNSUPPORTED; }
  dtu_status await_point(Instance&, const dtu_point_request&, Asking, dtu_error*) override { return DTU_E_UNSUPPORTED; }
  void cancel(Instance&, uint64_t) override {}
  void after_answers(Instance&, uint32_t, Asking) override {}
  dtu_status list_points(std::string_view, void (*)(void*, const dtu_point_info*), void*) override {
    return DTU_E_UNSUPPORTED;
  }
  dtu_status list_commands(std::string_view, dtud::plugins::CommandSink, void*) override { return DTU_E_UNSUPPORTED; }
};

}  // namespace bench
