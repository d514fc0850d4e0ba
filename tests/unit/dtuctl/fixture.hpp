// dtuctl against a server with fixed answers.
#pragma once
#include <gmock/gmock.h>

#include <optional>

#include "fake_backend.hpp"
#include "process.hpp"

namespace dtuctl::test {

using dtud::control::Answer;
using dtud::control::Server;
using dtud::control::test::FakeBackend;
using dtud::control::test::kPatience;
using dtud::control::test::Running;
using dtud::control::test::TempDir;
using testing::HasSubstr;

class DtuctlTest : public testing::Test {
 protected:
  std::vector<std::string> command(const std::vector<std::string>& words) {
    if (!running_ && !no_server_) running_.emplace(options(), backend_);
    std::vector<std::string> argv{DTUCTL, "--socket", socket_};
    argv.insert(argv.end(), words.begin(), words.end());
    return argv;
  }
  Result dtuctl(const std::vector<std::string>& words, const Process::Setup& setup = {}) {
    return run(command(words), setup);
  }
  Server::Options options() const {
    Server::Options o;
    o.socket_path = socket_;
    o.workers = workers_;
    return o;
  }
  // The answer to a question, as JSON text.
  void answer(const std::string& question, const std::string& json, int status = 200) {
    backend_.set_answer(question, {status, json});
  }

  TempDir dir_;
  std::string socket_ = dir_.file("control.sock");
  unsigned workers_ = 8;
  bool no_server_ = false;
  FakeBackend backend_;
  std::optional<Running> running_;
};

}  // namespace dtuctl::test
