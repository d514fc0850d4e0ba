// The TLS context of a channel: made of its files on a worker, so that renewed files are used without a restart. [lane]
#pragma once
#include <dtu/kit/tls/session.hpp>
#include <dtu/sdk/worker.hpp>
#include <functional>
#include <string>

namespace channel_tcp {

class TlsFiles {
 public:
  TlsFiles(dtu::Host host, const tls::Settings& settings, bool server)
      : host_(host), settings_(settings), server_(server), worker_(host) {}

  // Null until files were read.
  [[nodiscard]] const tls::Context& context() const { return context_; }
  // Reads them, and then calls `then` from the loop: "" or why they cannot be used. The context from before is kept
  // when they cannot. Nothing happens while they are being read.
  void load(std::function<void(const std::string& problem)> then);
  // They were not read for a minute.
  [[nodiscard]] bool old() const;

 private:
  dtu::Host host_;
  const tls::Settings settings_;
  const bool server_;
  tls::Context context_;
  int64_t read_ns_ = 0;
  bool busy_ = false;
  dtu::Worker worker_;
};

}  // namespace channel_tcp
