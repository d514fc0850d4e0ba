// Replacing a plugin by another build of it, while dtud runs.
#include <cstdio>
#include <filesystem>
#include <future>

#include "actions.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "json.hpp"
#include "log/counted.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

constexpr std::chrono::minutes kLongest{11};  // dtud answers within ten
constexpr std::chrono::milliseconds kFirstLook{1000}, kLookAgain{300};

std::string order_of(const Invocation& in) {
  const auto back = in.options.find("--rollback");
  if ((back != in.options.end()) != in.operands.empty())
    throw Failure(kUsage, "give the FILE of a build, or --rollback and the ID of a plugin: see dtuctl plugins");
  std::string order = "{\"deadline_ms\": " + std::to_string(in.timeout_s() * 1000);
  if (back != in.options.end())
    order += ", \"rollback\": " + quoted(back->second);
  else
    order += ", \"file\": " + quoted(std::filesystem::absolute(in.operands[0]).lexically_normal().string());
  return order + (in.has("--force") ? ", \"force\": true}" : "}");
}

void show_progress(const Invocation& in, bool clear) {
  if (!in.terminal.progress) return;
  std::string text;
  try {
    const Json state = Json::parse(in.client().need("GET", "/v1/plugins/upgrade"), "the answer", kFailed);
    if (!clear && state["running"].flag())
      text = std::to_string(state["moved"].items().size()) + " of " +
             dtud::counted(state["total"].number(), "instance") + ", " +
             (state["going_back"].flag() ? "going back: " : "now ") + state["now"].text();
  } catch (const Failure&) {  // the answer of the order itself says what is wrong
  }
  std::fprintf(stderr, "\r\033[K%s", printable(text).c_str());
  std::fflush(stderr);
}

std::string version_of(const Json& build) { return printable(build["version"].text()); }

}  // namespace

int plugins_upgrade(const Invocation& in) {
  const std::string order = order_of(in);
  auto answer = std::async(std::launch::async, [client = in.client().patient(kLongest), order] {
    return client.need("POST", "/v1/plugins/upgrade", order);
  });
  bool shown = false;
  for (auto wait = kFirstLook; answer.wait_for(wait) != std::future_status::ready; wait = kLookAgain) {
    show_progress(in, false);
    shown = true;
  }
  if (shown) show_progress(in, true);
  const std::string body = answer.get();
  if (in.json()) {
    print(body + "\n");
    return kOk;
  }
  const Json state = Json::parse(body, "the answer", kFailed);
  for (const Json& moved : state["moved"].items())
    print(printable(moved["instance"].text()) + "  " + moved["ms"].text() + " ms\n");
  print(printable(state["plugin"].text()) + " " + version_of(state["to"]) + " runs, after " +
        version_of(state["from"]) + "\n");
  return kOk;
}

}  // namespace dtuctl
