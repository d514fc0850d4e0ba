// What plugins say of messages and links goes to the router as it is.
#pragma once
#include <cstdint>
#include <string_view>

#include "plugins/upcalls.hpp"
#include "routing/router.hpp"

namespace dtud {

class RoutedUpcalls : public plugins::Upcalls {
 public:
  dtu_status emit(plugins::Instance& i, const dtu_msg* m, uint32_t n, uint32_t* taken) override {
    return target_.emit(i, m, n, taken);
  }
  void complete(plugins::Instance& i, uint64_t token, dtu_status s) override { target_.complete(i, token, s); }
  void writable(plugins::Instance& i, uint64_t source) override { target_.writable(i, source); }
  void has_room(plugins::Instance& i) override { target_.has_room(i); }
  void session_refused(plugins::Instance& i, uint64_t link, const dtu_error& error) override {
    target_.session_refused(i, link, error);
  }
  dtu_status to_port(plugins::Instance& i, uint64_t link, const dtu_msg& m) override {
    return target_.to_port(i, link, m);
  }
  dtu_status to_channel(plugins::Instance& i, uint64_t link, uint32_t channel, const dtu_msg& m) override {
    return target_.to_channel(i, link, channel, m);
  }
  void drop(plugins::Instance& i, uint64_t link, std::string_view reason, uint64_t bytes) override {
    target_.drop(i, link, reason, bytes);
  }
  dtu_status discard(plugins::Instance& i, uint64_t link, uint32_t which, uint64_t* bytes) override {
    return target_.discard(i, link, which, *bytes);
  }
  dtu_status set_line(plugins::Instance& i, uint64_t link, const dtu_line& line, dtu_error* error) override {
    return target_.set_line(i, link, line, error);
  }

 protected:
  explicit RoutedUpcalls(routing::Router& router) : target_(router) {}  // which is constructed later

 private:
  routing::Router& target_;
};

}  // namespace dtud
