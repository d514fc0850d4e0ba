// The control API, asked over its Unix socket.
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace dtuctl {

struct Reply {
  int status = 0;
  std::string body;
};

class Client {
 public:
  using Clock = std::chrono::steady_clock;
  // Given a line without its newline; false: enough.
  using OnLine = std::function<bool(const std::string& line)>;

  Client(std::string socket_path, std::chrono::milliseconds timeout, bool progress)
      : path_(std::move(socket_path)), timeout_(timeout), progress_(progress) {}

  // One question. A busy server is asked again until the time is over. Throws Failure: unreachable, timeout.
  [[nodiscard]] Reply ask(const std::string& method, const std::string& target, const std::string& body = {}) const;
  // The same, and anything but success is a Failure with the server's own words.
  [[nodiscard]] std::string need(const std::string& method, const std::string& target,
                                 const std::string& body = {}) const;
  // Lines as they come, until the server ends, `on_line` has enough, `until` has come, or the user interrupts.
  void stream(const std::string& target, Clock::time_point until, const OnLine& on_line) const;

  [[nodiscard]] Client patient(std::chrono::milliseconds timeout) const { return {path_, timeout, progress_}; }

 private:
  std::string path_;
  std::chrono::milliseconds timeout_;
  bool progress_;
};

// Throws the Failure that fits a reply that is not a success.
[[noreturn]] void refuse(const Reply& reply);
// A name as a part of a path: "a b" -> "a%20b".
[[nodiscard]] std::string as_segment(const std::string& name);

}  // namespace dtuctl
