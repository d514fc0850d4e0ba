// The component: one request at a time, in the order of the messages.
#pragma once
#include <dtu/kit/http/client.hpp>
#include <dtu/sdk.hpp>
#include <memory>
#include <optional>
#include <string>

#include "counters.hpp"
#include "settings.hpp"
#include "verdict.hpp"

namespace channel_http {

class HttpChannel : public dtu::Component, public dtu::ChannelIface {
 public:
  HttpChannel(dtu::Host host, std::string_view config) : HttpChannel(host, config, http::system_lookup) {}
  HttpChannel(dtu::Host host, std::string_view config, http::Lookup lookup);
  static void check(std::string_view config, dtu::Findings& found) { check_settings(config, found); }

  dtu_status start() override;
  dtu_status stop(uint32_t deadline_ms) override;
  void writable(uint64_t source) override;
  std::string health() override;
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override;
  dtu_status flush(uint32_t deadline_ms) override;

 private:
  // An answer the port has no room for yet.
  struct Held {
    std::string route, body;
  };

  [[nodiscard]] const Target* find_target(std::string_view route) const;
  [[nodiscard]] bool busy() const { return token_.has_value() || waiting_ || held_.has_value(); }
  void ask(const Target& target, const dtu_msg& message);
  [[nodiscard]] bool begin(const Target& target, http::Request request);
  [[nodiscard]] bool again_on_a_new_connection(const Target& target, const http::Answer& answer);
  void answered(const Target& target, const http::Answer& answer);
  void hand_on(const Target& target, const http::Answer& answer);
  void deliver();
  void try_later(const Verdict& verdict, const http::Answer& answer, uint32_t most);
  void complete(uint64_t token, dtu_status status);
  void reject(uint64_t token, const std::string& why);
  void works();
  void fails(const Verdict& verdict);

  const Settings settings_;
  const http::Lookup lookup_;
  Counters counters_;
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<dtu::Timer> retry_;
  std::optional<uint64_t> token_;       // of the message whose request is under way
  std::optional<http::Request> again_;  // a copy of that request while settles_
  std::optional<Held> held_;
  bool waiting_ = false;  // until retry_ runs
  bool stopping_ = false;
  // The server closed instead of an answer: until so many messages were delivered in a row, a new connection is watched
  // before it is used.
  uint32_t settles_ = 0;
  uint32_t failures_ = 0;  // in a row
  int status_ = 0;         // the last answer's; 0 = none, or there was no answer
  std::string trouble_;    // reported; "" = works
  int64_t complained_ns_ = 0;
};

}  // namespace channel_http
