#include "config/history.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "config/json_text.hpp"
#include "config/json_value.hpp"

namespace dtud::config {
namespace {

constexpr std::string_view kEnding = ".json";
constexpr size_t kMostText = 8U << 20U;  // a document of 1 MiB, each of its bytes escaped, and its head

constexpr size_t kMostSenders = 4096;                // more than there are channels and plugins
constexpr uint64_t kLargestId = uint64_t{1} << 53U;  // a name with a larger number is not ours

// It may be larger than a document, so read_json() does not read it.
std::optional<Json> read_object(const std::string& file, FileError& error) {
  const auto text = read_file(file, kMostText, error);
  if (!text) return std::nullopt;
  try {
    Json value = parse_trusted(*text);
    const JsonObject* o = as_object(value);
    if (o != nullptr && type_of(o->get("document")) == JsonType::text)
      return std::optional<Json>(std::in_place, std::move(value));
  } catch (const std::exception&) {  // damaged flash is no reason to end
  }
  error = {EBADMSG, file + " is damaged"};
  return std::nullopt;
}

// Nothing: it is damaged.
std::optional<Sender> sender_in(const JsonObject& o) {
  const int64_t confirm_s = as_integer(o.get("confirm_s"));
  Sender out{as_text(o.get("source")), static_cast<uint32_t>(confirm_s), as_flag(o.get("leaves"), true)};
  const Json list = o.get("heirs");
  const JsonArray* heirs = as_list(list);
  if ((heirs == nullptr && o.has("heirs")) || (heirs != nullptr && heirs->size() > kMostSenders)) return std::nullopt;
  for (size_t i = 0; heirs != nullptr && i < heirs->size(); ++i) {
    const int64_t id = as_integer(heirs->get(static_cast<unsigned>(i)));
    if (id <= 0 || id > UINT32_MAX) return std::nullopt;
    out.heirs.push_back(static_cast<uint32_t>(id));
  }
  if (out.source.empty() || confirm_s < 0 || confirm_s > UINT32_MAX) return std::nullopt;
  return out;
}

void write_sender(JsonObject& o, const Sender& sender) {
  o.set("source", sender.source);
  if (sender.confirm_s != 0) o.set("confirm_s", sender.confirm_s);
  o.set("leaves", sender.leaves);
  if (sender.heirs.empty()) return;
  JsonArray::Ptr heirs = new JsonArray;
  for (const uint32_t id : sender.heirs) heirs->add(id);
  o.set("heirs", heirs);
}

// Empty: they are damaged.
std::vector<Sender> senders_of(const JsonObject& trial) {
  const Json list = trial.get("earlier");
  const JsonArray* earlier = as_list(list);
  if ((earlier == nullptr && trial.has("earlier")) || (earlier != nullptr && earlier->size() > kMostSenders)) return {};
  std::vector<Sender> out;
  for (size_t i = 0; earlier != nullptr && i < earlier->size(); ++i) {
    const Json entry = earlier->get(static_cast<unsigned>(i));
    const auto sender = as_object(entry) != nullptr ? sender_in(*as_object(entry)) : std::nullopt;
    if (!sender) return {};
    out.push_back(*sender);
  }
  const auto newest = sender_in(trial);
  if (!newest) return {};
  out.push_back(*newest);
  return out;
}

}  // namespace

std::string History::file_of(uint64_t id) const {
  std::string digits = std::to_string(id);
  digits.insert(0, digits.size() < 8 ? 8 - digits.size() : 0, '0');
  return folder_ + "/" + digits + std::string(kEnding);
}

std::vector<uint64_t> History::ids(FileError* error) const {
  std::vector<uint64_t> out;
  std::error_code problem;
  std::filesystem::directory_iterator entry(folder_, problem);
  for (; !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
    const std::string name = entry->path().filename().string();
    uint64_t id = 0;
    const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), id);
    const bool ours = ec == std::errc() && id != 0 && id <= kLargestId && end != name.data();
    if (ours && std::string_view(end) == kEnding) out.push_back(id);
  }
  if (error != nullptr && problem && problem.value() != ENOENT)
    *error = {problem.value(), "cannot list " + folder_ + ": " + problem.message()};
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<Revision> History::get(uint64_t id, FileError* error) const {
  FileError problem;
  const auto value = read_object(file_of(id), problem);
  if (!value && error != nullptr) *error = problem;
  if (!value) return std::nullopt;
  const JsonObject& o = *as_object(*value);
  return Revision{id,
                  as_integer(o.get("time_ns")),
                  as_text(o.get("source")),
                  as_text(o.get("note")),
                  as_text(o.get("document")),
                  static_cast<uint64_t>(as_integer(o.get("restores"))),
                  type_of(o.get("proven")) == JsonType::boolean && !as_flag(o.get("proven"))};
}

std::optional<Revision> History::newest() const {
  const auto known = ids();
  for (auto id = known.rbegin(); id != known.rend(); ++id)
    if (auto revision = get(*id)) return revision;
  return std::nullopt;
}

uint64_t History::add(Revision revision, uint64_t keep, FileError& error) const {
  std::error_code problem;
  std::filesystem::create_directories(folder_, problem);
  if (problem) {
    error = {problem.value(), "cannot make " + folder_ + ": " + problem.message()};
    return 0;
  }
  FileError unlisted;
  auto known = ids(&unlisted);
  if (unlisted.code != 0) return error = unlisted, 0;  // a number that is taken must not be given again
  revision.id = std::max({revision.id, uint64_t{1}, known.empty() ? 0 : known.back() + 1});
  if (!put(revision, error)) return 0;
  for (size_t i = 0; i < known.size() && known.size() + 1 - i > kKept; ++i)
    if (known[i] != keep) ::unlink(file_of(known[i]).c_str());
  return revision.id;
}

bool History::put(const Revision& revision, FileError& error) const {
  auto o = make_ordered_object();
  o->set("time_ns", revision.time_ns);
  o->set("source", revision.source);
  o->set("note", revision.note);
  o->set("document", revision.text);
  if (revision.restores != 0) o->set("restores", revision.restores);
  if (revision.unproven) o->set("proven", false);
  return write_file(file_of(revision.id), to_json(Json(o)), error);
}

void History::take_back(uint64_t id) const { ::unlink(file_of(id).c_str()); }

bool History::set_proven(uint64_t id, bool proven, FileError& error) const {
  auto revision = get(id, &error);
  if (!revision) return false;
  if (revision->unproven == !proven) return true;
  revision->unproven = !proven;
  return put(*revision, error);
}

std::optional<Revision> History::proven_before(uint64_t id, const std::function<bool(const Revision&)>& usable) const {
  const auto known = ids();
  for (auto it = known.rbegin(); it != known.rend(); ++it) {
    auto revision = *it < id ? get(*it) : std::nullopt;
    if (revision && !revision->unproven && usable(*revision)) return revision;
  }
  return std::nullopt;
}

uint64_t History::ran(std::string* problem) const {
  constexpr size_t kMostDigits = 32;
  const std::string file = folder_ + "/ran";
  FileError error;
  const auto text = read_file(file, kMostDigits, error);
  uint64_t id = 0;
  if (text) {
    const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), id);
    const std::string_view rest(end, static_cast<size_t>(text->data() + text->size() - end));
    if (ec == std::errc() && id != 0 && id <= kLargestId && (rest.empty() || rest == "\n")) return id;
    error.code = EBADMSG;
  }
  if (problem == nullptr || error.code == ENOENT) return 0;
  const bool damaged = error.code == EBADMSG || error.code == EFBIG;
  *problem = damaged ? file + " is not what dtud wrote: it names no revision; " + set_aside(file) : error.text;
  return 0;
}

bool History::set_ran(uint64_t id, FileError& error) const {
  const std::string file = folder_ + "/ran", text = std::to_string(id) + "\n";
  if (write_file(file, text, error)) return true;
  // A folder, say, which could not be read either.
  return error.code == EINVAL && set_aside(file, error) && write_file(file, text, error);
}

std::string Trial::by() const {
  std::string out;
  for (size_t i = 0; i < senders.size(); ++i)
    out += (i == 0 ? "" : i + 1 == senders.size() ? " and " : ", ") + senders[i].source;
  return out;
}

TrialFile::TrialFile(const std::string& folder)
    : file_(folder + "/trial.json", kMostText), unproven_(folder + "/unproven.json") {}

std::optional<Trial> TrialFile::read(std::string& problem) {
  const auto value = file_.read(problem);
  if (!value) return std::nullopt;
  const JsonObject& o = *as_object(*value);
  const int64_t good = as_integer(o.get("good")), tried = as_integer(o.get("tried"), -1),
                starts = as_integer(o.get("starts"), -1);
  const auto is_id = [](int64_t id) { return id > 0 && static_cast<uint64_t>(id) <= kLargestId; };
  auto senders = senders_of(o);
  if (!is_id(good) || (tried != 0 && !is_id(tried)) || starts < 0 || starts > UINT32_MAX || senders.empty()) {
    problem = file_.reject("it names no revision to go back to");
    return std::nullopt;
  }
  const std::string document = as_text(o.get("document"));
  // An older dtud stored the document only when there were such changes.
  const bool local = o.has("local") ? as_flag(o.get("local")) : !document.empty();
  return Trial{static_cast<uint64_t>(good),
               static_cast<uint64_t>(tried),
               std::move(senders),
               static_cast<uint32_t>(starts),
               as_integer(o.get("since_ns")),
               document,
               local};
}

// An older dtud reads the newest sender.
bool TrialFile::write(const Trial& trial, const std::vector<Unproven>& documents, FileError& error) {
  auto o = make_ordered_object();
  o->set("good", trial.good);
  o->set("tried", trial.tried);
  write_sender(*o, trial.senders.back());
  o->set("starts", trial.starts);
  o->set("since_ns", trial.since_ns);
  if (!trial.document.empty()) o->set("document", trial.document);
  o->set("local", trial.local);
  if (trial.senders.size() > 1) {
    JsonArray::Ptr earlier = new JsonArray;
    for (size_t i = 0; i + 1 < trial.senders.size(); ++i) {
      auto sender = make_ordered_object();
      write_sender(*sender, trial.senders[i]);
      earlier->add(sender);
    }
    o->set("earlier", earlier);
  }
  return unproven_.write(documents, error) && file_.write(to_json(Json(o)), error);
}

bool TrialFile::remove(FileError& error) { return unproven_.remove(error) && file_.remove(error); }

}  // namespace dtud::config
