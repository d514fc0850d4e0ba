#include <gtest/gtest.h>

#include <dtu/kit/mqtt/requests.hpp>
#include <vector>

#include "kit-net/probe.hpp"

namespace mqtt {
namespace {

using namespace std::chrono_literals;

struct RequestsTest : testing::Test {
  RequestsTest() : probe(host) { host.use_fake_clock(); }
  Requests::Done done() {
    return [this](dtu_status status, std::string_view text) { told.emplace_back(status, text); };
  }

  std::string open() {
    std::string sent;
    requests.ask([&](const std::string& id) { sent = id; }, done());
    return sent;
  }

  dtu::test::TestHost host;
  net::test::Probe probe;
  Requests requests{probe.host(), 10'000, 3};
  std::vector<std::pair<dtu_status, std::string>> told;
};

TEST_F(RequestsTest, AnAnswerFindsItsRequestOnce) {
  const std::string first = open();
  const std::string second = open();
  EXPECT_NE(first, second);
  EXPECT_TRUE(requests.answer(second, "two"));
  EXPECT_FALSE(requests.answer(second, "two again"));
  EXPECT_FALSE(requests.answer("", "nobody's"));
  EXPECT_TRUE(requests.answer(first, "one"));
  EXPECT_EQ(told, (std::vector<std::pair<dtu_status, std::string>>{{DTU_OK, "two"}, {DTU_OK, "one"}}));
}

TEST_F(RequestsTest, EachHasItsOwnDeadline) {
  const std::string first = open();
  host.advance(6s);
  const std::string second = open();
  host.advance(5s);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].first, DTU_E_TIMEOUT);
  EXPECT_EQ(told[0].second, "no answer came within 10 s");
  EXPECT_FALSE(requests.answer(first, "late"));
  EXPECT_TRUE(requests.answer(second, "in time"));
  host.advance(20s);
  EXPECT_EQ(told.size(), 2U);
}

TEST_F(RequestsTest, ThereAreNotMoreThanTheLimitAndClosingFailsAll) {
  for (int i = 0; i < 3; ++i) open();
  EXPECT_THROW(open(), dtu::Failure);
  requests.close("the connection ended");
  ASSERT_EQ(told.size(), 3U);
  for (const auto& [status, text] : told) EXPECT_EQ(status, DTU_E_CLOSED) << text;
  requests.ask([](const std::string&) {}, [this](dtu_status, std::string_view) { open(); });
  requests.close("again");
  EXPECT_EQ(requests.count(), 1U) << "one that was opened by an answer is not closed with the others";
}

TEST_F(RequestsTest, OneThatCannotBeSentIsNone) {
  EXPECT_THROW(requests.ask([](const std::string&) { throw dtu::Failure(DTU_E_CLOSED, "not connected"); }, done()),
               dtu::Failure);
  EXPECT_EQ(requests.count(), 0U);
  host.advance(20s);
  EXPECT_TRUE(told.empty());
}

}  // namespace
}  // namespace mqtt
