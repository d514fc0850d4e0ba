#include "fixture.hpp"

#include <dtu/sdk.hpp>

namespace http_test {
namespace {

class Nothing : public dtu::Component {
 public:
  Nothing(dtu::Host host, std::string_view) : Component(host) {}
};

DTU_COMPONENT(nothing, Nothing, DTU_KIND_COMMAND, "nothing", "Nothing", "{}", 0, dtu_iface{"org.dtukit.test/1", ""});

}  // namespace

ClientTest::ClientTest() : instance(host.create(nothing)) { make(); }
ClientTest::~ClientTest() { client.reset(); }

void ClientTest::make(const http::Tls& tls, http::Lookup lookup) {
  client = std::make_unique<http::Client>(dtu::Host(host.table(), instance.handle()), tls, std::move(lookup));
}

http::Request ClientTest::request(const std::string& url, const std::string& method, const std::string& body) {
  http::Request r;
  r.method = method;
  r.url = http::parse_url(url);
  r.body = body;
  return r;
}

Answer ClientTest::ask(http::Request what) {
  std::optional<Answer> got;
  EXPECT_TRUE(client->ask(std::move(what), [&](const Answer& a) { got = a; }));
  EXPECT_TRUE(host.run_until([&] { return got.has_value(); }, 30s));
  return got.value_or(Answer{});
}

}  // namespace http_test
