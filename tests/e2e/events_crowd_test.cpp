// Many that tell, answer and hear at once, on the main lane, on lanes of their own and in processes of their own: E3,
// E6 and E9. DTU_EVENTS_COUNT: how many calls and subscriptions each test makes.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <ostream>
#include <set>

#include "harness/dtud.hpp"
#include "harness/sanitized.hpp"
#include "harness/tcp.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

constexpr int64_t kMostGrowth_kib = kSanitized ? 1 << 30 : 4 << 10;  // a sanitizer keeps what was freed

int64_t count_or(int64_t otherwise) {
  const char* set = std::getenv("DTU_EVENTS_COUNT");
  return set != nullptr ? std::max(1LL, std::atoll(set)) : otherwise;
}

// Where an instance runs.
enum class Place { main, own, isolated };
const char* name_of(Place place) { return place == Place::main ? "Main" : place == Place::own ? "Own" : "Isolated"; }
void PrintTo(Place place, std::ostream* out) { *out << name_of(place); }

struct Crowd : testing::Test {
  Dtud dtud;
  std::string commands;

  // A member of board.json; its type.
  std::string add(Place place, int id, const std::string& config = "") {
    const std::string type = (place == Place::own ? "own-" : "main-") + std::to_string(id);
    commands += std::string(commands.empty() ? "" : ", ") + R"({"type": ")" + type + "\"" +
                (place == Place::isolated ? R"(, "isolate": true)" : "") + config + "}";
    return type;
  }
  void start(const std::string& last) {
    dtud.plugins(kPlugins + "\", \"" E2E_CROWD)
        .hal(R"({"type": "sim"})")
        .board("\"commands\": [" + commands + R"(, {"type": "dtu"}])");
    dtud.start();
    ASSERT_TRUE(offered(last));
  }
  [[nodiscard]] bool offered(const std::string& type) const {
    return eventually(
        [&] { return text(with(parse_json(dtud.get("/v1/commands").body), "name", type + ".seen"), "name") != ""; });
  }
  Json call(const std::string& command, const std::string& args = "{}") {
    const Json answer =
        parse_json(dtud.post("/v1/call", R"({"command": ")" + command + R"(", "args": )" + args + "}").body);
    EXPECT_EQ(text(answer, "status"), "ok") << command << ": " << to_json(answer);
    return at(answer, "result");
  }
  Json seen(const std::string& type) { return call(type + ".seen"); }
};

struct Pairs : Crowd, testing::WithParamInterface<std::tuple<Place, Place>> {
  std::string teller, hearer;
  void start() {
    teller = add(std::get<0>(GetParam()), 1);
    hearer = add(std::get<1>(GetParam()), 2, R"(, "hears": ["crowd.news"])");
    Crowd::start(hearer);
    ASSERT_TRUE(offered(teller));
  }
  void print(const std::string& what, int64_t many, int64_t ms) {
    std::cout << name_of(std::get<0>(GetParam())) << " to " << name_of(std::get<1>(GetParam())) << ": " << what
              << " in " << ms << " ms, " << many * 1000 / std::max<int64_t>(1, ms) << " a second\n";
  }
  // It goes on for as long as something comes.
  template <typename Done>
  [[nodiscard]] bool lasts_until(const char* member, Done done) {
    for (int64_t before = -1;;) {
      if (eventually([&] { return done() || number(seen(hearer), member) != before; }) && !done())
        before = number(seen(hearer), member);
      else
        return done();
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Places, Pairs,
                         testing::Combine(testing::Values(Place::main, Place::own, Place::isolated),
                                          testing::Values(Place::main, Place::own, Place::isolated)),
                         [](const auto& info) {
                           return std::string(name_of(std::get<0>(info.param))) + "To" +
                                  name_of(std::get<1>(info.param));
                         });

// E3: what an instance tells and answers is one row of numbers, and so it comes.
TEST_P(Pairs, EventsAndAnswersComeInTheOrderGiven) {
  ASSERT_NO_FATAL_FAILURE(start());
  const int64_t calls = count_or(20'000),
                each = std::max<int64_t>(1, calls / 95);  // two events each: within its budget
  call(hearer + ".ask", R"({"of": ")" + teller + R"(", "count": )" + std::to_string(calls) + R"(, "each": )" +
                            std::to_string(each) + "}");
  ASSERT_TRUE(lasts_until("answers", [&] { return number(seen(hearer), "answers") >= calls; }));
  const Json told = seen(teller);
  const int64_t events = number(told, "told");
  ASSERT_TRUE(eventually([&] { return number(seen(hearer), "heard") >= events; }));
  const Json all = seen(hearer);
  print(std::to_string(calls) + " answers, " + std::to_string(events) + " events", calls + events, number(all, "ms"));
  EXPECT_EQ(number(all, "failed"), 0) << text(all, "first_wrong");
  EXPECT_EQ(number(all, "wrong"), 0) << text(all, "first_wrong");
  EXPECT_EQ(number(all, "answers"), calls);
  EXPECT_EQ(number(all, "heard"), events);
  EXPECT_EQ(number(all, "missed"), 0);
  EXPECT_EQ(number(all, "last"), number(told, "number"));
  EXPECT_GE(events, std::min<int64_t>(calls, 90));
}

// E6: the last state first, then each that follows, once.
TEST_P(Pairs, WhoSubscribesWhileAStateIsToldMissesNothing) {
  ASSERT_NO_FATAL_FAILURE(start());
  const int64_t visits = count_or(10'000);
  call(hearer + ".visit", R"({"of": ")" + teller + R"(", "count": )" + std::to_string(visits) + "}");
  ASSERT_TRUE(lasts_until("visited", [&] { return number(seen(hearer), "visited") >= visits; }))
      << to_json(seen(hearer));
  const Json all = seen(hearer);
  print(std::to_string(visits) + " subscriptions", visits, number(all, "ms"));
  EXPECT_EQ(number(all, "failed"), 0) << text(all, "first_wrong");
  EXPECT_EQ(number(all, "wrong"), 0) << text(all, "first_wrong");
  EXPECT_EQ(number(all, "visited"), visits);
}

// E9: three publishers without a pause, ten subscribers. One of them stays 50 ms in each event: it misses some, is told
// so, and nobody else notices. Of what dtud tells nothing is lost.
TEST_F(Crowd, AFloodAndASlowSubscriberCostNobodyAKernelEvent) {
  constexpr int kChanges = 10;
  TcpServer server;
  const std::string hears = R"(, "hears": ["crowd.", "config.applied", "channel.state"])";
  std::vector<std::string> healthy, publishers{add(Place::main, 1), add(Place::own, 1), add(Place::isolated, 7)};
  for (int i = 2; i <= 5; ++i) healthy.push_back(add(Place::main, i, hears));
  healthy.push_back(add(Place::isolated, 6, hears));
  for (int i = 2; i <= 5; ++i) healthy.push_back(add(Place::own, i, hears));
  const std::string slow = add(Place::own, 7, hears + R"(, "holds_ms": 50, "holds": 60)");
  ASSERT_NO_FATAL_FAILURE(start(slow));
  for (const std::string& type : healthy) ASSERT_TRUE(offered(type));
  for (const std::string& type : publishers) ASSERT_TRUE(offered(type));
  // What they heard of the start is none of it.
  std::map<std::string, size_t> before;
  const auto news = [&](const std::string& type, const std::string& begin) {
    std::vector<std::string> found;
    const Json lines = at(seen(type), "lines");
    for (size_t i = before[type]; i < size(lines); ++i) {
      const std::string line = text(lines, "[" + std::to_string(i) + "]");
      if (line.compare(0, begin.size(), begin) == 0) found.push_back(line);
    }
    return found;
  };
  for (const std::string& type : healthy) before[type] = size(at(seen(type), "lines"));

  for (const std::string& type : publishers) call(type + ".flood", R"({"ms": 60000})");
  const auto missed = [&](const std::string& type) {
    return dtud.metric("dtu_events_missed_total{component=\"command " + type + "\"}");
  };
  const auto refused = [&](const std::string& type) {
    return dtud.metric("dtu_events_refused_total{component=\"command " + type +
                       "\",plugin=\"org.dtukit.fixture.crowd\"}");
  };
  ASSERT_TRUE(eventually([&] { return missed(slow) > 0; }));
  const int64_t resident = dtud.proc_number("VmRSS");
  for (int change = 1; change <= kChanges; ++change) {
    const bool there = change % 2 == 1;
    const std::string document = there ? R"({"conf": {"2": {"protocol": "tcp", "url": "127.0.0.1", "port": )" +
                                             std::to_string(server.port()) + "}}}"
                                       : "{}";
    const HttpAnswer put = dtud.put("/v1/config", document);
    ASSERT_EQ(put.status, 200) << put.body;
    const std::string now = there ? R"(channel.state channel 2 {"state":"up"})" : "channel.state channel 2 {} gone";
    for (const std::string& type : healthy) {
      ASSERT_TRUE(eventually([&] {
        const auto states = news(type, "channel.state channel 2");
        return news(type, "config.applied").size() == static_cast<size_t>(change) && !states.empty() &&
               states.back() == now;
      })) << type
          << " change " << change << ": " << to_json(at(seen(type), "lines"));
    }
  }
  // The first refusal counts at once, the others once a second.
  for (const std::string& type : publishers) ASSERT_TRUE(eventually([&] { return refused(type) > 100; })) << type;
  EXPECT_LT(dtud.proc_number("VmRSS") - resident, kMostGrowth_kib) << "KiB";
  for (const std::string& type : publishers) call(type + ".flood", R"({"ms": 0})");

  std::cout << "the slow one missed " << missed(slow) << "; dtud grew by " << dtud.proc_number("VmRSS") - resident
            << " KiB; refused:";
  for (const std::string& type : publishers) {
    const int64_t all = number(seen(type), "flood_refused");
    std::cout << " " << refused(type);
    EXPECT_LE(refused(type), all) << type;
    EXPECT_GE(number(seen(type), "flood_told"), 200) << type;
  }
  std::cout << "\n";
  for (const std::string& type : healthy) {
    const auto applied = news(type, "config.applied kernel");
    EXPECT_EQ(std::set<std::string>(applied.begin(), applied.end()).size(), static_cast<size_t>(kChanges)) << type;
    EXPECT_GE(number(seen(type), "heard"), 200) << type;
  }
  // It comes to its senses, is told how many it missed, and has heard of dtud too.
  ASSERT_TRUE(eventually([&] { return number(seen(slow), "missed") == missed(slow); }));
  EXPECT_GT(number(seen(slow), "missed"), 0);
  const auto late = news(slow, "config.applied");
  for (const std::string& line : news(healthy[0], "config.applied")) EXPECT_THAT(late, testing::Contains(line));
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
