// docs/names.md says what the plugins of dtukit offer, and they offer what it says.
#include <Poco/JSON/Object.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "harness/dtud.hpp"
#include "harness/made_board.hpp"
#include "harness/pty.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

using Texts = std::vector<std::string>;

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" `"), end = text.find_last_not_of(" `");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

Texts split(const std::string& text, char by) {
  Texts all;
  std::istringstream in(text);
  for (std::string one; std::getline(in, one, by);)
    if (const std::string part = trimmed(one); !part.empty()) all.push_back(part);
  return all;
}

// The rows of all tables: name -> cells. The page names no name twice in one kind of table.
struct Page {
  std::map<std::string, Texts> points, commands, events;
  Page() {
    std::ifstream file(E2E_DOCS "/names.md");
    std::map<std::string, Texts>* table = nullptr;
    for (std::string line; std::getline(file, line);) {
      if (line.rfind("| Point ", 0) == 0) table = &points;
      if (line.rfind("| Command ", 0) == 0) table = &commands;
      if (line.rfind("| Event ", 0) == 0) table = &events;
      if (line.rfind("| `", 0) != 0) continue;
      Texts cells;
      std::istringstream in(line.substr(1));
      for (std::string cell; std::getline(in, cell, '|');) cells.push_back(trimmed(cell));
      EXPECT_NE(table, nullptr) << line;
      EXPECT_TRUE(table->emplace(cells.at(0), cells).second) << "twice: " << line;
    }
  }
};

constexpr size_t kPointProviders = 3, kArguments = 1, kLevel = 2, kProviders = 3, kCommandProviders = 4;

bool offered_by(const std::string& cell, const std::string& provider) {
  const Texts all = split(cell, ',');
  return std::find(all.begin(), all.end(), provider) != all.end();
}

// gpio.4 is gpio.N of the page.
std::string generic(const std::string& name) {
  std::string out;
  for (const std::string& part : split(name, '.'))
    out += (out.empty() ? "" : ".") + (part.find_first_not_of("0123456789") == std::string::npos ? "N" : part);
  return out;
}

struct Offered {
  std::map<std::string, std::string> units;  // of the points of one provider
  std::map<std::string, Json> commands;
};

std::map<std::string, Offered> offered(const Dtud& dtud) {
  std::map<std::string, Offered> all;
  const Json points = parse_json(dtud.get("/v1/points").body), commands = parse_json(dtud.get("/v1/commands").body);
  for (size_t i = 0; i < size(points); ++i) {
    const std::string p = "[" + std::to_string(i) + "].";
    all[text(points, p + "provider")].units[generic(text(points, p + "name"))] = text(points, p + "unit");
  }
  for (size_t i = 0; i < size(commands); ++i) {
    const Json c = at(commands, "[" + std::to_string(i) + "]");
    all[text(c, "provider")].commands[text(c, "name")] = c;
  }
  return all;
}

void compare(const Page& page, const std::string& provider, const Offered& what) {
  for (const auto& [name, unit] : what.units) {
    const auto row = page.points.find(name);
    ASSERT_NE(row, page.points.end()) << provider << " offers the point " << name;
    EXPECT_TRUE(offered_by(row->second.at(kPointProviders), provider)) << name << " of " << provider;
    EXPECT_EQ(row->second.at(1), unit) << name;
  }
  for (const auto& [name, command] : what.commands) {
    const auto row = page.commands.find(name);
    ASSERT_NE(row, page.commands.end()) << provider << " offers the command " << name;
    EXPECT_TRUE(offered_by(row->second.at(kCommandProviders), provider)) << name << " of " << provider;
    EXPECT_EQ(row->second.at(kLevel), text(command, "level")) << name;
    EXPECT_EQ(row->second.at(kProviders), text(command, "shared") == "true" ? "many" : "one") << name;
    Texts arguments;
    for (std::string one : split(row->second.at(kArguments), ',')) arguments.push_back(trimmed(one));
    Texts taken;
    if (const Json properties = at(command, "args_schema.properties"); !properties.isEmpty())
      taken = properties.extract<Poco::JSON::Object::Ptr>()->getNames();
    std::sort(arguments.begin(), arguments.end());
    std::sort(taken.begin(), taken.end());
    EXPECT_EQ(arguments, taken) << name;
  }
  for (const auto& [name, cells] : page.points)
    EXPECT_EQ(offered_by(cells.at(kPointProviders), provider), what.units.count(name) != 0) << name << ", " << provider;
  for (const auto& [name, cells] : page.commands)
    EXPECT_EQ(offered_by(cells.at(kCommandProviders), provider), what.commands.count(name) != 0)
        << name << ", " << provider;
}

void compare_events(const Page& page, const Dtud& dtud, const std::set<std::string>& tellers) {
  const Json events = parse_json(dtud.get("/v1/events").body);
  std::map<std::string, std::set<std::string>> listed;
  for (size_t i = 0; i < size(events); ++i) {
    const Json e = at(events, "[" + std::to_string(i) + "]");
    const auto row = page.events.find(text(e, "name"));
    ASSERT_NE(row, page.events.end()) << to_json(e);
    EXPECT_EQ(row->second.at(1), text(e, "state") == "true" ? "yes" : "no") << to_json(e);
    EXPECT_EQ(row->second.at(2), text(e, "title")) << to_json(e);
    EXPECT_TRUE(offered_by(row->second.at(3), text(e, "source"))) << to_json(e);
    listed[text(e, "name")].insert(text(e, "source"));
  }
  for (const auto& [name, cells] : page.events)
    for (const std::string& teller : tellers)
      EXPECT_EQ(offered_by(cells.at(3), teller), listed[name].count(teller) != 0) << name << ", " << teller;
}

// Of a board that has everything the HAL can show. Two HALs of one product have no point of the same name: it has a
// dtud of its own.
TEST(NamesTest, ThePageSaysWhatALinuxBoardOffers) {
  Dtud dtud;
  const std::string root = dtud.path("tree");
  make_board(root);
  dtud.hal(R"({"type": "linux", "root": ")" + root + R"(", "gpio": {"7": {"chip": "/dev/gpiochip0", "line": 7}},
            "imei": "490154203237518", "version": "3", "time": {},
            "wifi": {"interface": "wlan0", "access_point": {"interface": "wlan0"}},
            "installers": {"modem": {"install": ["/nowhere"]}}})");
  dtud.device("{}");
  dtud.start();
  ASSERT_TRUE(eventually([&] { return offered(dtud).count("hal linux") != 0; }));
  compare(Page(), "hal linux", offered(dtud).at("hal linux"));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(NamesTest, ThePageSaysWhatAModemOffers) {
  Dtud dtud;
  dtud.hal(R"({"type": "ec600", "at_device": "/nowhere/modem"})");
  dtud.device("{}");
  dtud.start();
  ASSERT_TRUE(eventually([&] { return offered(dtud).count("hal ec600") != 0; }));
  const Page page;
  compare(page, "hal ec600", offered(dtud).at("hal ec600"));
  compare_events(page, dtud, {"kernel", "hal ec600"});
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(NamesTest, ThePageSaysWhatIsOffered) {
  const Page page;
  ASSERT_GT(page.points.size(), 20U);
  ASSERT_GT(page.commands.size(), 50U);
  Dtud dtud;
  // The linux HAL is there for its events.
  dtud.hal(R"({"type": "sim", "ports": {"1": {}}})").hal(R"({"type": "linux", "root": "/nowhere"})");
  dtud.device("{}");
  dtud.start();
  const std::set<std::string> wanted{"kernel", "hal sim", "command dtu", "command acquire"};
  ASSERT_TRUE(eventually([&] {
    const auto all = offered(dtud);
    return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& one) { return all.count(one) != 0; });
  })) << dtud.get("/v1/commands").body;
  const auto all = offered(dtud);
  EXPECT_EQ(all.size(), wanted.size() + 1);
  for (const std::string& provider : wanted) compare(page, provider, all.at(provider));
  std::set<std::string> tellers = wanted;
  tellers.insert("hal linux");
  compare_events(page, dtud, tellers);
  EXPECT_EQ(dtud.stop(), 0);
}

// Whoever asks meanwhile is told to try again, not that the board has no such thing.
TEST(NamesTest, ANameStaysWhileItsProviderRestarts) {
  Dtud dtud;
  dtud.hal(R"({"type": "sim", "isolate": true})");
  dtud.device("{}");
  dtud.start();
  const auto hal = [&] { return with(at(parse_json(dtud.get("/v1/status").body), "instances"), "name", "hal sim"); };
  const auto asked = [&](const std::string& command) {
    return text(parse_json(dtud.post("/v1/call", R"({"command": ")" + command + R"(", "args": {}})").body), "status");
  };
  ASSERT_TRUE(eventually([&] { return asked("time.sync") == "ok"; }));
  const auto commands = size(parse_json(dtud.get("/v1/commands").body));
  const auto points = size(parse_json(dtud.get("/v1/points").body));
  ASSERT_EQ(::kill(static_cast<pid_t>(number(hal(), "isolated.pid")), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return text(hal(), "state") != "up"; }));
  const std::string meanwhile = asked("time.sync");
  const auto listed = size(parse_json(dtud.get("/v1/commands").body));
  EXPECT_TRUE(meanwhile == "closed" || meanwhile == "ok") << meanwhile;
  EXPECT_EQ(listed, commands);
  EXPECT_EQ(size(parse_json(dtud.get("/v1/points").body)), points);
  EXPECT_TRUE(eventually([&] { return asked("time.sync") == "ok"; }));
  EXPECT_EQ(size(parse_json(dtud.get("/v1/commands").body)), commands);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
