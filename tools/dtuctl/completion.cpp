// What the shell may offer at Tab. `dtuctl __complete WORD...` prints candidates, one a line, each with a tab and its
// meaning where there is one; a line ":files" asks the shell for file names.
#include <algorithm>

#include "actions.hpp"
#include "dtuctl.bash.hpp"
#include "dtuctl.fish.hpp"
#include "dtuctl.zsh.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

class Candidates {
 public:
  explicit Candidates(std::string prefix) : prefix_(std::move(prefix)) {}
  void add(const std::string& word, const std::string& meaning = {}) {
    if (word.rfind(prefix_, 0) != 0 || printable(word) != word) return;
    text_ += word + (meaning.empty() ? "" : "\t" + printable(meaning)) + "\n";
  }
  void files() { text_ += ":files\n"; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string prefix_;
  std::string text_;
};

void add_options(Candidates& out, const std::vector<Option>& options) {
  for (const Option& o : options) out.add(o.name, o.help);
}

const Subcommand* find_subcommand(const std::string& name) {
  for (const Subcommand& s : subcommands())
    if (name == s.name) return &s;
  return nullptr;
}

// first: the word that was written; "" = none yet.
void add_subcommands(Candidates& out, const std::string& first) {
  std::vector<std::string> told;
  for (const Subcommand& s : subcommands()) {
    const std::string name = s.name;
    const size_t space = std::min(name.find(' '), name.size());
    const std::string word = name.substr(0, space);
    if (!first.empty()) {
      if (space != name.size() && word == first) out.add(name.substr(space + 1), s.summary);
    } else if (std::find(told.begin(), told.end(), word) == told.end()) {
      const Subcommand* alone = find_subcommand(word);
      told.push_back(word);
      out.add(word, alone != nullptr ? alone->summary : "show, check, set");
    }
  }
}

// The names dtud gives; none when it does not answer at once: Tab must not hang, nor complain.
void add_live(Candidates& out, const Client& client, Word word) {
  const auto list = [&](const char* path) {
    return Json::parse(client.need("GET", path), "the answer", kFailed).items();
  };
  switch (word) {
    case Word::command:
      for (const Json& c : list("/v1/commands")) out.add(c["name"].text(), c["title"].text());
      break;
    case Word::point:
      for (const Json& p : list("/v1/points")) out.add(p["name"].text(), p["title"].text());
      break;
    case Word::event:
      for (const Json& e : list("/v1/events")) out.add(e["name"].text(), e["title"].text());
      break;
    case Word::target:
      out.add("all", "every port and channel");
      for (const Json& p : list("/v1/ports")) out.add("port:" + p["id"].text(), p["device"].text());
      for (const Json& c : list("/v1/channels")) out.add("channel:" + c["id"].text(), c["type"].text());
      break;
    case Word::type:
      for (const Json& p : list("/v1/plugins")) {
        for (const Json& c : p["components"].items()) out.add(c["type"].text(), c["title"].text());
        if (!p["id"].text().empty()) out.add(p["id"].text(), p["version"].text());
      }
      break;
    case Word::plugin:  // that dtuctl installed
      for (const Json& p : list("/v1/plugins"))
        if (p["installed"].flag()) out.add(p["id"].text(), p["version"].text());
      break;
    case Word::retried:
      for (const Json& p : list("/v1/plugins"))
        if (!p["error"].text().empty()) out.add(p["file"].text(), p["state"].text());
      break;
    default:
      break;
  }
}

// The next word of the names of instances that begin with those written: "channel", then "1".
void add_instances(Candidates& out, const Client& client, const std::vector<std::string>& words) {
  std::string written;
  for (const std::string& word : words) written += word + " ";
  try {
    const Json status = Json::parse(client.need("GET", "/v1/status"), "the answer", kFailed);
    std::vector<std::string> told;
    for (const Json& i : status["instances"].items()) {
      const std::string name = i["name"].text();
      if (name.rfind(written, 0) != 0) continue;
      const std::string word = name.substr(written.size(), name.find(' ', written.size()) - written.size());
      if (std::find(told.begin(), told.end(), word) != told.end()) continue;
      told.push_back(word);
      out.add(word, i["state"].text());
    }
  } catch (const Failure&) {  // no dtud, no names
  }
}

void add_operand(Candidates& out, const Client& client, Word word) {
  if (word == Word::file) {
    out.files();
  } else if (word == Word::shell) {
    for (const char* shell : {"bash", "zsh", "fish"}) out.add(shell);
  } else {
    try {
      add_live(out, client, word);
    } catch (const Failure&) {  // no dtud, no names
    }
  }
}

// The command line as far as it goes, read leniently: a half-written one is not wrong yet.
struct Partial {
  std::vector<std::string> operands;
  std::string socket;
  const Option* wants_value = nullptr;
};

Partial read_partial(const std::vector<std::string>& words) {
  std::vector<const Option*> known;
  for (const Option& o : global_options()) known.push_back(&o);
  for (const Subcommand& s : subcommands())
    for (const Option& o : s.options) known.push_back(&o);
  Partial p;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.size() < 2 || word[0] != '-') {
      p.operands.push_back(word);
      continue;
    }
    const auto option = std::find_if(known.begin(), known.end(), [&](const Option* o) {
      return word == o->name || (*o->alias != '\0' && word == o->alias);
    });
    if (word.rfind("--socket=", 0) == 0) p.socket = word.substr(9);
    if (option == known.end() || *(*option)->value == '\0') continue;
    if (i + 2 == words.size()) {
      p.wants_value = *option;
    } else if (word == "--socket") {
      p.socket = words[i + 1];
    }
    ++i;
  }
  return p;
}

// A subcommand of its own that others begin with: upgrade, upgrade start.
bool is_prefix(const std::string& name) {
  return std::any_of(subcommands().begin(), subcommands().end(),
                     [&](const Subcommand& s) { return std::string(s.name).rfind(name + " ", 0) == 0; });
}

const Subcommand* subcommand_of(std::vector<std::string>& operands) {
  for (size_t words = std::min<size_t>(operands.size(), 2); words > 0; --words) {
    const Subcommand* found = find_subcommand(words == 1 ? operands[0] : operands[0] + " " + operands[1]);
    if (found == nullptr) continue;
    operands.erase(operands.begin(), operands.begin() + static_cast<std::ptrdiff_t>(words));
    return found;
  }
  return nullptr;
}

}  // namespace

int complete(const std::vector<std::string>& words) {
  const std::string current = words.empty() ? "" : words.back();
  Candidates out(current);
  Partial p = read_partial(words);
  if (!p.operands.empty() && p.operands.front() == "help") p.operands.erase(p.operands.begin());
  const Subcommand* s = subcommand_of(p.operands);
  if (p.wants_value != nullptr) {
    const std::string value = p.wants_value->value;
    if (value == "FILE" || value == "PATH") out.files();
  } else if (!current.empty() && current[0] == '-') {
    if (s != nullptr) add_options(out, s->options);
    add_options(out, global_options());
  } else if (s == nullptr) {
    if (p.operands.size() < 2) add_subcommands(out, p.operands.empty() ? "" : p.operands[0]);
  } else if (p.operands.empty() && is_prefix(s->name)) {
    add_subcommands(out, s->name);
  } else if (!s->words.empty() && p.operands.size() < s->most) {
    Invocation in;
    if (!p.socket.empty()) in.options["--socket"] = p.socket;
    const Client client(in.socket_path(), std::chrono::seconds(1), false);
    const Word word = s->words[std::min(p.operands.size(), s->words.size() - 1)];
    if (word != Word::retried || p.operands.empty()) add_operand(out, client, word);
    if (word == Word::retried) add_instances(out, client, p.operands);
  }
  print(out.text());
  finish_output();
  return kOk;
}

int completion_script(const Invocation& in) {
  const std::string& shell = in.operands[0];
  if (shell != "bash" && shell != "zsh" && shell != "fish")
    throw Failure(kUsage, "\"" + shell + "\" is not supported: bash, zsh or fish");
  print(shell == "bash" ? dtuctl_bash : shell == "zsh" ? dtuctl_zsh : dtuctl_fish);
  return kOk;
}

}  // namespace dtuctl
