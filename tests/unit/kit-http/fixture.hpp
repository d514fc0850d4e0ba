// A host with a client, and what the tests ask of it.
#pragma once
#include <gmock/gmock.h>

#include <chrono>
#include <dtu/kit/http/client.hpp>
#include <memory>
#include <optional>
#include <string>

#include "host/test_host.hpp"
#include "server.hpp"

namespace http_test {

using http::Answer;
using http::Trouble;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// The client lives in an instance, as it does in a plugin.
class ClientTest : public ::testing::Test {
 protected:
  ClientTest();
  ~ClientTest() override;

  void make(const http::Tls& tls = {}, http::Lookup lookup = http::system_lookup);
  static http::Request request(const std::string& url, const std::string& method = "GET", const std::string& body = "");
  // Asks and waits for the answer.
  Answer ask(http::Request what);
  Answer get(const std::string& url) { return ask(request(url)); }

  dtu::test::TestHost host;
  dtu::test::Instance instance;
  std::unique_ptr<http::Client> client;
};

}  // namespace http_test
